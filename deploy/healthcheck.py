"""Exits with 0 if the container's health URL answers 200: $HEALTH_URL, else /readyz of the service's ops listener."""

import os
import sys
import urllib.error
import urllib.request

OPS_PORTS = {"signer": 7201, "rotator": 7202, "certify": 7203, "stamp": 7204}


def main() -> int:
    """0 if healthy, 1 with a line that says why if not."""
    port = OPS_PORTS.get(os.environ.get("SERVICE", ""), 0)
    url = os.environ.get("HEALTH_URL", f"http://127.0.0.1:{port}/readyz")
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - the URL is the operator's
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        print(error.code, error.read(500).decode(errors="replace"))
    except OSError as error:
        print(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
