"""VC data model 2.0 with a Data Integrity proof (``ldp_vc``): four cryptosuites, contexts bundled, never fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import rfc8785
from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import (
    Content,
    FormatOptions,
    HolderKey,
    IssuerKey,
    StatusReference,
    Unsigned,
    VcOptions,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.jsonld import canonical
from sealwright_common.verify.keys import base58
from sealwright_common.verify.outcome import NotVerified

from sealwright_certify.adapters.formats.jose import rfc3339, wrong_claims
from sealwright_certify.adapters.formats.jwt_vc import credential_subject, status_entries, subject_id

_V2 = "https://www.w3.org/ns/credentials/v2"

SUITE_ALGORITHMS: Mapping[str, frozenset[KeyAlgorithm]] = {
    "eddsa-rdfc-2022": frozenset({KeyAlgorithm.EDDSA}),
    "eddsa-jcs-2022": frozenset({KeyAlgorithm.EDDSA}),
    "ecdsa-rdfc-2019": frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384}),
    "ecdsa-jcs-2019": frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384}),
}
"""Cryptosuites and the algorithms each may be made with."""


class DataIntegrityMaker:
    """Writes VC 2.0 credentials with a proof."""

    format = CredentialFormat.LDP_VC

    def prepare(
        self,
        content: Content,
        options: FormatOptions,
        issuer: IssuerKey,
        holder: HolderKey | None,
        status: tuple[StatusReference, ...],
    ) -> Unsigned:
        """The credential and its proof options, canonicalized and hashed as the suite says."""
        assert isinstance(options, VcOptions)
        if issuer.algorithm not in SUITE_ALGORITHMS.get(options.suite, ()):
            raise wrong_claims("suite", f"a suite for a key of {issuer.algorithm}; {options.suite} is none")
        if "-rdfc-" in options.suite:
            # RDF has no null and no empty list: they could not be signed, and are no claims.
            content = replace(content, claims=_without_gaps(content.claims))
        credential: dict[str, Any] = {
            "@context": [_V2, *options.contexts],
            "id": content.credential_id,
            "type": ["VerifiableCredential", *options.types],
            "issuer": issuer.issuer,
            "validFrom": rfc3339(content.valid_from),
            "credentialSubject": credential_subject(content, subject_id(content, holder)),
        }
        if content.valid_until is not None:
            credential["validUntil"] = rfc3339(content.valid_until)
        if status:
            credential["credentialStatus"] = status_entries(status)
        proof: dict[str, Any] = {
            "type": "DataIntegrityProof",
            "cryptosuite": options.suite,
            "created": rfc3339(content.issued),
            "verificationMethod": issuer.method,
            "proofPurpose": "assertionMethod",
        }
        return secure(credential, proof, issuer.algorithm)


def _without_gaps(value: Any) -> Any:
    """JSON without null and without arrays that are empty or become so."""
    if isinstance(value, Mapping):
        members = {name: _without_gaps(member) for name, member in cast(Mapping[str, Any], value).items()}
        return {name: member for name, member in members.items() if member is not None and member != []}
    if isinstance(value, list):
        elements = [_without_gaps(element) for element in cast(list[Any], value)]
        return [element for element in elements if element is not None and element != []]
    return value


def secure(document: dict[str, Any], proof: dict[str, Any], algorithm: KeyAlgorithm) -> Unsigned:
    """A document up to the ``proofValue`` of its proof (vc-di-eddsa, vc-di-ecdsa section 3)."""
    sha = "sha384" if algorithm is KeyAlgorithm.ES384 else "sha256"
    if "-jcs-" in proof["cryptosuite"]:
        proof = {**proof, "@context": document["@context"]} if algorithm is KeyAlgorithm.EDDSA else proof
        try:
            parts = [rfc8785.dumps(cast(Any, part)) for part in (proof, document)]
        except rfc8785.CanonicalizationError as error:
            raise wrong_claims("claims", "values with a canonical JSON form (integers below 2^53)") from error
    else:
        try:
            parts = [canonical({**proof, "@context": document["@context"]}, sha), canonical(document, sha)]
        except NotVerified as error:
            raise wrong_claims("claims", f"claims that the contexts define ({error.message})") from error
    hashed = b"".join(hashlib.new(sha, part).digest() for part in parts)
    return Unsigned(hashed, lambda signature: {**document, "proof": {**proof, "proofValue": "z" + base58(signature)}})
