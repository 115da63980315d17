"""``sealwright grpcurl-flags``: what grpcurl needs to talk to this mesh."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import typer

from sealwright_client.connection import find_profile
from sealwright_client.terminal import JsonFlag, errors

app = typer.Typer()


@app.command()
def grpcurl_flags(as_json: JsonFlag = False) -> None:
    """Flags for grpcurl, to be used as: grpcurl $(sealwright grpcurl-flags) 127.0.0.1:7101 list."""
    tls = find_profile().tls
    flags = (
        ["-plaintext"] if tls is None else ["-cacert", _word(tls.ca), "-cert", _word(tls.cert), "-key", _word(tls.key)]
    )
    quoted = shlex.join(flags)
    print(json.dumps(flags) if as_json else quoted)
    if not as_json and "'" in quoted:
        errors.print(
            "the paths have spaces, which a shell splits: run this in the checkout, or write eval grpcurl …",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _word(file: Path) -> str:
    """`file`, from here if its whole path has a space: a shell splits what $(…) prints and knows no quotes in it."""
    return os.path.relpath(file) if " " in str(file) else str(file)
