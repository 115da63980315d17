"""The roots of trust there are, and how the token process opens one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from sealwright_signer.ports import Hsm


class Login(StrEnum):
    """What is known of a PIN."""

    TRIED = "TRIED"
    """It is given to the token now; how the token takes it is not known yet."""
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNTRIED = "UNTRIED"
    """The token did not get so far as to look at it."""


@dataclass(frozen=True, slots=True)
class Pkcs11Root:
    """A PKCS#11 token."""

    module: str
    """Path of the PKCS#11 module."""
    label: str
    """Label of the token."""
    pin: str
    """User PIN."""
    lock_dir: Path = Path(tempfile.gettempdir())
    """Folder of the file lock that keeps processes of one machine from logging in at once."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"PKCS#11 token {self.label}"

    def __repr__(self) -> str:
        return f"Pkcs11Root(module={self.module!r}, label={self.label!r})"


@dataclass(frozen=True, slots=True)
class FileRoot:
    """A folder that stands in for a token in development."""

    folder: Path

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"file root of trust {self.folder}"


RootOfTrust: TypeAlias = Pkcs11Root | FileRoot


def opened(root: RootOfTrust, on_login: Callable[[Login], None]) -> Hsm:
    """The root of trust, in this process. ``on_login`` is told of each login before and after it."""
    if isinstance(root, FileRoot):
        from sealwright_signer.adapters.file_root import FileHsm

        return FileHsm(root.folder)
    # Imported here: only the token process needs the PKCS#11 library.
    from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm

    return Pkcs11Hsm(root, on_login)
