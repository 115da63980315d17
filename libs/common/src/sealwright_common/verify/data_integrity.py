"""W3C Data Integrity proofs: eddsa-rdfc-2022, eddsa-jcs-2022, ecdsa-rdfc-2019, ecdsa-jcs-2019 (P-256 and P-384)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import rfc8785

from sealwright_common.verify.jsonld import canonical, demand_known
from sealwright_common.verify.jws import within
from sealwright_common.verify.jwt_vc import (
    bitstring_status,
    bound_key,
    credential_types,
    identifier,
    instant,
    subject_of,
)
from sealwright_common.verify.keys import PublicKey, unbase58
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.trust import Trust

SUITES: Mapping[str, tuple[str, frozenset[str]]] = {
    "eddsa-rdfc-2022": ("rdfc", frozenset({"EdDSA"})),
    "eddsa-jcs-2022": ("jcs", frozenset({"EdDSA"})),
    "ecdsa-rdfc-2019": ("rdfc", frozenset({"ES256", "ES384"})),
    "ecdsa-jcs-2019": ("jcs", frozenset({"ES256", "ES384"})),
}
"""Cryptosuites: how the document is canonicalized, and which key algorithms may sign."""

_V1, _V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"


def verify_ldp_vc(credential: Mapping[str, Any], trust: Trust, now: datetime) -> Verified:
    """Checks a credential with one Data Integrity proof: proof, purpose, base context, types, validity."""
    contexts: object = credential.get("@context")
    if not isinstance(contexts, list) or not contexts or cast(list[Any], contexts)[0] not in (_V1, _V2):
        raise NotVerified("context", "the first context must be that of the VC data model")
    issuer = identifier(credential.get("issuer"))
    if not issuer:
        raise NotVerified("issuer", "a credential names its issuer")
    proof = _proof(credential)
    key = verify_proof(credential, trust, now, issuer, "assertionMethod")
    subject = subject_of(credential)
    start = instant(credential, "validFrom") or instant(credential, "issuanceDate")
    end = instant(credential, "validUntil") or instant(credential, "expirationDate")
    within(now, start, end, trust.skew)
    return Verified(
        format="ldp_vc",
        issuer=issuer,
        types=credential_types(credential),
        claims=cast(Mapping[str, Any], credential.get("credentialSubject") or {}),
        algorithm=key.algorithm,
        key_id=proof["verificationMethod"],
        holder=bound_key({}, subject),
        subject=subject,
        valid_from=start,
        valid_until=end,
        status=bitstring_status(credential),
    )


def verify_proof(
    document: Mapping[str, Any], trust: Trust, now: datetime, controller: str | None, purpose: str
) -> PublicKey:
    """Checks the one Data Integrity proof of a document and returns the key that made it.

    The verification method must belong to ``controller`` (a DID or URL before its fragment) when that is given.
    """
    proof = _proof(document)
    method, suite = proof.get("verificationMethod"), proof.get("cryptosuite")
    if proof.get("type") != "DataIntegrityProof" or suite not in SUITES:
        raise NotVerified("proof", f"expected a DataIntegrityProof with one of {', '.join(SUITES)}")
    if proof.get("proofPurpose") != purpose or not isinstance(method, str):
        raise NotVerified("proof", f"expected proofPurpose {purpose} and a verificationMethod")
    if controller is not None and method.partition("#")[0] != controller:
        raise NotVerified("issuer", "the verification method does not belong to the issuer")
    within(now, instant(proof, "created"), instant(proof, "expires"), trust.skew)
    key = trust.key(method, controller)
    kind, algorithms = SUITES[cast(str, suite)]
    if key.algorithm not in algorithms:
        raise NotVerified("algorithm", f"{suite} cannot be made with a key for {key.algorithm}")
    value = proof.get("proofValue")
    if not isinstance(value, str) or not value.startswith("z"):
        raise NotVerified("proof", "proofValue must be multibase base58 (z...)")
    if kind == "rdfc":
        demand_known(document.get("@context"), trust.contexts)
    key.verify(_hash_data(document, proof, kind, key.algorithm), unbase58(value[1:]))
    return key


def _proof(document: Mapping[str, Any]) -> Mapping[str, Any]:
    proof = document.get("proof")
    if not isinstance(proof, Mapping):
        raise NotVerified("proof", "expected exactly one Data Integrity proof")
    return cast(Mapping[str, Any], proof)


def _hash_data(document: Mapping[str, Any], proof: Mapping[str, Any], kind: str, algorithm: str) -> bytes:
    """hash(canonical proof options) || hash(canonical document), as both suites define it."""
    sha = "sha384" if algorithm == "ES384" else "sha256"
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    try:
        if kind == "jcs":
            if "@context" in options:
                # JCS proofs may pin the contexts; the document's must then begin with the same ones.
                pinned, actual = _contexts(options["@context"]), _contexts(unsecured.get("@context"))
                if actual[: len(pinned)] != pinned:
                    raise NotVerified("context", "the document's contexts do not begin with the proof's")
                unsecured["@context"] = options["@context"]
            parts = rfc8785.dumps(cast(Any, options)), rfc8785.dumps(cast(Any, unsecured))
        else:
            options["@context"] = unsecured.get("@context")
            parts = canonical(options, sha), canonical(unsecured, sha)
    except rfc8785.CanonicalizationError as error:
        raise NotVerified("malformed", "a value has no canonical JSON form") from error
    return b"".join(hashlib.new(sha, part).digest() for part in parts)


def _contexts(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else [value]
