"""Commitments and range proofs against published vectors and against the sandbox registry's own verifier."""

from __future__ import annotations

import hashlib
import secrets

import numpy as np
import pytest
from sealwright_common.ristretto import rbcl
from sealwright_sandbox.registry import rangeproof
from sealwright_stamp.adapters.proofs import bases, group, prover, worker
from sealwright_stamp.adapters.proofs.bases import ORDER
from sealwright_stamp.adapters.proofs.prover import PROOF_BYTES, commit, prove
from sealwright_stamp.adapters.proofs.transcript import Transcript, keccak_f1600
from sealwright_stamp.adapters.proofs.verifier import Claim, verify


def claim(quantity: int, label: bytes = b"0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70") -> Claim:
    blinding = secrets.randbelow(ORDER)
    commitment = commit(quantity, blinding)
    return Claim(commitment, prove(quantity, blinding, commitment, label), label)


def test_generators() -> None:
    assert bases.VALUE_BASE.hex() == "86ed6ffe68ae05dc0791836f54b42b336a2214ccb6f86d2fac49492949ba9e7b"
    assert bases.BLINDING_BASE.hex() == "e2467f81cd43cf2b5122e285f9376a87ea5c9afb9b11cad86c01d2cc71d65364"
    assert bases.G_VECTOR[0].hex() == "fc3b25801422672a6a8d3adb5d8457d4301fe92324b4fc56ae934c8713ddfe2d"
    assert bases.H_VECTOR[0].hex() == "ba698f6dd08c501e32b55d2ee7259f6019d629fa2ba4d7039c5de157cba4df73"


@pytest.mark.parametrize(
    ("quantity", "blinding", "commitment"),
    [
        (250, 1, "02c70459f2c3b191e280d502f0d6b3dddd00ce3d3c3b02db75845265faa46d1a"),
        (4294967295, ORDER - 1, "debd96953e0a40a98e4fbe8927f73b662c2f62dd66cd6cdbdb29128075336821"),
        (777, 7, "fa3b8aadb2b7b40b1164e127736b516ca95fbc960ee535eacd79404f47cecf5c"),
    ],
)
def test_commitments(quantity: int, blinding: int, commitment: str) -> None:
    assert commit(quantity, blinding).hex() == commitment


@pytest.mark.parametrize(("quantity", "blinding"), [(-1, 1), (2**32, 1), (1, -1), (1, ORDER)])
def test_commitments_refuse_what_is_out_of_range(quantity: int, blinding: int) -> None:
    with pytest.raises(ValueError, match="below"):
        commit(quantity, blinding)


def test_transcript_is_merlin() -> None:
    transcript = Transcript(b"test protocol")
    transcript.append(b"some label", b"some data")
    expected = "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"
    assert transcript.challenge_bytes(b"challenge", 32).hex() == expected


def test_permutation_is_keccak() -> None:
    # SHA3-256 of nothing is one permutation of the padded empty block.
    words = np.zeros(25, np.uint64)
    block = words.view(np.uint8)
    block[0], block[135] = 0x06, 0x80
    keccak_f1600(words)
    assert block[:32].tobytes() == hashlib.sha3_256().digest()


@pytest.mark.parametrize("quantity", [0, 1, 250, 2**31, 2**32 - 1])
def test_the_registry_accepts_our_proofs(quantity: int) -> None:
    ours = claim(quantity)
    assert len(ours.proof) == PROOF_BYTES
    assert rangeproof.proof_is_valid(ours.commitment, ours.proof, ours.label)
    assert not rangeproof.proof_is_valid(ours.commitment, ours.proof, ours.label + b"x")
    assert verify([ours])


def test_one_false_claim_spoils_a_batch() -> None:
    good = [claim(secrets.randbits(32)) for _ in range(4)]
    assert verify(good)
    assert not verify([*good, Claim(good[0].commitment, good[1].proof, good[1].label)])
    assert not verify([*good, Claim(good[0].commitment, good[0].proof, b"another stream")])


def test_every_part_of_a_proof_counts() -> None:
    ours = claim(4711)
    for part in range(0, PROOF_BYTES, 32):
        changed = bytearray(ours.proof)
        changed[part] ^= 2
        assert not verify([Claim(ours.commitment, bytes(changed), ours.label)])
        assert not rangeproof.proof_is_valid(ours.commitment, bytes(changed), ours.label)


@pytest.mark.parametrize("proof", [b"", bytes(PROOF_BYTES), bytes(PROOF_BYTES - 1), b"\xff" * PROOF_BYTES])
def test_malformed_proofs(proof: bytes) -> None:
    assert not verify([Claim(claim(1).commitment, proof, b"x")])


def test_points_agree_with_libsodium() -> None:
    out = np.empty(32, np.uint8)
    tables = group.build_tables(np.frombuffer(bases.G_VECTOR[0] + bases.H_VECTOR[0], np.uint8).reshape(2, 32))
    for _ in range(20):
        a, b = secrets.randbelow(ORDER).to_bytes(32, "little"), secrets.randbelow(ORDER).to_bytes(32, "little")
        group.fixed_sum(tables, np.array([0, 1]), np.frombuffer(a + b, np.uint8).reshape(2, 32), out)
        expected = rbcl.crypto_core_ristretto255_add(
            rbcl.crypto_scalarmult_ristretto255(a, bases.G_VECTOR[0]),
            rbcl.crypto_scalarmult_ristretto255(b, bases.H_VECTOR[0]),
        )
        assert out.tobytes() == expected


def test_bytes_that_are_no_points_are_refused() -> None:
    refused = 0
    for number in range(200):
        data = hashlib.sha256(str(number).encode()).digest()
        fine, _ = group.decode(np.frombuffer(data, np.uint8))
        # Bit 255 makes an encoding non-canonical (RFC 9496, section 4.3.1); this libsodium leaves it out of account.
        assert fine == (data[31] < 128 and rbcl.crypto_core_ristretto255_is_valid_point(data))
        refused += not fine
    assert 100 < refused < 200


def test_a_faulty_proof_does_not_leave_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from sealwright_sandbox.wallet.keys import WalletKey
    from sealwright_stamp.adapters.proofs.workers import Job

    jobs = [Job(WalletKey().endpoint(0), 5, quantity, (99).to_bytes(32, "little"), "label") for quantity in (1, 2)]
    assert len(worker.make(jobs)) == 2
    honest = prover.prove

    def flipped(*arguments: object) -> bytes:
        proof = bytearray(honest(*arguments))  # type: ignore[arg-type]
        proof[200] ^= 1
        return bytes(proof)

    monkeypatch.setattr(prover, "prove", flipped)
    with pytest.raises(worker.FaultyProof):
        worker.make(jobs)
