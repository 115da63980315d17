"""How to run PostgreSQL's programs, which refuse to run as root, when we are root.

Two ways, tried in this order. In a user namespace the process believes it is an ordinary user while its files stay
root's: nothing on the machine changes. Where namespaces are forbidden (some containers) the process runs as the
`nobody` number instead, which must be able to reach the binaries and its data folder. An ordinary user needs neither.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sealwright_sandbox.errors import SandboxError

NOBODY = 65534
"""The number of the user without rights; no entry in /etc/passwd is needed."""


@dataclass(frozen=True)
class Privilege:
    """How to start a program: what stands before it, and the user number to switch to (None: stay)."""

    prefix: Sequence[str] = ()
    user: int | None = None


@cache
def namespaces_allowed() -> bool:
    """Whether this process may start children in a user namespace of their own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    probe = subprocess.run([*_unshare(unshare), "true"], capture_output=True, check=False)
    return probe.returncode == 0


def privilege_for(*paths: Path) -> Privilege:
    """The way to run a program that must not be root and needs to reach `paths`.

    Raises SandboxError if we are root, namespaces are forbidden and a folder on the way to one of `paths` is closed.
    """
    if os.geteuid() != 0:
        return Privilege()
    if namespaces_allowed():
        return Privilege(prefix=tuple(_unshare(shutil.which("unshare") or "unshare")))
    for path in paths:
        closed = closed_parent(path)
        if closed is not None:
            raise SandboxError(
                f"PostgreSQL refuses to run as root, user namespaces are forbidden here, and {closed} is closed to "
                f"other users. Run as an ordinary user, or move the checkout and SEALWRIGHT_DATA below folders that "
                f"everybody may enter, or set SEALWRIGHT_POSTGRES_DSN to a server of yours"
            )
    return Privilege(user=NOBODY)


def closed_parent(path: Path) -> Path | None:
    """The topmost folder on the way to `path` that other users may not enter, or None."""
    for parent in reversed(path.resolve().parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def _unshare(unshare: str) -> list[str]:
    return [unshare, "--user", "--map-user=1000", "--map-group=1000"]
