"""Random secrets in files that only their owner may read."""

import base64
import os
import secrets
from pathlib import Path


def secret_file(path: Path, length: int = 32) -> str:
    """The secret in `path`; made first, `length` random hexadecimal digits, mode 0600, if missing."""
    if not path.exists():
        private_file(path, secrets.token_hex(length // 2))
    return path.read_text().strip()


def secret_key_file(path: Path, length: int = 32) -> Path:
    """`path`, with `length` random bytes in base64, mode 0600; made if missing."""
    if not path.exists():
        private_file(path, base64.b64encode(secrets.token_bytes(length)).decode())
    return path


def private_file(path: Path, text: str) -> Path:
    """Writes `text` into a file that only its owner may read, whole or not at all, and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(fresh, path)
    return path
