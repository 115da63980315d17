"""VOPRF against the vectors of RFC 9497 and against bad elements of RFC 9496."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sealwright_signer.crypto.groups import BadElement
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Inconsistent, Voprf

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
SUITES = {"ristretto255-SHA512": VOPRF_RISTRETTO255, "P384-SHA384": VOPRF_P384}


def _suites() -> list[tuple[str, dict[str, Any]]]:
    suites = json.loads((VECTORS / "voprf_vectors.json").read_text())
    return [(s["identifier"], s) for s in suites if s["identifier"] in SUITES and s["mode"] == 1]


@pytest.mark.parametrize(("name", "suite"), _suites(), ids=lambda value: value if isinstance(value, str) else "")
def test_rfc_9497_vectors(name: str, suite: dict[str, Any]) -> None:
    voprf = SUITES[name]
    secret, public = voprf.derive_key_pair(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]))
    assert secret.hex() == suite["skSm"]
    assert public.hex() == suite["pkSm"]
    assert len(suite["vectors"]) == 3
    for vector in suite["vectors"]:
        blinded, evaluated, inputs, outputs = (
            [bytes.fromhex(part) for part in vector[field].split(",")]
            for field in ("BlindedElement", "EvaluationElement", "Input", "Output")
        )
        blinds = [bytes.fromhex(part) for part in vector["Blind"].split(",")]
        for blind, private_input, element in zip(blinds, inputs, blinded, strict=True):
            assert voprf.group.multiply(blind, voprf.hash_to_group(private_input)) == element
        signed, proof = voprf.evaluate(secret, public, blinded, bytes.fromhex(vector["Proof"]["r"]))
        assert list(signed) == evaluated
        assert proof.hex() == vector["Proof"]["proof"]
        assert voprf.verify_proof(public, blinded, evaluated, proof)
        assert [voprf.output(secret, private_input) for private_input in inputs] == outputs


@pytest.mark.parametrize("voprf", SUITES.values(), ids=SUITES)
def test_a_proof_is_the_same_each_time_and_binds_everything(voprf: Voprf) -> None:
    secret, public = voprf.derive_key_pair(bytes(32), b"key")
    _, other = voprf.derive_key_pair(bytes(32), b"other")
    blinded = [voprf.hash_to_group(b"%d" % n) for n in range(3)]
    signed, proof = voprf.evaluate(secret, public, blinded)
    assert voprf.evaluate(secret, public, blinded) == (signed, proof)
    assert voprf.verify_proof(public, blinded, signed, proof)
    assert not voprf.verify_proof(other, blinded, signed, proof)
    assert not voprf.verify_proof(public, blinded[::-1], signed, proof)
    assert not voprf.verify_proof(public, blinded, signed[::-1], proof)
    assert not voprf.verify_proof(public, blinded, signed, proof[:-1] + bytes([proof[-1] ^ 1]))
    assert voprf.evaluate(secret, public, blinded[:2])[1] != proof


# RFC 9496 appendix A.2: every one of these must be refused.
BAD_RISTRETTO = """
00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
0100000000000000000000000000000000000000000000000000000000000000
01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20
c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562
c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78
47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24
f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72
87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309
26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371
4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f
de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b
bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042
2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08
f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22
8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731
2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b
3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e
a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220
d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e
8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32
32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b
227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165
5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e
445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b
""".split()


@pytest.mark.parametrize("encoding", [*BAD_RISTRETTO, "00" * 32, "00" * 31, "00" * 33])
def test_bad_ristretto_elements_are_refused(encoding: str) -> None:
    element = bytes.fromhex(encoding)
    with pytest.raises(BadElement):
        RISTRETTO255.check_element(element)
    with pytest.raises(BadElement):
        VOPRF_RISTRETTO255.evaluate(
            RISTRETTO255.scalar(7), RISTRETTO255.multiply_base(RISTRETTO255.scalar(7)), [element]
        )
    good = VOPRF_RISTRETTO255.hash_to_group(b"good")
    assert VOPRF_RISTRETTO255.bad_element([good, element, element]) == 1


@pytest.mark.parametrize(
    "encoding",
    ["00", "02" + "ff" * 48, "04" + "00" * 48, "02" + "00" * 47, "00" * 49, "05" + "00" * 47 + "01"],
)
def test_bad_p384_elements_are_refused(encoding: str) -> None:
    with pytest.raises(BadElement):
        VOPRF_P384.group.check_element(bytes.fromhex(encoding))


def test_scalars_must_be_canonical() -> None:
    for group in (RISTRETTO255, VOPRF_P384.group):
        little = "little" if group is RISTRETTO255 else "big"
        assert group.number((group.order - 1).to_bytes(group.scalar_length, little)) == group.order - 1
        with pytest.raises(BadElement):
            group.number(group.order.to_bytes(group.scalar_length, little))


@pytest.mark.parametrize("multiple", [1, 2, 3, -1, -2])
def test_p384_multiplies_the_generator_and_its_neighbours(multiple: int) -> None:
    group = VOPRF_P384.group
    secret = group.scalar(0xDEADBEEF << 300)
    element = group.multiply_base(group.scalar(multiple))
    assert group.multiply(secret, element) == group.multiply_base(group.scalar((0xDEADBEEF << 300) * multiple))


def test_a_wrong_evaluation_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public = VOPRF_RISTRETTO255.derive_key_pair(bytes(32), b"key")
    right, calls = RISTRETTO255.multiply, 0

    def faulty(scalar: bytes, element: bytes) -> bytes:
        nonlocal calls
        calls += 1
        result = right(scalar, element)
        return RISTRETTO255.add(result, result) if calls == 2 else result

    blinded = [VOPRF_RISTRETTO255.hash_to_group(b"%d" % n) for n in range(3)]
    monkeypatch.setattr(RISTRETTO255, "multiply", faulty)
    with pytest.raises(Inconsistent):
        VOPRF_RISTRETTO255.evaluate(secret, public, blinded)
