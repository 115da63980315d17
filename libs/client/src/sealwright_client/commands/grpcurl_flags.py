"""``sealwright grpcurl-flags``: what grpcurl needs to talk to this mesh."""

from __future__ import annotations

import json
import os
import shlex

import typer

from sealwright_client.connection import find_profile
from sealwright_client.terminal import JsonFlag, errors

app = typer.Typer()


@app.command()
def grpcurl_flags(as_json: JsonFlag = False) -> None:
    """Flags for grpcurl, to be used as: grpcurl $(sealwright grpcurl-flags) 127.0.0.1:7101 list."""
    tls = find_profile().tls
    flags = ["-plaintext"] if tls is None else ["-cacert", str(tls.ca), "-cert", str(tls.cert), "-key", str(tls.key)]
    print(json.dumps(flags) if as_json else words(flags))


def words(flags: list[str]) -> str:
    """`flags` for $(…), whose output a shell splits without knowing quotes: a path with a space is told from here.

    If it has one even so, standard error says what helps.
    """
    line = shlex.join(os.path.relpath(flag) if " " in flag else flag for flag in flags)
    if "'" in line:
        advice = "the paths have spaces, which a shell splits: run this in the checkout, or write eval grpcurl …"
        errors.print(advice, markup=False, highlight=False, soft_wrap=True)
    return line
