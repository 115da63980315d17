"""Blind signatures and token checks, blocking: one function per protocol. Run by the vault's threads."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import structlog
from sealwright_common.domain.errors import Internal, InvalidArgument, Problem, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm

from sealwright_signer.adapters import metrics
from sealwright_signer.adapters.wrapped import WrappedKeys
from sealwright_signer.crypto import blind_rsa, cbp
from sealwright_signer.crypto.groups import BadElement
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Inconsistent, Voprf
from sealwright_signer.ports import BlindShare, BlindSignatures, Hsm, TokenClaim, TokenKey

log = structlog.get_logger(__name__)

Blob = Callable[[BlindShare | TokenClaim], bytes]
_VOPRF: dict[KeyAlgorithm, Voprf] = {
    KeyAlgorithm.VOPRF_RISTRETTO255: VOPRF_RISTRETTO255,
    KeyAlgorithm.VOPRF_P384: VOPRF_P384,
}


class BlindSigning:
    """Blind RSA in the token; VOPRF and the challenge-bypass format with wrapped scalars."""

    def __init__(self, hsm: Hsm, wrapped: WrappedKeys, blob: Blob) -> None:
        """``blob`` gives the wrapped private key of a share or claim."""
        self._hsm = hsm
        self._wrapped = wrapped
        self._blob = blob

    def sign(self, share: BlindShare) -> BlindSignatures:
        """The share's signatures and proof, checked. InvalidArgument BLINDED_TOKEN_INVALID for the first bad token."""
        if not share.key.key.algorithm.scalar:
            return self._sign_rsa(share)
        key = share.key.key
        voprf = _VOPRF.get(key.algorithm)
        evaluate = cbp.evaluate if voprf is None else voprf.evaluate
        try:
            with self._wrapped.scalar(key, self._blob(share)) as secret:
                signed, proof = evaluate(secret, key.public_key, share.blinded_tokens)
        except BadElement:
            position = (voprf or VOPRF_RISTRETTO255).bad_element(share.blinded_tokens)
            raise _bad_token(position or 0, "the canonical encoding of a group element, not the identity") from None
        except Inconsistent:
            raise _faulty(key) from None
        return BlindSignatures(signed, proof)

    def verify(self, claim: TokenClaim) -> bool:
        """Whether the token was made with its key."""
        key = claim.key.key
        if not key.algorithm.scalar:
            return blind_rsa.verifies(key.public_key, claim.input, claim.output)
        voprf = _VOPRF.get(key.algorithm)
        try:
            with self._wrapped.scalar(key, self._blob(claim)) as secret:
                if voprf is None:
                    expected = cbp.token_mac(secret, claim.input, claim.payload)
                else:
                    expected = voprf.output(secret, claim.input)
        except BadElement:
            return False
        return hmac.compare_digest(expected, claim.output)

    def _sign_rsa(self, share: BlindShare) -> BlindSignatures:
        key = share.key.key
        for position, blinded in enumerate(share.blinded_tokens):
            if not blind_rsa.is_blinded_message(key.public_key, blinded):
                raise _bad_token(position, "as many bytes as the modulus has, and a number below it")
        token_key = TokenKey(str(key.id), key.algorithm, key.public_key)
        signed = self._hsm.sign(token_key, share.blinded_tokens)
        for blinded, signature in zip(share.blinded_tokens, signed, strict=True):
            if not blind_rsa.inverts(key.public_key, blinded, signature):
                raise _faulty(key)
        return BlindSignatures(tuple(signed), b"")


def _bad_token(position: int, expected: str) -> Problem:
    return InvalidArgument.of(f"blinded_tokens[{position}]", expected, reason=Reason.BLINDED_TOKEN_INVALID)


def _faulty(key: Key) -> Problem:
    metrics.FAULTY.labels(key.algorithm).inc()
    log.error("faulty blind signature withheld", key_id=str(key.id), algorithm=key.algorithm.value)
    return Internal(
        Reason.SIGNATURE_FAULTY,
        f"key {key.id} made a blind signature that does not check; it was withheld, nothing was signed",
    )
