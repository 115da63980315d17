"""Public keys as documents: what cryptography reads back is the key that was written."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_rotator.usecases.jwk import jwk, rsa_numbers, rsa_pss_spki


def number(text: object) -> int:
    """The number in a base64url member."""
    assert isinstance(text, str)
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def spki(bits: int) -> tuple[bytes, rsa.RSAPublicNumbers]:
    """A fresh RSA key as the signer encodes it, and its numbers."""
    public = rsa.generate_private_key(65537, bits).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), public.public_numbers()


@pytest.mark.parametrize("bits", [2048, 3072])
def test_rsa(bits: int) -> None:
    der, numbers = spki(bits)
    modulus, exponent = rsa_numbers(der)
    assert (int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")) == (numbers.n, numbers.e)
    members = jwk(KeyAlgorithm.PS256, der)
    assert members["kty"] == "RSA"
    assert (number(members["n"]), number(members["e"])) == (numbers.n, numbers.e)


def test_blind_rsa_is_written_as_rsassa_pss() -> None:
    der, numbers = spki(2048)
    written = rsa_pss_spki(der)
    # The prefix every RFC 9578 implementation begins a 2048-bit key with.
    assert written.hex().startswith("30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202")
    read = load_der_public_key(written)
    assert isinstance(read, rsa.RSAPublicKey)
    assert read.public_numbers() == numbers


@pytest.mark.parametrize(
    ("algorithm", "curve", "name"),
    [(KeyAlgorithm.ES256, ec.SECP256R1(), "P-256"), (KeyAlgorithm.ES384, ec.SECP384R1(), "P-384")],
)
def test_ec(algorithm: KeyAlgorithm, curve: ec.EllipticCurve, name: str) -> None:
    public = ec.generate_private_key(curve).public_key()
    members = jwk(algorithm, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    assert (members["kty"], members["crv"]) == ("EC", name)
    assert (number(members["x"]), number(members["y"])) == (public.public_numbers().x, public.public_numbers().y)


def test_ed25519() -> None:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert jwk(KeyAlgorithm.EDDSA, raw)["crv"] == "Ed25519"
    assert number(jwk(KeyAlgorithm.EDDSA, raw)["x"]) == int.from_bytes(raw, "big")


def test_what_jose_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON Web Key"):
        jwk(KeyAlgorithm.VOPRF_RISTRETTO255, bytes(32))
    with pytest.raises(ValueError, match="cut off"):
        rsa_numbers(spki(2048)[0][:100])
