"""Proofs of possession in credential requests (OpenID4VCI 1.0 appendix F): jwt, attestation and di_vp."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from sealwright_common.domain.formats import HolderKey
from sealwright_common.domain.oid4vci import AcceptedProof, AttestationLevels, Configuration, ProofType
from sealwright_common.verify.data_integrity import SUITES, verify_proof
from sealwright_common.verify.jws import Jws, moment, parse, within
from sealwright_common.verify.keys import PublicKey, from_certificate, from_did, from_jwk
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from sealwright_certify.usecases.oid4vci.errors import invalid_credential_request, invalid_proof
from sealwright_certify.usecases.oid4vci.ports import ProofExpectation, Proven

MAX_AGE = 300
"""Seconds for which a proof is fresh."""

_SKEW = 60
_MAX_TEXT = 65_536


class Proofs:
    """Checks the proofs of one request; one bad proof refuses them all."""

    def check(self, proofs: object, configuration: Configuration, expected: ProofExpectation, most: int) -> Proven:
        """The keys that are proven, one per credential, and the nonces the proofs carry."""
        kind, entries = _shape(proofs)
        accepted = configuration.proof(kind)
        if accepted is None:
            raise invalid_proof(f"this credential takes no proof of this type, but {_types(configuration)}")
        if len(entries) > most:
            raise invalid_credential_request(f"more proofs than the batch_size of {most}")
        check: Callable[[Any, AcceptedProof, ProofExpectation], tuple[list[HolderKey], str | None]]
        check = {ProofType.JWT: _jwt, ProofType.ATTESTATION: _attestation, ProofType.DI_VP: _di_vp}[accepted.type]
        if accepted.type is ProofType.ATTESTATION and len(entries) != 1:
            raise invalid_proof("expected exactly one key attestation")
        keys: list[HolderKey] = []
        nonces: list[str] = []
        for entry in entries:
            try:
                proven, nonce = check(entry, accepted, expected)
            except NotVerified as error:
                raise invalid_proof(_ascii(error.message)) from error
            if nonce is None:
                raise invalid_proof("a proof carries no nonce; get one at the nonce endpoint")
            keys += proven
            nonces.append(nonce)
        if len(keys) > most:
            raise invalid_credential_request(f"more keys than the batch_size of {most}")
        if len({tuple(sorted(key.jwk.items())) for key in keys}) != len(keys):
            raise invalid_proof("two proofs are of the same key; each credential needs its own")
        return Proven(tuple(keys), tuple(nonces))


def _shape(proofs: object) -> tuple[str, list[Any]]:
    if not isinstance(proofs, Mapping) or len(cast(Mapping[str, Any], proofs)) != 1:
        raise invalid_credential_request("proofs must be an object with exactly one proof type")
    [(kind, entries)] = cast(Mapping[str, Any], proofs).items()
    if not isinstance(entries, list) or not entries:
        raise invalid_credential_request("the proof type must hold a non-empty array of proofs")
    return kind, cast(list[Any], entries)


def _types(configuration: Configuration) -> str:
    return ", ".join(proof.type.value for proof in configuration.proofs)


def _ascii(text: str) -> str:
    """Text fit for error_description."""
    return text.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise NotVerified("malformed", "a proof must be a text of at most 64 KiB")
    return value


def _jwt(value: object, accepted: AcceptedProof, expected: ProofExpectation) -> tuple[list[HolderKey], str | None]:
    """A jwt proof (F.1), with its key attestation if it has one."""
    jws = parse(_text(value), "openid4vci-proof+jwt")
    key, did = _proof_key(jws)
    _allowed(jws.algorithm, accepted)
    jws.verify(key)
    claims = jws.claims
    if claims.get("aud") not in (expected.audience, [expected.audience]):
        raise NotVerified("proof", "aud must be the credential issuer identifier")
    issuer = claims.get("iss")
    if issuer is not None and (expected.client_id is None or issuer != expected.client_id):
        raise NotVerified("proof", "iss must be the client_id, and absent for an anonymous wallet")
    _fresh(claims, expected)
    nonce = _nonce(claims)
    attestation = jws.header.get("key_attestation")
    if attestation is None:
        if accepted.attestation is not None:
            raise NotVerified("proof", "a key attestation is required")
        return [HolderKey(key.jwk, did)], nonce
    attested, attested_nonce = _attested(attestation, accepted.attestation, expected, expiry=True)
    if attested_nonce not in (None, nonce):
        raise NotVerified("proof", "the key attestation carries another nonce than the proof")
    if key.jwk not in attested:
        raise NotVerified("proof", "the proof is not signed by an attested key")
    return [HolderKey(jwk, did if jwk == key.jwk else from_jwk(jwk).did_jwk) for jwk in attested], nonce


def _proof_key(jws: Jws) -> tuple[PublicKey, str]:
    """The key a proof names, exactly one way, and the DID it goes by."""
    header = jws.header
    named = [name for name in ("kid", "jwk", "x5c") if name in header]
    if len(named) != 1:
        raise NotVerified("key", "expected exactly one of kid, jwk and x5c in the header")
    match named[0]:
        case "kid":
            kid = header["kid"]
            if not isinstance(kid, str):
                raise NotVerified("key", "kid must be a DID URL")
            return from_did(kid), kid.partition("#")[0]
        case "jwk":
            key = from_jwk(header["jwk"])
        case _:
            if not jws.chain:
                raise NotVerified("certificate", "x5c holds no certificate")
            key = from_certificate(jws.chain[0])
    return key, key.did_jwk


def _allowed(algorithm: str, accepted: AcceptedProof) -> None:
    if algorithm not in accepted.algorithms:
        raise NotVerified("algorithm", f"expected one of {', '.join(accepted.algorithms)}")


def _fresh(claims: Mapping[str, Any], expected: ProofExpectation) -> None:
    issued = moment(claims, "iat")
    if issued is None:
        raise NotVerified("proof", "iat is missing")
    age = (expected.now - issued).total_seconds()
    if not -_SKEW <= age <= MAX_AGE:
        raise NotVerified("proof", f"iat must lie within the last {MAX_AGE} seconds")
    within(expected.now, moment(claims, "nbf"), moment(claims, "exp"), _SKEW)


def _nonce(claims: Mapping[str, Any]) -> str | None:
    nonce = claims.get("nonce")
    return nonce if isinstance(nonce, str) and 0 < len(nonce) <= 256 else None


def _attested(
    value: object, levels: AttestationLevels | None, expected: ProofExpectation, *, expiry: bool
) -> tuple[list[dict[str, str]], str | None]:
    """The keys of a key attestation (appendix D) of somebody we believe, and its nonce."""
    jws = parse(_text(value), "key-attestation+jwt")
    keys = [from_jwk(jwk) for jwk in expected.attestation_keys]
    known = {key.thumbprint: key for key in keys}
    named = {str(jwk["kid"]): key for jwk, key in zip(expected.attestation_keys, keys, strict=True) if "kid" in jwk}
    trust = Trust(keys={**known, **named}, anchors=expected.attestation_anchors)
    jws.verify(trust.chain_key(jws.chain, expected.now) if jws.chain else trust.key(_text(jws.header.get("kid"))))
    claims = jws.claims
    if moment(claims, "iat") is None:
        raise NotVerified("proof", "the key attestation lacks iat")
    end = moment(claims, "exp")
    if expiry and end is None:
        raise NotVerified("proof", "the key attestation lacks exp")
    within(expected.now, moment(claims, "iat"), end, _SKEW)
    if levels is not None:
        _level(claims, "key_storage", levels.key_storage)
        _level(claims, "user_authentication", levels.user_authentication)
    attested: object = claims.get("attested_keys")
    if not isinstance(attested, list) or not 0 < len(cast(list[Any], attested)) <= 100:
        raise NotVerified("proof", "attested_keys must hold 1 to 100 keys")
    return [from_jwk(jwk).jwk for jwk in cast(list[Any], attested)], _nonce(claims)


def _level(claims: Mapping[str, Any], name: str, wanted: frozenset[str]) -> None:
    values: object = claims.get(name, [])
    if wanted and not (isinstance(values, list) and wanted & set(cast(list[str], values))):
        raise NotVerified("proof", f"the key attestation does not vouch for the {name} that is asked for")


def _attestation(
    value: object, accepted: AcceptedProof, expected: ProofExpectation
) -> tuple[list[HolderKey], str | None]:
    """An attestation proof (F.3): the attested keys, without a proof by the keys themselves."""
    _allowed(parse(_text(value), "key-attestation+jwt").algorithm, accepted)
    attested, nonce = _attested(value, accepted.attestation, expected, expiry=False)
    return [HolderKey(jwk, from_jwk(jwk).did_jwk) for jwk in attested], nonce


def _di_vp(value: object, accepted: AcceptedProof, expected: ProofExpectation) -> tuple[list[HolderKey], str | None]:
    """A di_vp proof (F.2): a presentation without credentials, signed for us by the holder."""
    if not isinstance(value, Mapping):
        raise NotVerified("malformed", "a di_vp proof is a JSON object")
    presentation = cast(Mapping[str, Any], value)
    types: object = presentation.get("type")
    if types != "VerifiablePresentation" and types != ["VerifiablePresentation"]:
        raise NotVerified("type", "expected a VerifiablePresentation")
    proof = presentation.get("proof")
    if not isinstance(proof, Mapping):
        raise NotVerified("proof", "expected exactly one Data Integrity proof")
    members = cast(Mapping[str, Any], proof)
    if members.get("cryptosuite") not in accepted.algorithms or members.get("cryptosuite") not in SUITES:
        raise NotVerified("algorithm", f"expected one of {', '.join(accepted.algorithms)}")
    if members.get("domain") != expected.audience:
        raise NotVerified("proof", "domain must be the credential issuer identifier")
    method = members.get("verificationMethod")
    holder = presentation.get("holder")
    did = _text(method).partition("#")[0]
    if holder is not None and holder != did:
        raise NotVerified("proof", "the holder is another one than the signer")
    key = verify_proof(presentation, Trust(self_described=True), expected.now, did, "authentication")
    nonce = members.get("challenge")
    return [HolderKey(key.jwk, did)], nonce if isinstance(nonce, str) and 0 < len(nonce) <= 256 else None
