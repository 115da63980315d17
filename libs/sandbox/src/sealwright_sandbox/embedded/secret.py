"""Random secrets in files that only their owner may read."""

import os
import secrets
from pathlib import Path


def secret_file(path: Path, length: int = 32) -> str:
    """The secret in `path`; made first, `length` random hexadecimal digits, mode 0600, if missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(length // 2))
        os.replace(fresh, path)
    return path.read_text().strip()
