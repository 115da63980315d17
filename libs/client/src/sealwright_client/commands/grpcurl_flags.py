"""``sealwright grpcurl-flags``: what grpcurl needs to talk to this mesh."""

from __future__ import annotations

import json
import shlex

import typer

from sealwright_client.connection import find_profile
from sealwright_client.terminal import JsonFlag

app = typer.Typer()


@app.command()
def grpcurl_flags(as_json: JsonFlag = False) -> None:
    """Flags for grpcurl, to be used as: grpcurl $(sealwright grpcurl-flags) 127.0.0.1:7101 list."""
    tls = find_profile().tls
    flags = ["-plaintext"] if tls is None else ["-cacert", str(tls.ca), "-cert", str(tls.cert), "-key", str(tls.key)]
    print(json.dumps(flags) if as_json else shlex.join(flags))
