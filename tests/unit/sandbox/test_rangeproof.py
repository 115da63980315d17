"""The registry sandbox checks commitments and range proofs as the dalek crate does.

The proof is the one for 32 bits and one value that the crate publishes to prove that it stays compatible with itself
(dalek-cryptography/bulletproofs, tests/range_proof.rs, "Deserialize-And-Verify Test"), made with the crate's own bases.
"""

import hashlib

import pytest
from sealwright_common.ristretto import rbcl
from sealwright_sandbox.registry.rangeproof import ORDER, REGISTRY_BASES, Bases, commit, proof_is_valid
from sealwright_sandbox.registry.transcript import Transcript, keccak_f1600

LABEL = b"Deserialize-And-Verify Test"
COMMITMENT = bytes.fromhex("90b0c2fe57934dff9f5396e135e7d72b82b3c5393e1843178918eb2cf28a5f3c")
PROOF = bytes.fromhex(
    "9cdc1ed1e83ada128d182d30575bc437ecbeba58cf9faeed18fc2bc359c6d227a265cb521b3dbe2e289e3d68efbae1531708fedb6017d4fb"
    "bc9b747ee5a040565af225182509cbacee851cb3d2fdf8bf6601419b0ab262238ccd549f394b0a081e4bddc747ed1765a75db0ca54a05d8e"
    "b54fb87c7071849d248ca2df4c75ee50dd7558fd070b1ae72860b2d2c3e6966b4f0863d57ee93ebfc25116bf949c2b047e85e4b028ee18f0"
    "a43b8ad4f7c38f59ebe11a6289203387c01291bc32c99f01ab6fab5b6f970f0e9d01ca4f174e7d4fd5056e964811838831fefb6671cf5407"
    "624e47fc555120012295024d1db3972db8377587f8690cac55ef27967ae27310564cc99eb0bd2e935826d47275c7d4878f836c970dcba0c9"
    "468c82c7e84b9912580d16b60b0f5c67650ea9de49f18fe81bf4bd85dcc1a8f092c672baf8336335cc927722200f0e108c8179d010635439"
    "07d699b102370a93a14995d3ead9f46dbc133563e7b1a8ebe2b96781ec00ff4a22791ef0f4fe2508268159edd8e5b210304207771e1ac4cd"
    "69efc58bd638b039509f9e39e18ca5625fd6a91d496b467f702b2a82f46c9b42f9df3680eae5095a11dfa4724fc7b1cf8dd52ffdba97316e"
    "a4acf5617646abd8a6179af60b7e30301f8363b6641bf2a0346378e3655bf41d4c4b16dedfe7a6600062afacd2983875b5fb2341e85a0def"
    "a33161e5f93c9030461ccc252c804c531a070d7dd748f0086a67f5c85f9049d38409130282bab06c4442bbcc54e9f3b0c5e7f20e1421060a"
    "829aec404367e2836fdbbd07febbef0ae26153deaa93067d669dd0ed2af14d7c8a2c2f66e973660096420b7d5e570102"
)
BASE_POINT = rbcl.crypto_scalarmult_ristretto255_base((1).to_bytes(32, "little"))
DALEK_BASES = Bases(
    quantity=BASE_POINT, blinding=rbcl.crypto_core_ristretto255_from_hash(hashlib.sha3_512(BASE_POINT).digest())
)


def test_keccak_of_nothing() -> None:
    state = bytearray(200)
    keccak_f1600(state)
    assert state[:8].hex() == "e7dde140798f25f1"


def test_merlin_of_the_standard_vector() -> None:
    transcript = Transcript(b"test protocol")
    transcript.append(b"some label", b"some data")
    challenge = transcript.challenge(b"challenge", 32).hex()
    assert challenge == "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"


def test_bases_are_the_registry_s() -> None:
    assert REGISTRY_BASES.quantity.hex() == "86ed6ffe68ae05dc0791836f54b42b336a2214ccb6f86d2fac49492949ba9e7b"
    assert REGISTRY_BASES.blinding.hex() == "e2467f81cd43cf2b5122e285f9376a87ea5c9afb9b11cad86c01d2cc71d65364"


@pytest.mark.parametrize(
    ("quantity", "blinding", "expected"),
    [
        (250, 1, "02c70459f2c3b191e280d502f0d6b3dddd00ce3d3c3b02db75845265faa46d1a"),
        (4294967295, ORDER - 1, "debd96953e0a40a98e4fbe8927f73b662c2f62dd66cd6cdbdb29128075336821"),
        (777, 7, "fa3b8aadb2b7b40b1164e127736b516ca95fbc960ee535eacd79404f47cecf5c"),
    ],
)
def test_commitments(quantity: int, blinding: int, expected: str) -> None:
    assert commit(quantity, blinding.to_bytes(32, "little")).hex() == expected


@pytest.mark.parametrize(("quantity", "blinding"), [(-1, bytes(32)), (2**32, bytes(32)), (1, b"\xff" * 32), (1, b"x")])
def test_commitments_out_of_range_are_refused(quantity: int, blinding: bytes) -> None:
    with pytest.raises(ValueError, match="below"):
        commit(quantity, blinding)


def test_a_proof_of_the_dalek_crate_is_valid() -> None:
    assert proof_is_valid(COMMITMENT, PROOF, LABEL, DALEK_BASES)


def test_a_proof_holds_for_its_label_commitment_and_bases_only() -> None:
    assert not proof_is_valid(COMMITMENT, PROOF, LABEL + b"!", DALEK_BASES)
    assert not proof_is_valid(BASE_POINT, PROOF, LABEL, DALEK_BASES)
    assert not proof_is_valid(COMMITMENT, PROOF, LABEL)


@pytest.mark.parametrize("part", range(19))
def test_every_part_of_a_proof_counts(part: int) -> None:
    broken = bytearray(PROOF)
    broken[part * 32] ^= 1
    assert not proof_is_valid(COMMITMENT, bytes(broken), LABEL, DALEK_BASES)


def test_malformed_proofs_are_refused() -> None:
    assert not proof_is_valid(COMMITMENT, PROOF[:-1], LABEL, DALEK_BASES)
    assert not proof_is_valid(COMMITMENT[:-1], PROOF, LABEL, DALEK_BASES)
    identity = bytes(32) + PROOF[32:]
    assert not proof_is_valid(COMMITMENT, identity, LABEL, DALEK_BASES)
    scalar = int.from_bytes(PROOF[-32:], "little") + ORDER
    assert not proof_is_valid(COMMITMENT, PROOF[:-32] + scalar.to_bytes(32, "little"), LABEL, DALEK_BASES)
