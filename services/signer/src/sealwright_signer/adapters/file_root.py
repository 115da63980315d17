"""The file root of trust: the Hsm port over a folder, for development where no PKCS#11 module can be had.

Private keys are encrypted by a key that lies beside them, so this protects nothing from whoever reads the folder. The
settings refuse it in production and the signer warns at every start.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sealwright_common.domain.errors import DataLoss, FailedPrecondition, Reason
from sealwright_common.domain.keys import RSA_ALGORITHMS, KeyAlgorithm

from sealwright_signer.crypto import signatures
from sealwright_signer.ports import TokenKey

_NONCE_LENGTH = 12
_SELF_TEST_KEY = "sealwright-self-test"


class FileHsm:
    """Keys as files ``LABEL.key`` in a folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder and its root key on first use."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._root = AESGCM(_root_key(folder / "root"))
        self._open: dict[str, tuple[bytes, signatures.Signer]] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Where it is."""
        return f"file root of trust {self._folder}"

    def uri(self, key: TokenKey) -> str:
        """A file URI of the encrypted private key."""
        return self._path(key.label).resolve().as_uri()

    def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
        """A new key pair; one of the same label that an interrupted call left behind is replaced."""
        if algorithm.scalar:
            raise FailedPrecondition(Reason.KEY_ALGORITHM_MISMATCH, f"no token can hold a key of {algorithm}")
        public_key, private = signatures.make(algorithm, rsa_bits)
        key = TokenKey(label, algorithm, public_key)
        with self._lock:
            _write(self._path(label), self.wrap(private, _context(key)))
            self._open.pop(label, None)
        return key

    def sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Raw signatures, in order; not verified."""
        signer = self._signer(key)
        return [signer(data) for data in inputs]

    def destroy(self, label: str) -> None:
        """Removes the file."""
        with self._lock:
            self._path(label).unlink(missing_ok=True)
            self._open.pop(label, None)

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """AES-256-GCM by the root key: nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_LENGTH)
        return nonce + self._root.encrypt(nonce, plain, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What :meth:`wrap` was given. DataLoss if it does not open."""
        try:
            return self._root.decrypt(wrapped[:_NONCE_LENGTH], wrapped[_NONCE_LENGTH:], context)
        except (InvalidTag, ValueError) as error:
            raise DataLoss(Reason.KEY_NOT_USABLE, "a wrapped key does not open under this root of trust") from error

    def check(self) -> None:
        """One signature by a key made for this."""
        with self._lock:
            known = self._open.get(_SELF_TEST_KEY)
        if known is None:
            key = self.generate(_SELF_TEST_KEY, KeyAlgorithm.ES256, 0)
        else:
            key = TokenKey(_SELF_TEST_KEY, KeyAlgorithm.ES256, known[0])
        self.sign(key, [bytes(32)])

    def close(self) -> None:
        """Forgets what is open."""
        with self._lock:
            self._open.clear()

    def _path(self, label: str) -> Path:
        return self._folder / f"{label}.key"

    def _signer(self, key: TokenKey) -> signatures.Signer:
        with self._lock:
            known = self._open.get(key.label)
            if known is not None and known[0] == key.public_key:
                return known[1]
            try:
                sealed = self._path(key.label).read_bytes()
                private = self.unwrap(sealed, _context(key))
            except (FileNotFoundError, DataLoss):
                raise FailedPrecondition(
                    Reason.KEY_NOT_USABLE, f"{self.name} has no key {key.label} with the public key on record"
                ) from None
            signer = _loaded(key.algorithm, private)
            self._open[key.label] = (key.public_key, signer)
            return signer


def _loaded(algorithm: KeyAlgorithm, private: bytes) -> signatures.Signer:
    if not (algorithm.blind and algorithm in RSA_ALGORITHMS):
        return signatures.load_signer(algorithm, private)
    key = load_der_private_key(private, None)
    assert isinstance(key, RSAPrivateKey)
    numbers = key.private_numbers()
    size = key.key_size // 8

    def raw_rsa(data: bytes) -> bytes:
        # Not constant time: good enough for a root of trust that is for development only.
        m = int.from_bytes(data)
        if len(data) != size or m >= numbers.public_numbers.n:
            raise FailedPrecondition(Reason.KEY_NOT_USABLE, "the token refuses this use of the key (out of range)")
        m1, m2 = pow(m, numbers.dmp1, numbers.p), pow(m, numbers.dmq1, numbers.q)
        return (m2 + numbers.q * ((m1 - m2) * numbers.iqmp % numbers.p)).to_bytes(size)

    return raw_rsa


def _context(key: TokenKey) -> bytes:
    return f"{key.label} {key.algorithm} ".encode() + key.public_key


def _root_key(path: Path) -> bytes:
    with contextlib.suppress(FileExistsError):
        _write(path, AESGCM.generate_key(256), exclusive=True)
    return path.read_bytes()


def _write(path: Path, data: bytes, *, exclusive: bool = False) -> None:
    """Writes a file of mode 0600 that is either whole or absent."""
    fresh = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            os.link(fresh, path)
        else:
            os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
