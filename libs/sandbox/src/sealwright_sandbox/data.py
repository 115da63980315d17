"""Where the sandbox keeps its data."""

import os
from pathlib import Path


def checkout() -> Path | None:
    """The source checkout this code runs from, or None if it is installed as a package."""
    here = Path(__file__).resolve()
    return next(
        (parent for parent in here.parents if (parent / "uv.lock").exists() and (parent / "libs").is_dir()), None
    )


def data_folder() -> Path:
    """$SEALWRIGHT_DATA, else `.sealwright` in the checkout, else `.sealwright` in the current folder. Not created."""
    named = os.environ.get("SEALWRIGHT_DATA")
    return Path(named).resolve() if named else (checkout() or Path.cwd()) / ".sealwright"


def packages_folder() -> Path:
    """Where packages fetched for the token are unpacked; shared by every data folder of a checkout."""
    root = checkout()
    return (root / ".sealwright" if root else data_folder()) / "packages"
