"""A PKCS#11 token: SoftHSM2 of the machine, else Debian's packages fetched and unpacked into a folder of ours.

No root is needed and nothing is installed. The token's PIN is random and kept in a file with mode 0600.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sealwright_sandbox.embedded.secret import secret_file
from sealwright_sandbox.errors import SandboxError

PACKAGES = ("softhsm2", "libsofthsm2", "softhsm2-common")
MODULE_PLACES = (
    "usr/lib/softhsm/libsofthsm2.so",
    "usr/lib/*/softhsm/libsofthsm2.so",
    "usr/local/lib/softhsm/libsofthsm2.so",
    "usr/lib64/softhsm/libsofthsm2.so",
    "usr/lib64/pkcs11/libsofthsm2.so",
)


@dataclass(frozen=True)
class SoftHsm:
    """An installed SoftHSM2: the PKCS#11 module and the program that makes tokens."""

    module: Path
    tool: Path


@dataclass(frozen=True)
class Token:
    """One initialised token. Processes that load `module` need SOFTHSM2_CONF set to `config`."""

    module: Path
    config: Path
    label: str
    pin_file: Path

    @property
    def pin(self) -> str:
        """The user PIN."""
        return self.pin_file.read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        """What the module reads from the environment."""
        return {"SOFTHSM2_CONF": str(self.config)}


def find_softhsm(packages: Path) -> SoftHsm:
    """SoftHSM2 of the machine, else unpacked in `packages`, else fetched into it.

    SEALWRIGHT_SOFTHSM_MODULE names a module in an unusual place. Raises SandboxError if none can be had; the message
    says what was tried, so that the caller may fall back to the signer's file root of trust.
    """
    named = os.environ.get("SEALWRIGHT_SOFTHSM_MODULE")
    tool = shutil.which("softhsm2-util")
    if named:
        if not Path(named).exists() or tool is None:
            raise SandboxError(f"SEALWRIGHT_SOFTHSM_MODULE is {named}, but the file or softhsm2-util is missing")
        return SoftHsm(Path(named), Path(tool))
    installed = _module_below(Path("/"))
    if installed is not None and tool is not None:
        return SoftHsm(installed, Path(tool))
    packages.mkdir(parents=True, exist_ok=True)
    with _locked(packages / "lock"):
        unpacked = _unpacked(packages / "root")
        if unpacked is None:
            _fetch(packages)
            unpacked = _unpacked(packages / "root")
    if unpacked is None:
        raise SandboxError(f"the packages {', '.join(PACKAGES)} hold no libsofthsm2.so; install softhsm2 with apt-get")
    return unpacked


def make_token(softhsm: SoftHsm, folder: Path, label: str = "sealwright") -> Token:
    """The token `label` in `folder`, initialised with a random PIN on first use. Raises SandboxError if that fails."""
    folder = folder.resolve()
    tokens = folder / "tokens"
    folder.mkdir(parents=True, exist_ok=True)
    tokens.mkdir(mode=0o700, exist_ok=True)
    config = folder / "softhsm2.conf"
    token = Token(softhsm.module, config, label, folder / "pin")
    with _locked(folder / "lock"):
        config.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
        )
        if not any(tokens.iterdir()):
            _initialise(softhsm, token, folder / "so-pin")
    return token


def _initialise(softhsm: SoftHsm, token: Token, so_pin: Path) -> None:
    pins = ["--pin", secret_file(token.pin_file), "--so-pin", secret_file(so_pin)]
    arguments = ["--init-token", "--free", "--label", token.label, *pins, "--module", str(softhsm.module)]
    run = subprocess.run(
        [str(softhsm.tool), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **token.environment, "LD_LIBRARY_PATH": str(softhsm.module.parent)},
    )
    if run.returncode != 0:
        raise SandboxError(f"softhsm2-util could not make a token: {run.stderr.strip() or run.stdout.strip()}")


def _module_below(root: Path) -> Path | None:
    return next((found for place in MODULE_PLACES for found in sorted(root.glob(place))), None)


def _unpacked(root: Path) -> SoftHsm | None:
    module, tool = _module_below(root), root / "usr/bin/softhsm2-util"
    return SoftHsm(module, tool) if module is not None and tool.exists() else None


def _fetch(packages: Path) -> None:
    """Downloads the packages with apt-get, with package lists of our own if the machine has none, and unpacks them."""
    missing = [program for program in ("apt-get", "dpkg-deb") if shutil.which(program) is None]
    if missing:
        raise SandboxError(f"SoftHSM2 is not installed, and without {' and '.join(missing)} it cannot be fetched")
    for folder in ("archives/partial", "lists/partial", "debs"):
        (packages / folder).mkdir(parents=True, exist_ok=True)
    private = [
        *("-o", f"Dir::State::lists={packages}/lists/", "-o", f"Dir::Cache={packages}/"),
        *(
            "-o",
            f"Dir::Cache::archives={packages}/archives/",
            "-o",
            "Dir::Cache::pkgcache=",
            "-o",
            "Dir::Cache::srcpkgcache=",
        ),
        *("-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20"),
    ]
    attempts = (
        ("the machine's package lists", [["apt-get", "-q", *private[4:], "download", *PACKAGES]]),
        (
            "fresh package lists",
            [["apt-get", "-q", *private, "update"], ["apt-get", "-q", *private, "download", *PACKAGES]],
        ),
    )
    said: list[str] = []
    for with_what, commands in attempts:
        problem = next((text for command in commands if (text := _run(command, packages / "debs"))), None)
        debs = sorted((packages / "debs").glob("*.deb"))
        if problem is None and len(debs) >= len(PACKAGES):
            fresh = packages / "root.new"
            shutil.rmtree(fresh, ignore_errors=True)
            for deb in debs:
                if text := _run(["dpkg-deb", "-x", str(deb), str(fresh)], packages):
                    raise SandboxError(f"unpacking {deb.name} failed: {text}")
            fresh.rename(packages / "root")
            for folder in ("lists", "archives"):
                shutil.rmtree(packages / folder, ignore_errors=True)
            return
        said.append(f"with {with_what}: {problem}")
    raise SandboxError(f"SoftHSM2 is not installed and its packages could not be fetched ({'; '.join(said)})")


def _run(command: list[str], folder: Path) -> str | None:
    """None if the command succeeded, else the end of what it said."""
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
    except subprocess.TimeoutExpired:
        return f"{command[0]} took longer than 3 minutes"
    return None if run.returncode == 0 else (run.stderr.strip() or run.stdout.strip())[-400:]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
