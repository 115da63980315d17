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


def test_inputs_may_cancel_each_other_out() -> None:
    secret, public = VOPRF_RISTRETTO255.derive_key_pair(bytes(32), b"key")
    element = VOPRF_RISTRETTO255.hash_to_group(b"one")
    minus = RISTRETTO255.multiply(RISTRETTO255.scalar(-1), element)
    signed, proof = VOPRF_RISTRETTO255.evaluate(secret, public, [element, minus])
    assert VOPRF_RISTRETTO255.verify_proof(public, [element, minus], signed, proof)


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
BAD_RISTRETTO = (VECTORS / "rfc9496_bad_encodings.txt").read_text().split()


GOOD_RISTRETTO = VOPRF_RISTRETTO255.hash_to_group(b"good")
HIGHEST_BIT = (GOOD_RISTRETTO[:31] + bytes([GOOD_RISTRETTO[31] | 0x80])).hex()


@pytest.mark.parametrize("encoding", [*BAD_RISTRETTO, HIGHEST_BIT, "00" * 32, "00" * 31, "00" * 33])
def test_bad_ristretto_elements_are_refused(encoding: str) -> None:
    element = bytes.fromhex(encoding)
    with pytest.raises(BadElement):
        RISTRETTO255.check_element(element)
    with pytest.raises(BadElement):
        VOPRF_RISTRETTO255.evaluate(
            RISTRETTO255.scalar(7), RISTRETTO255.multiply_base(RISTRETTO255.scalar(7)), [element]
        )


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
