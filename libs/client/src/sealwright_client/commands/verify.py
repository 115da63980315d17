"""``sealwright verify``: checks a credential of any of our formats, offline."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.jws import strict_json, strict_object
from sealwright_common.verify.keys import PublicKey, from_certificate, from_jwk
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.trust import Trust

from sealwright_client.terminal import JsonFlag, errors, show_one

app = typer.Typer(help="Check a credential of any of our formats, offline.")


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(help="SD-JWT VC, VC as JWT, Data Integrity JSON, or mdoc (CBOR or base64url).")
    ],
    key: Annotated[
        list[Path] | None, typer.Option("--key", help="Trusted keys: JWK, JWK set, DID document or certificate (PEM).")
    ] = None,
    anchor: Annotated[
        list[Path] | None, typer.Option("--anchor", help="Trusted authorities: certificates (PEM).")
    ] = None,
    context: Annotated[
        list[Path] | None, typer.Option("--context", help="Inline JSON-LD contexts that may define terms (JSON).")
    ] = None,
    at: Annotated[datetime | None, typer.Option("--at", help="Check as of this time, UTC; by default now.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check signature, digests, certificates and validity; exit code 1 if anything is amiss.

    did:key and did:jwk issuers carry their own key; for others give the key or the authority. The status list is not
    fetched: its address and index are shown.
    """
    now = (at or datetime.now(UTC)).replace(tzinfo=UTC) if at else datetime.now(UTC)
    try:
        keys = {name: found for path in key or () for name, found in read_keys(path).items()}
        anchors = tuple(der for path in anchor or () for der in read_pem(path.read_text()))
        contexts = tuple(strict_object(path.read_bytes()) for path in context or ())
        trust = Trust(keys=keys, anchors=anchors, contexts=contexts, self_described=True)
        verified = verify_credential(file.read_bytes(), trust, now)
    except NotVerified as problem:
        if as_json:
            print(json.dumps({"verified": False, "reason": problem.reason, "message": problem.message}))
        else:
            errors.print(f"[bold red]not verified[/] ({problem.reason}): ", end="")
            errors.print(problem.message, markup=False)
        raise SystemExit(1) from None
    except (OSError, ValueError) as problem:
        errors.print(f"cannot read: {problem}", markup=False)
        raise SystemExit(2) from None
    show_one(described(verified), as_json=as_json)


def described(verified: Verified) -> dict[str, Any]:
    """What a person or a program wants to know of a verified credential."""
    return {
        "verified": True,
        "format": verified.format,
        "issuer": verified.issuer,
        "type": ", ".join(verified.types),
        "algorithm": verified.algorithm,
        "key": verified.key_id,
        "subject": verified.subject or "",
        "holder_key": json.dumps(dict(verified.holder)) if verified.holder else "",
        "valid_from": str(verified.valid_from or ""),
        "valid_until": str(verified.valid_until or ""),
        "status": ", ".join(f"{entry.uri}#{entry.index} ({entry.purpose})" for entry in verified.status),
        "claims": json.dumps(verified.claims, default=str, ensure_ascii=False),
    }


def read_keys(path: Path) -> dict[str, PublicKey]:
    """Keys by kid, verification method or thumbprint: from a JWK, a JWK set, a DID document or PEM certificates."""
    text = path.read_text("utf-8")
    if "-----BEGIN" in text:
        found = [from_certificate(der) for der in read_pem(text)]
        return {key.thumbprint: key for key in found}
    document = strict_json(text)
    entries: list[Any] = [document]
    if isinstance(document, dict):
        jwks = document.get("jwks", document)
        entries = jwks.get("keys") or document.get("verificationMethod") or [document]
    keys: dict[str, PublicKey] = {}
    for entry in entries:
        jwk = entry.get("publicKeyJwk", entry)
        key = from_jwk({name: value for name, value in jwk.items() if name not in ("use", "key_ops")})
        for name in (entry.get("id"), jwk.get("kid"), key.thumbprint):
            if name:
                keys[str(name)] = key
    return keys


def read_pem(text: str) -> list[bytes]:
    """Certificates of PEM text, as DER."""
    blocks = text.split("-----BEGIN CERTIFICATE-----")[1:]
    if not blocks:
        raise ValueError("no PEM certificate in it")
    return [base64.b64decode("".join(block.split("-----END")[0].split())) for block in blocks]
