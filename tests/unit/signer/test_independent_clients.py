"""Client libraries that are not ours accept what the signer makes, and it accepts their tokens."""

from __future__ import annotations

import base64
import os
from typing import Any

import challenge_bypass_ristretto as legacy
import pytest
import voprf.p384
import voprf.ristretto
from sealwright_signer.crypto import cbp
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Voprf


@pytest.mark.parametrize(
    ("ours", "theirs"), [(VOPRF_RISTRETTO255, voprf.ristretto), (VOPRF_P384, voprf.p384)], ids=["ristretto", "p384"]
)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_voprf(ours: Voprf, theirs: Any, count: int) -> None:
    secret, public = ours.derive_key_pair(bytes(32), b"key")
    assert theirs.Evaluator.from_seed(bytes(32), b"key").public_key.serialize() == public
    inputs = [os.urandom(98) for _ in range(count)]
    clients, blinded = zip(*(theirs.Client.blind(data) for data in inputs), strict=True)
    signed, proof = ours.evaluate(secret, public, [b.serialize() for b in blinded])
    server = theirs.PublicKey.deserialize(public)
    evaluator = theirs.Evaluator.from_seed(bytes(32), b"key")
    if count == 1:
        answer = _arranged(evaluator.evaluate(blinded[0]).serialize(), signed, proof)
        outputs = [clients[0].finalize(theirs.VerifiableOutput.deserialize(answer), server)]
    else:
        answer = _arranged(evaluator.evaluate_batch(list(blinded)).serialize(), signed, proof)
        batch = theirs.VerifiableBatchOutput.deserialize(answer)
        outputs = theirs.Client.finalize_batch(list(clients), batch, server)
    assert [bytes(output) for output in outputs] == [ours.output(secret, data) for data in inputs]


def _arranged(theirs: bytes, signed: tuple[bytes, ...], proof: bytes) -> bytes:
    """Our elements and proof in the order in which the library wrote its own answer to the same request."""
    elements = b"".join(signed)
    assert len(theirs) == len(elements) + len(proof)
    assert elements in theirs, "the elements are the same, whoever evaluates; the library's proof is random"
    return elements + proof if theirs.startswith(elements) else proof + elements


def test_challenge_bypass() -> None:
    secret = RISTRETTO255.scalar(int.from_bytes(os.urandom(48)))
    public = RISTRETTO255.multiply_base(secret)
    theirs = legacy.PublicKey.decode_base64(base64.b64encode(public))
    tokens = [legacy.Token.create() for _ in range(5)]
    blinded = [token.blind() for token in tokens]
    signed, proof = cbp.evaluate(secret, public, [base64.b64decode(b.encode_base64()) for b in blinded])
    unblinded = legacy.BatchDLEQProof.decode_base64(base64.b64encode(proof)).invalid_or_unblind(
        tokens, blinded, [legacy.SignedToken.decode_base64(base64.b64encode(s)) for s in signed], theirs
    )
    for token in unblinded:
        preimage = base64.b64decode(token.preimage().encode_base64())
        signature = token.derive_verification_key_sha512().sign_sha512(b"payload").encode_base64()
        assert cbp.token_mac(secret, preimage, b"payload") == base64.b64decode(signature)
        assert cbp.token_mac(secret, preimage, b"other") != base64.b64decode(signature)
    wrong = bytes([proof[0] ^ 1]) + proof[1:]
    with pytest.raises((legacy.SecurityException, legacy.DecodeException)):
        legacy.BatchDLEQProof.decode_base64(base64.b64encode(wrong)).invalid_or_unblind(
            tokens, blinded, [legacy.SignedToken.decode_base64(base64.b64encode(s)) for s in signed], theirs
        )


def test_their_batch_proof_verifies_here() -> None:
    key = legacy.random_signing_key()
    public = base64.b64decode(legacy.PublicKey.from_signing_key(key).encode_base64())
    blinded = [legacy.Token.create().blind() for _ in range(3)]
    signed = [key.sign(b) for b in blinded]
    proof = base64.b64decode(legacy.BatchDLEQProof.create(key, blinded, signed).encode_base64())
    ours = [base64.b64decode(b.encode_base64()) for b in blinded]
    theirs = [base64.b64decode(s.encode_base64()) for s in signed]
    assert cbp.verify_proof(public, ours, theirs, proof)
    assert not cbp.verify_proof(public, ours[::-1], theirs, proof)
    secret = base64.b64decode(key.encode_base64())
    assert list(cbp.evaluate(secret, public, ours)[0]) == theirs
