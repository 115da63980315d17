"""One mesh at a time per data folder."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from sealwright_sandbox.errors import SandboxError


class FolderLock:
    """A lock on a data folder that ends with the process that holds it, however it ends: it is never stale."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mesh.lock"
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """Makes the folder, for us alone, and takes the lock.

        Raises SandboxError, naming the process that holds it, if it is taken, and if the folder cannot be used.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self._path.open("a+")
        except OSError as error:
            raise SandboxError(
                f"the data folder {self._path.parent} cannot be used: {error.strerror}; set SEALWRIGHT_DATA to another"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise SandboxError(
                f"a mesh (process {holder}) runs on {self._path.parent} already; stop it, "
                f"or set SEALWRIGHT_DATA to another folder for a second one"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Gives the lock back. Harmless if it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
