"""The rotator service, put together: placeholder."""


def main() -> None:
    raise SystemExit(1)
