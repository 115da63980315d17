"""Generates the typed code beside every .proto: messages, their stubs, gRPC stubs and typed gRPC stubs.

Run ``python protos/generate.py`` after changing a contract; ``./mesh check`` proves that it leaves no diff. Nothing in
the tree changes unless every contract compiles.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent


def compile_into(folder: Path) -> int:
    """Compiles every contract into ``folder``; returns protoc's exit code."""
    protos = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto"))
    services = [name for name in protos if "\nservice " in (ROOT / name).read_text()]
    include = [f"-I{ROOT}", f"-I{files('grpc_tools') / '_proto'}"]
    code = protoc.main(["protoc", *include, f"--python_out={folder}", f"--pyi_out={folder}", *protos])
    if code == 0 and services:
        grpc_out = [f"--grpc_python_out={folder}", f"--mypy_grpc_out=only_async:{folder}"]
        code = protoc.main(["protoc", *include, *grpc_out, *services])
    return int(code)


def main() -> int:
    """Compiles aside, then replaces the generated files that stand beside the contracts."""
    # protoc looks for its plugins on PATH, where an environment that was not activated is not
    os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        if code := compile_into(made):
            return code
        fresh = {path.relative_to(made) for path in made.rglob("*_pb2*.py*")}
        for old in ROOT.rglob("*_pb2*.py*"):
            if old.suffix in {".py", ".pyi"} and old.relative_to(ROOT) not in fresh:
                old.unlink()
        for path in fresh:
            target = ROOT / path
            if not target.exists() or target.read_bytes() != (made / path).read_bytes():
                shutil.copyfile(made / path, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
