"""`sealwright keys …` and `sealwright sign …` against a running signer."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.signer import SignerProcess


class Terminal:
    """Runs the command as a person would."""

    def __init__(self, signer: SignerProcess, folder: Path) -> None:
        tls = signer.ca.issue("operator", file="terminal")
        self.environment = os.environ | {
            "SEALWRIGHT_DATA": str(folder),
            "SEALWRIGHT_SIGNER": signer.target,
            "SEALWRIGHT_TLS_CERT": str(tls.cert),
            "SEALWRIGHT_TLS_KEY": str(tls.key),
            "SEALWRIGHT_TLS_CA": str(tls.ca),
            "COLUMNS": "250",
        }

    async def run(self, *arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from sealwright_client.cli import main; main()"),
            *arguments,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin)
        return process.returncode or 0, out.decode(), err.decode()

    async def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        code, out, err = await self.run(*arguments, "--json", stdin=stdin)
        assert code == 0, err
        return json.loads(out)


async def test_keys_and_signatures(signer: SignerProcess, tmp_path: Path) -> None:
    terminal = Terminal(signer, tmp_path)
    (key,) = await terminal.json("keys", "create", "--algorithm", "EDDSA", "--label", "team=grid", "--pending")
    assert (key["state"], key["protection"], key["labels"]) == ("PENDING", "HSM", "team=grid")
    assert (await terminal.json("keys", "activate", key["id"]))["state"] == "ACTIVE"
    listed = await terminal.json("keys", "list", "--state", "ACTIVE", "--algorithm", "eddsa")
    assert key["id"] in [row["id"] for row in listed]
    code, table, _ = await terminal.run("keys", "list")
    assert code == 0
    assert key["id"] in table
    assert json.loads((await terminal.json("keys", "public", key["id"]))["public_key"])["crv"] == "Ed25519"

    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public_key"]))
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").write_bytes(b"second")
    rows = await terminal.json(
        "sign", "--key", key["id"], "--encoding", "base64", str(tmp_path / "a"), str(tmp_path / "b")
    )
    for row, data in zip(rows, (b"first", b"second"), strict=True):
        public.verify(base64.b64decode(row["signature"]), data)
    (piped,) = await terminal.json("sign", "--key", key["id"], "--encoding", "hex", stdin=b"piped")
    public.verify(bytes.fromhex(piped["signature"]), b"piped")

    assert "disabled" in (await terminal.json("keys", "disable", key["id"]))["state"]
    code, _, err = await terminal.run("sign", "--key", key["id"], "--message", "x", "--json")
    assert code == 1
    assert json.loads(err)["error"]["reason"] == "KEY_DISABLED"
    await terminal.json("keys", "enable", key["id"])
    assert (await terminal.json("keys", "destroy", key["id"], "--days", "7"))["state"] == "DESTROY_SCHEDULED"
    assert (await terminal.json("keys", "cancel-destruction", key["id"]))["state"] == "ACTIVE"
    assert (await terminal.json("keys", "retire", key["id"]))["state"] == "VERIFY_ONLY"
    assert (await terminal.json("keys", "compromised", key["id"], "--note", "test"))["state"] == "COMPROMISED"
    code, _, err = await terminal.run("sign", "--message", "x")
    assert code == 2
    assert "--issuer" in err
