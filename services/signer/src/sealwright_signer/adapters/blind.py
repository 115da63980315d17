"""Blind signatures with scalars, and checks of tokens of every protocol. Blocking: run by the vault's threads."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from sealwright_common.domain.errors import InvalidArgument, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm

from sealwright_signer.adapters.withheld import withheld
from sealwright_signer.adapters.wrapped import GROUPS
from sealwright_signer.crypto import blind_rsa, cbp
from sealwright_signer.crypto.groups import BadElement
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Inconsistent, Voprf
from sealwright_signer.ports import BlindShare, BlindSignatures, TokenClaim

_VOPRF: dict[KeyAlgorithm, Voprf] = {
    KeyAlgorithm.VOPRF_RISTRETTO255: VOPRF_RISTRETTO255,
    KeyAlgorithm.VOPRF_P384: VOPRF_P384,
}


def check(shares: Sequence[BlindShare]) -> None:
    """Return if every token is one that its key signs.

    InvalidArgument BLINDED_TOKEN_* for the first that is not, with its position among the tokens of all shares.
    """
    tokens = ((share.key.key, token) for share in shares for token in share.blinded_tokens)
    for position, (key, token) in enumerate(tokens):
        problem = _wrong_number(key, token) if key.algorithm not in GROUPS else _wrong_element(key, token)
        if problem is not None:
            reason, expected = problem
            raise InvalidArgument.of(f"blinded_tokens[{position}]", expected, reason=reason)


def sign(share: BlindShare, secret: bytes) -> BlindSignatures:
    """The evaluations and proof of a share that was checked, by its key's scalar; they are checked, too."""
    key = share.key.key
    voprf = _VOPRF.get(key.algorithm)
    evaluate = cbp.evaluate if voprf is None else voprf.evaluate
    try:
        signed, proof = evaluate(secret, key.public_key, share.blinded_tokens)
    except Inconsistent:
        raise withheld(str(key.id), key.algorithm) from None
    return BlindSignatures(signed, proof)


def verify(claim: TokenClaim, secret: bytes) -> bool:
    """Whether the token was made with its key, whose scalar is given if it has one."""
    key = claim.key.key
    if not key.algorithm.scalar:
        return blind_rsa.verifies(key.public_key, claim.input, claim.output)
    voprf = _VOPRF.get(key.algorithm)
    try:
        if voprf is None:
            expected = cbp.token_mac(secret, claim.input, claim.payload)
        else:
            expected = voprf.output(secret, claim.input)
    except BadElement:
        return False
    return hmac.compare_digest(expected, claim.output)


def _wrong_number(key: Key, token: bytes) -> tuple[Reason, str] | None:
    """Why a blinded message is none of the RSA key, and what is expected."""
    length = blind_rsa.message_length(key.public_key)
    if len(token) != length:
        return Reason.BLINDED_TOKEN_LENGTH, f"{length} bytes, as many as the modulus has"
    if not blind_rsa.is_blinded_message(key.public_key, token):
        return Reason.BLINDED_TOKEN_OUT_OF_RANGE, "a number from 2 to the modulus less 2"
    return None


def _wrong_element(key: Key, token: bytes) -> tuple[Reason, str] | None:
    """Why a blinded element is none of the key's group, and what is expected."""
    group = GROUPS[key.algorithm]
    if token == group.identity:
        return Reason.BLINDED_TOKEN_IDENTITY, "an element other than the identity"
    if len(token) != group.element_length:
        return Reason.BLINDED_TOKEN_LENGTH, f"{group.element_length} bytes"
    try:
        group.check_element(token)
    except BadElement:
        return Reason.BLINDED_TOKEN_INVALID, f"the canonical encoding of an element of {group.identifier}"
    return None
