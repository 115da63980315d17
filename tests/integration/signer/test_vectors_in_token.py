"""RFC 9474's and the Privacy Pass type 2 vectors, computed by the raw RSA operation of a PKCS#11 token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pkcs11 import Attribute, KeyType, ObjectClass
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm
from sealwright_signer.adapters.roots import Pkcs11Root
from sealwright_signer.crypto import blind_rsa
from sealwright_signer.ports import TokenKey

VECTORS = Path(__file__).parents[2] / "data" / "vectors"


@pytest.fixture(scope="module")
def hsm(process_token: Token, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pkcs11Hsm]:
    lock_dir = Path(tmp_path_factory.mktemp("lock"))
    root = Pkcs11Hsm(Pkcs11Root(str(process_token.module), process_token.label, process_token.pin, lock_dir))
    yield root
    root.close()


def put(hsm: Pkcs11Hsm, p: int, q: int, e: int) -> TokenKey:
    """A key pair of the vector's numbers in the token: tests alone may put keys there."""
    n, d = p * q, pow(e, -1, (p - 1) * (q - 1))
    label = str(uuid4())
    big = {
        Attribute.MODULUS: n,
        Attribute.PUBLIC_EXPONENT: e,
        Attribute.PRIVATE_EXPONENT: d,
        Attribute.PRIME_1: p,
        Attribute.PRIME_2: q,
        Attribute.EXPONENT_1: d % (p - 1),
        Attribute.EXPONENT_2: d % (q - 1),
        Attribute.COEFFICIENT: pow(q, -1, p),
    }
    numbers = {name: value.to_bytes((value.bit_length() + 7) // 8) for name, value in big.items()}
    common: dict[Attribute, Any] = {Attribute.KEY_TYPE: KeyType.RSA, Attribute.TOKEN: True, Attribute.LABEL: label}
    public = {name: numbers[name] for name in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT)}

    def work(session: Any) -> None:
        session.raw.create_object(
            {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.SIGN: True, Attribute.SENSITIVE: True}
            | common
            | numbers
        )
        session.raw.create_object({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.VERIFY: True} | common | public)

    hsm._token.use(work)  # pyright: ignore[reportPrivateUsage]
    spki = rsa.RSAPublicNumbers(e, n).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TokenKey(label, KeyAlgorithm.RSABSSA_DETERMINISTIC, spki)


@pytest.mark.parametrize("vector", json.loads((VECTORS / "rfc9474.json").read_text()), ids=lambda v: v["name"])
def test_rfc_9474(hsm: Pkcs11Hsm, vector: dict[str, str]) -> None:
    key = put(hsm, int(vector["p"], 16), int(vector["q"], 16), int(vector["e"], 16))
    (signature,) = hsm.sign(key, [bytes.fromhex(vector["blinded_msg"])])
    assert signature.hex() == vector["blind_sig"]
    assert blind_rsa.inverts(key.public_key, bytes.fromhex(vector["blinded_msg"]), signature)
    hsm.destroy(key.label)


@pytest.mark.parametrize("name", ["t2go", "t2ts", "t2rs"])
def test_privacy_pass_type_2(hsm: Pkcs11Hsm, name: str) -> None:
    for vector in json.loads((VECTORS / f"{name}.json").read_text()):
        private = load_pem_private_key(bytes.fromhex(vector["skS"]), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        numbers = private.private_numbers()
        key = put(hsm, numbers.p, numbers.q, numbers.public_numbers.e)
        (signature,) = hsm.sign(key, [bytes.fromhex(vector["token_request"])[3:]])
        assert signature.hex() == vector["token_response"]
        hsm.destroy(key.label)
