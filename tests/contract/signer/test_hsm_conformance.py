"""The contract of the Hsm port: what every root of trust must do.

Runs against the file root of trust and SoftHSM2, and against any module named by SEALWRIGHT_HSM_MODULE,
SEALWRIGHT_HSM_LABEL and SEALWRIGHT_HSM_PIN: that is how a new HSM is proven.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sealwright_common.domain.errors import DataLoss, FailedPrecondition, Reason
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.adapters.roots import FileRoot, Pkcs11Root, RootOfTrust
from sealwright_signer.adapters.token_process.process import TokenProcess
from sealwright_signer.crypto import blind_rsa, signatures
from sealwright_signer.ports import Hsm, TokenKey

T = TypeVar("T")
SIGNING = [KeyAlgorithm.EDDSA, KeyAlgorithm.ES256, KeyAlgorithm.ES384, KeyAlgorithm.PS256, KeyAlgorithm.RS256]
ROOTS = ["file", "softhsm", *(["environment"] if "SEALWRIGHT_HSM_MODULE" in os.environ else [])]


class Process:
    """The Hsm port over a token process as the service starts it; its event loop runs in a thread."""

    def __init__(self, root: RootOfTrust) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._token = TokenProcess(root, threads=2, makers=4)
        self._uris: dict[TokenKey, str] = {}
        self._run(self._token.start())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    @property
    def name(self) -> str:
        return self._token.root

    def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
        key, self._uris[key] = self._run(self._token.generate(label, algorithm, rsa_bits))
        return key

    def uri(self, key: TokenKey) -> str:
        return self._uris[key]

    def sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        return self._run(self._token.sign(key, inputs))

    def destroy(self, label: str) -> None:
        self._run(self._token.destroy([label]))

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        return self._run(self._token.wrap(plain, context))

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._run(self._token.unwrap(wrapped, context))

    def check(self) -> None:
        self._run(self._token.check())

    def close(self) -> None:
        self._run(self._token.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module", params=ROOTS)
def hsm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    """Each root of trust in turn, held as the service holds it: by a process of its own."""
    lock_dir = Path(tmp_path_factory.mktemp("lock"))
    root: RootOfTrust
    if request.param == "file":
        root = FileRoot(lock_dir / "root")
    elif request.param == "softhsm":
        token: Token = request.getfixturevalue("process_token")
        root = Pkcs11Root(str(token.module), token.label, token.pin, lock_dir)
    else:
        environ = os.environ
        root = Pkcs11Root(
            environ["SEALWRIGHT_HSM_MODULE"],
            environ.get("SEALWRIGHT_HSM_LABEL", "sealwright"),
            environ["SEALWRIGHT_HSM_PIN"],
            lock_dir,
        )
    held = Process(root)
    yield held
    held.close()


def fresh(hsm: Hsm, algorithm: KeyAlgorithm) -> TokenKey:
    return hsm.generate(str(uuid4()), algorithm, 2048)


def prepared(algorithm: KeyAlgorithm, message: bytes) -> bytes:
    if algorithm is KeyAlgorithm.EDDSA:
        return message
    return sha384(message).digest() if algorithm is KeyAlgorithm.ES384 else sha256(message).digest()


@pytest.mark.parametrize("algorithm", SIGNING)
def test_signatures_verify_in_order(hsm: Hsm, algorithm: KeyAlgorithm) -> None:
    key = fresh(hsm, algorithm)
    check = signatures.checker(algorithm, key.public_key)
    inputs = [prepared(algorithm, b"%d" % number) for number in range(20)]
    made = hsm.sign(key, inputs)
    assert len(made) == 20
    assert all(check(data, signature) for data, signature in zip(inputs, made, strict=True))
    assert not check(inputs[0], made[1])
    hsm.destroy(key.label)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSABSSA_DETERMINISTIC, KeyAlgorithm.RSABSSA_RANDOMIZED])
def test_raw_rsa_inverts(hsm: Hsm, algorithm: KeyAlgorithm) -> None:
    key = fresh(hsm, algorithm)
    public = load_der_public_key(key.public_key)
    assert isinstance(public, RSAPublicKey)
    blinded = (int.from_bytes(os.urandom(256)) % public.public_numbers().n).to_bytes(256)
    (signature,) = hsm.sign(key, [blinded])
    assert blind_rsa.inverts(key.public_key, blinded, signature)
    assert hsm.sign(key, [blinded]) == [signature]
    with pytest.raises(FailedPrecondition):
        hsm.sign(key, [b"\xff" * 256])
    hsm.destroy(key.label)


def test_what_no_token_can_hold_is_refused(hsm: Hsm) -> None:
    with pytest.raises(FailedPrecondition) as refused:
        hsm.generate("scalar", KeyAlgorithm.VOPRF_RISTRETTO255, 0)
    assert refused.value.reason is Reason.KEY_ALGORITHM_MISMATCH


def test_a_label_alone_proves_nothing(hsm: Hsm) -> None:
    key, other = fresh(hsm, KeyAlgorithm.ES256), fresh(hsm, KeyAlgorithm.ES256)
    with pytest.raises(FailedPrecondition) as wrong:
        hsm.sign(TokenKey(key.label, key.algorithm, other.public_key), [bytes(32)])
    assert wrong.value.reason is Reason.KEY_NOT_USABLE
    hsm.sign(key, [bytes(32)])
    for each in (key, other):
        hsm.destroy(each.label)


def test_destroyed_is_gone_and_again_is_no_error(hsm: Hsm) -> None:
    key = fresh(hsm, KeyAlgorithm.ES256)
    hsm.sign(key, [bytes(32)])
    hsm.destroy(key.label)
    hsm.destroy(key.label)
    with pytest.raises(FailedPrecondition) as gone:
        hsm.sign(key, [bytes(32)])
    assert gone.value.reason is Reason.KEY_NOT_USABLE


def test_many_threads_make_keys_at_once(hsm: Hsm) -> None:
    """Makers have sessions of their own, beside those that sign."""
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: fresh(hsm, KeyAlgorithm.ES256), range(24)))
    assert len({key.public_key for key in keys}) == len(keys)
    for key in keys:
        check = signatures.checker(key.algorithm, key.public_key)
        assert check(bytes(32), hsm.sign(key, [bytes(32)])[0])
        hsm.destroy(key.label)


def test_wrapping_is_bound_to_its_context(hsm: Hsm) -> None:
    secret = os.urandom(48)
    wrapped = hsm.wrap(secret, b"key 1")
    assert secret not in wrapped
    assert hsm.wrap(secret, b"key 1") != wrapped, "each wrapping has a nonce of its own"
    assert hsm.unwrap(wrapped, b"key 1") == secret
    for blob, context in (
        (wrapped, b"key 2"),
        (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"key 1"),
        (wrapped[:20], b"key 1"),
        (b"", b"key 1"),
    ):
        with pytest.raises(DataLoss):
            hsm.unwrap(blob, context)
    assert hsm.unwrap(wrapped, b"key 1") == secret, "a bad blob does not harm the token"


def test_the_self_test_passes_and_names_hold_no_secret(hsm: Hsm) -> None:
    hsm.check()
    key = fresh(hsm, KeyAlgorithm.ES256)
    assert hsm.uri(key).startswith(("pkcs11:", "file:"))
    assert key.label in hsm.uri(key)
    assert hsm.name
    hsm.destroy(key.label)


def test_many_threads_sign_at_once(hsm: Hsm) -> None:
    """Promise 8 in small: 16 threads, several algorithms, every signature verified."""
    keys = [fresh(hsm, algorithm) for algorithm in (KeyAlgorithm.EDDSA, KeyAlgorithm.ES256)]
    problems: list[Exception] = []

    def work(key: TokenKey) -> None:
        check = signatures.checker(key.algorithm, key.public_key)
        try:
            for _ in range(20):
                data = os.urandom(32)
                assert check(data, hsm.sign(key, [data])[0])
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            problems.append(error)

    threads = [threading.Thread(target=work, args=(keys[n % 2],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    for key in keys:
        hsm.destroy(key.label)
