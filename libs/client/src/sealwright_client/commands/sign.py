"""``sealwright sign``: signatures over a text, a file or many files, by a key or by an issuer's active key."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import resources_pb2
from sealwright.signer.v1 import signing_service_pb2 as pb
from sealwright_common.domain.tenants import DEFAULT_TENANT

from sealwright_client.client import Sealwright
from sealwright_client.commands.keys import enum_value
from sealwright_client.terminal import JsonFlag, TenantOption, run, show

app = typer.Typer(help="Sign with a key of the signer.")
_ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "base64url": lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode(),
    "base64": lambda data: base64.b64encode(data).decode(),
    "hex": bytes.hex,
}


@app.command()
def sign(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to sign; none: standard input.")] = None,
    key: Annotated[str | None, typer.Option(help="UUID of the key.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Issuer whose active key signs.")] = None,
    cohort: Annotated[int, typer.Option(min=1, max=32767, help="Cohort of the issuer.")] = 1,
    message: Annotated[str | None, typer.Option(help="Text to sign instead of files.")] = None,
    purpose: Annotated[str, typer.Option(help="ASSERTION, TRANSACTION or TOKEN.")] = "ASSERTION",
    digest: Annotated[bool, typer.Option("--digest", help="The input is a digest already.")] = False,
    der: Annotated[bool, typer.Option("--der", help="Write ECDSA signatures in DER.")] = False,
    encoding: Annotated[str, typer.Option(help="base64url, base64 or hex.")] = "base64url",
    request_id: Annotated[str, typer.Option(help="Repeat it to get the same bytes.")] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Sign files, a text or standard input: all or none, at most 1000 at once."""
    if (key is None) == (issuer is None):
        raise typer.BadParameter("name a key with --key or an issuer with --issuer: one of them")
    if encoding not in _ENCODINGS:
        raise typer.BadParameter(f"{encoding}: choose one of {', '.join(_ENCODINGS)}")
    if message is not None and files:
        raise typer.BadParameter("give files or --message, not both")
    if message is not None:
        named = [("message", message.encode())]
    elif files:
        named = [(str(file), _read(file)) for file in files]
    else:
        named = [("standard input", sys.stdin.buffer.read())]
    request = pb.SignBatchRequest(
        request_id=request_id,
        key_id=key,
        issuer=None if issuer is None else resources_pb2.IssuerRef(issuer_type=issuer, issuer_cohort=cohort),
        purpose=enum_value(keys_pb2.KeyPurpose, purpose, "KEY_PURPOSE_"),
        input_kind=resources_pb2.INPUT_KIND_DIGEST if digest else resources_pb2.INPUT_KIND_MESSAGE,
        inputs=[data for _, data in named],
        format=resources_pb2.SIGNATURE_FORMAT_DER if der else resources_pb2.SIGNATURE_FORMAT_RAW,
    )

    async def work() -> pb.SignBatchResponse:
        async with Sealwright.open(tenant=tenant) as mesh:
            return await mesh.signing.SignBatch(request, timeout=60)

    answer = run(work(), as_json=as_json)
    encode = _ENCODINGS[encoding]
    rows: list[dict[str, Any]] = [
        {
            "input": name,
            "signature": encode(signature),
            "algorithm": keys_pb2.KeyAlgorithm.Name(answer.algorithm).removeprefix("KEY_ALGORITHM_"),
            "key_id": answer.key_id,
        }
        for (name, _), signature in zip(named, answer.signatures, strict=True)
    ]
    show(rows, ["input", "signature", "algorithm", "key_id"], as_json=as_json)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
