"""SD-JWT VC (``dc+sd-jwt``): SD-JWT by RFC 9901, claims hidden by path, decoys, key binding to ``cnf.jwk``."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import (
    RESERVED_CLAIMS,
    ClaimPath,
    Content,
    FormatOptions,
    HolderKey,
    IssuerKey,
    SdJwtOptions,
    StatusReference,
    Unsigned,
)

from sealwright_certify.adapters.formats.jose import b64url, dump, seconds, signing_input, with_signature, wrong_claims

_SALT_BYTES = 16


class SdJwtMaker:
    """Writes SD-JWT VCs. ``random`` gives salts and decoys; tests may pass a known one."""

    format = CredentialFormat.DC_SD_JWT

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
        """Hides the chosen claims and sets the registered ones, which never come from the data."""
        assert isinstance(options, SdJwtOptions)
        reserved = sorted(RESERVED_CLAIMS & content.claims.keys())
        if reserved:
            raise wrong_claims(f"claims.{reserved[0]}", "no reserved claim in the data; certify sets it")
        paths = options.disclose if options.disclose is not None else tuple((name,) for name in content.claims)
        hiding = _Hiding(self._random, min(options.decoys, 32))
        payload: dict[str, Any] = hiding.object(content.claims, paths)
        payload |= {
            "iss": issuer.issuer,
            "iat": seconds(content.issued),
            "nbf": seconds(content.valid_from),
            "vct": options.vct,
        }
        if content.valid_until is not None:
            payload["exp"] = seconds(content.valid_until)
        if content.subject is not None:
            payload["sub"] = content.subject
        if holder is not None:
            payload["cnf"] = {"jwk": dict(holder.jwk)}
        if hiding.disclosures:
            payload["_sd_alg"] = "sha-256"
        for reference in status:
            payload["status"] = {"status_list": {"idx": reference.index, "uri": reference.uri}}
        message = signing_input("dc+sd-jwt", issuer, payload)
        disclosures = hiding.disclosures
        return Unsigned(message, lambda signature: "~".join([with_signature(message, signature), *disclosures, ""]))


class _Hiding:
    """Replaces claims by digests and collects the disclosures."""

    def __init__(self, random: Callable[[int], bytes], decoys: int) -> None:
        self._random = random
        self._decoys = decoys
        self.disclosures: list[str] = []

    def object(self, value: Mapping[str, Any], paths: tuple[ClaimPath, ...]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        digests: list[str] = []
        for name, member in value.items():
            if name in ("_sd", "...", "_sd_alg"):
                raise wrong_claims(f"claims.{name}", "no member name that SD-JWT reserves")
            below = tuple(path[1:] for path in paths if path and path[0] == name)
            inner = self.value(member, below)
            if () in below:
                digests.append(self._disclose(name, inner))
            else:
                shown[name] = inner
        if digests:
            # Sorted, so that the order tells nothing of which digest is which claim (RFC 9901 section 4.2.4.1).
            digests += [b64url(hashlib.sha256(self._random(32)).digest()) for _ in range(self._decoys)]
            shown["_sd"] = sorted(digests)
        return shown

    def value(self, value: Any, paths: tuple[ClaimPath, ...]) -> Any:
        if isinstance(value, Mapping):
            return self.object(cast(Mapping[str, Any], value), paths)
        if isinstance(value, list):
            return self._array(cast(list[Any], value), paths)
        return value

    def _array(self, value: list[Any], paths: tuple[ClaimPath, ...]) -> list[Any]:
        result: list[Any] = []
        for index, element in enumerate(value):
            below = tuple(path[1:] for path in paths if path and path[0] in (None, index))
            inner = self.value(element, below)
            result.append({"...": self._disclose(None, inner)} if () in below else inner)
        return result

    def _disclose(self, name: str | None, value: Any) -> str:
        salt = b64url(self._random(_SALT_BYTES))
        text = b64url(dump([salt, value] if name is None else [salt, name, value]))
        self.disclosures.append(text)
        return b64url(hashlib.sha256(text.encode()).digest())
