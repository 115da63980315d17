"""mdoc (``mso_mdoc``): IssuerSigned of ISO/IEC 18013-5, as OpenID4VCI 1.0 appendix A.2 wants it (base64url)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

import cbor2
from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import (
    ClaimPath,
    Content,
    FormatOptions,
    HolderKey,
    IssuerKey,
    MdocElement,
    MdocOptions,
    StatusReference,
    Unsigned,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.keys import from_jwk

from sealwright_certify.adapters.formats.jose import b64url, rfc3339, wrong_claims

_COSE: Mapping[KeyAlgorithm, int] = {KeyAlgorithm.ES256: -7, KeyAlgorithm.EDDSA: -8, KeyAlgorithm.ES384: -35}
_MISSING = object()


class MdocMaker:
    """Writes mdocs. ``random`` gives the item salts; tests may pass a known one."""

    format = CredentialFormat.MSO_MDOC

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random = random

    def prepare(
        self,
        content: Content,
        options: FormatOptions,
        issuer: IssuerKey,
        holder: HolderKey | None,
        status: tuple[StatusReference, ...],
    ) -> Unsigned:
        """The items, their digests in the mobile security object, and what COSE_Sign1 signs."""
        assert isinstance(options, MdocOptions)
        if holder is None or content.valid_until is None:
            raise wrong_claims("holder", "a device key and an end of validity; an mdoc cannot be without")
        if not issuer.chain or issuer.algorithm not in _COSE:
            raise wrong_claims("issuer", "a document signer certificate for an ES256, ES384 or EdDSA key")
        items = self._items(content.claims, options)
        mso: dict[str, Any] = {
            "version": "1.0",
            "digestAlgorithm": "SHA-256",
            "valueDigests": {
                namespace: {index: hashlib.sha256(item).digest() for index, item in entries.items()}
                for namespace, entries in items.items()
            },
            "deviceKeyInfo": {"deviceKey": from_jwk(holder.jwk).cose_key},
            "docType": options.doctype,
            "validityInfo": {
                "signed": _tdate(content.issued),
                "validFrom": _tdate(content.valid_from),
                "validUntil": _tdate(content.valid_until),
            },
        }
        for reference in status:
            mso["status"] = {"status_list": {"idx": reference.index, "uri": reference.uri}}
        payload = _embedded(cbor2.dumps(mso))
        protected = cbor2.dumps({1: _COSE[issuer.algorithm]})
        chain = issuer.chain[0] if len(issuer.chain) == 1 else list(issuer.chain)

        def assemble(signature: bytes) -> str:
            # Each item is written as the very bytes that were digested.
            namespaces = {name: [_Encoded(item) for item in entries.values()] for name, entries in items.items()}
            auth = [protected, {33: chain}, payload, signature]
            return b64url(_dump({"nameSpaces": namespaces, "issuerAuth": auth}))

        return Unsigned(cbor2.dumps(["Signature1", protected, b"", payload]), assemble)

    def _items(self, claims: Mapping[str, Any], options: MdocOptions) -> dict[str, dict[int, bytes]]:
        """Encoded items (tag 24) by namespace and digest id; ids are random, so that they tell no order."""
        chosen = options.elements or tuple(MdocElement((name,), options.default_namespace, name) for name in claims)
        items: dict[str, dict[int, bytes]] = {}
        ids = list(range(len(chosen)))
        secrets.SystemRandom().shuffle(ids)
        for index, element in zip(ids, chosen, strict=True):
            value = _find(claims, element.path)
            if value is _MISSING:
                continue
            item = {
                "digestID": index,
                "random": self._random(32),
                "elementIdentifier": element.identifier,
                "elementValue": _typed(value, element),
            }
            items.setdefault(element.namespace, {})[index] = _embedded(cbor2.dumps(item))
        if not items:
            raise wrong_claims("claims", "at least one claim that the configuration maps to an element")
        return items


class _Encoded:
    """CBOR that is already written."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def _dump(value: Any) -> bytes:
    def write(encoder: Any, encoded: Any) -> None:
        encoder.write(encoded.data)

    return cbor2.dumps(value, default=write)


def _embedded(item: bytes) -> bytes:
    """A CBOR item inside a byte string with tag 24."""
    return cbor2.dumps(cbor2.CBORTag(24, item))


def _tdate(time: datetime) -> cbor2.CBORTag:
    """A tdate: tag 0, UTC, no fraction of a second (ISO 18013-5 section 9.1.2.4)."""
    return cbor2.CBORTag(0, rfc3339(time))


def _find(claims: Mapping[str, Any], path: ClaimPath) -> Any:
    value: Any = claims
    for step in path:
        if isinstance(value, Mapping) and step in value:
            value = cast(Mapping[Any, Any], value)[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(cast(list[Any], value)):
            value = cast(list[Any], value)[step]
        else:
            return _MISSING
    return cast(Any, value)


def _typed(value: Any, element: MdocElement) -> Any:
    """The claim as the CBOR type its element has."""
    try:
        match element.kind:
            case "full-date":
                return cbor2.CBORTag(1004, date.fromisoformat(value).isoformat())
            case "tdate":
                return _tdate(datetime.fromisoformat(value))
            case "bytes":
                return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
            case _:
                return value
    except (TypeError, ValueError, binascii.Error) as error:
        raise wrong_claims(f"claims.{element.identifier}", f"a value for {element.kind}") from error
