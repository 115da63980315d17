"""The Hsm port over a PKCS#11 token."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any
from urllib.parse import quote

from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass, exceptions
from sealwright_common.domain.errors import DataLoss, FailedPrecondition, Reason
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_signer.adapters.pkcs11 import mechanisms
from sealwright_signer.adapters.pkcs11.token import Session, Token, Unseen
from sealwright_signer.adapters.roots import Login, Pkcs11Root
from sealwright_signer.crypto import blind_rsa
from sealwright_signer.ports import TokenKey

WRAPPING_KEY = "sealwright-wrapping-key-1"
"""Label of the token's AES key; the number is the first byte of what it wraps."""
SELF_TEST_KEY = "sealwright-self-test"
_WRAPPED_VERSION = b"\x01"
_NONCE_LENGTH = 12
_TAG_BITS = 128


class Pkcs11Hsm:
    """Keys in a PKCS#11 token. Every method blocks and may be called by any thread; each thread has its own session."""

    def __init__(self, settings: Pkcs11Root, on_login: Callable[[Login], None] = lambda _: None) -> None:
        """``on_login`` is told of each login before and after it."""
        self._token = Token(settings, _prepare, on_login)
        self._label = settings.label
        self._self_test: TokenKey | None = None
        self._proven: dict[str, bytes] = {}

    @property
    def name(self) -> str:
        """Which token it is."""
        return f"PKCS#11 token {self._label}"

    def uri(self, key: TokenKey) -> str:
        """PKCS#11 URI (RFC 7512) of the private key."""
        return f"pkcs11:token={quote(self._label)};object={quote(key.label)};type=private"

    def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
        """A new key pair, whose label must be new."""
        if algorithm not in mechanisms.HOW_TO:
            raise FailedPrecondition(Reason.KEY_ALGORITHM_MISMATCH, f"no token can hold a key of {algorithm}")
        tries = count()

        def work(session: Session) -> TokenKey:
            if next(tries):
                # The try before may have left something. Not looked for at the first: that takes a token as long as
                # it has objects, and with some thousands longer than making the key.
                _remove(session, label)
            return _generate(session, label, algorithm, rsa_bits)

        return self._token.use(work)

    def sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Raw signatures, in order; not verified."""
        how = mechanisms.HOW_TO[key.algorithm]
        if key.algorithm.blind and not all(blind_rsa.is_blinded_message(key.public_key, data) for data in inputs):
            # SoftHSM answers a number above the modulus with CKR_GENERAL_ERROR, which would look like a lost device.
            raise FailedPrecondition(Reason.KEY_NOT_USABLE, "raw RSA takes numbers below the modulus only")

        def work(session: Session) -> list[bytes]:
            sign = session.functions.signer(session.raw, self._private_key(session, key), how)
            return [sign(how.prefix + data) for data in inputs]

        return self._token.use(work)

    def destroy(self, label: str) -> None:
        """Removes every object of the label."""
        self._token.use(lambda session: _remove(session, label))
        self._proven.pop(label, None)

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """AES-256-GCM by the token's wrapping key: version, nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_LENGTH)

        def work(session: Session) -> bytes:
            parameter = GCMParams(nonce, context, _TAG_BITS)
            return self._wrapping_key(session).encrypt(plain, mechanism=Mechanism.AES_GCM, mechanism_param=parameter)

        return _WRAPPED_VERSION + nonce + self._token.use(work)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What :meth:`wrap` was given. DataLoss if it does not open under this context and key."""
        start = len(_WRAPPED_VERSION)
        nonce, sealed = wrapped[start : start + _NONCE_LENGTH], wrapped[start + _NONCE_LENGTH :]
        if not wrapped.startswith(_WRAPPED_VERSION) or len(sealed) < _TAG_BITS // 8:
            raise DataLoss(Reason.KEY_NOT_USABLE, "a wrapped key is damaged; restore it from a backup of the database")

        def work(session: Session) -> bytes:
            parameter = GCMParams(nonce, context, _TAG_BITS)
            for key in self._wrapping_keys(session):
                try:
                    return key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=parameter)
                except (exceptions.GeneralError, exceptions.EncryptedDataInvalid, exceptions.FunctionFailed):
                    # SoftHSM answers a wrong tag with CKR_GENERAL_ERROR: ask whether the token works at all before
                    # believing that the data is bad.
                    key.encrypt(b"", mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, b"", _TAG_BITS))
            raise DataLoss(Reason.KEY_NOT_USABLE, "a wrapped key does not open under this token's wrapping key")

        return self._token.use(work)

    def check(self) -> None:
        """One signature by a key kept for this, made when it is first needed."""
        if self._self_test is None:
            self._self_test = self._token.use(lambda session: self._token.exclusively(lambda: _self_test_key(session)))
        try:
            self.sign(self._self_test, [bytes(32)])
        except FailedPrecondition:
            self._self_test = None  # it is not what it was: looked for anew the next time
            raise

    def close(self) -> None:
        """Finalises the module."""
        self._token.close()

    def _private_key(self, session: Session, key: TokenKey) -> Any:
        handle = session.handles.get(key.label)
        if handle is None or self._proven.get(key.label) != key.public_key:
            # A label alone proves nothing: exactly one pair must have it, with the public half on record.
            public = _one(session, ObjectClass.PUBLIC_KEY, key.label)
            if mechanisms.public_key(public, key.algorithm) != key.public_key:
                raise FailedPrecondition(
                    Reason.KEY_NOT_USABLE, f"the token's key {key.label} is not the key on record; do not use it"
                )
            handle = session.handles[key.label] = _one(session, ObjectClass.PRIVATE_KEY, key.label)
            self._proven[key.label] = key.public_key
        return handle

    def _wrapping_key(self, session: Session) -> Any:
        handle = session.handles.get(WRAPPING_KEY)
        if handle is None:
            handle = session.handles[WRAPPING_KEY] = self._token.exclusively(lambda: _wrapping_key(session))
        return handle

    def _wrapping_keys(self, session: Session) -> Iterator[Any]:
        """The one that wraps, then all: instances on two machines that met an empty token may each have made one."""
        yield self._wrapping_key(session)
        yield from _found_wrapping_keys(session)


def _generate(session: Session, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
    template = mechanisms.private_template(mechanisms.HOW_TO[algorithm])
    try:
        public = mechanisms.generate(session.raw, label, algorithm, rsa_bits, template)
    except (exceptions.AttributeTypeInvalid, exceptions.AttributeValueInvalid, exceptions.TemplateInconsistent):
        # Not every token knows CKA_ALLOWED_MECHANISMS; the other attributes still make it single-purpose.
        del template[Attribute.ALLOWED_MECHANISMS]
        public = mechanisms.generate(session.raw, label, algorithm, rsa_bits, template)
    return TokenKey(label, algorithm, mechanisms.public_key(public, algorithm))


def _self_test_key(session: Session) -> TokenKey:
    """The key kept for self-tests; run it exclusively, or two processes that start at once make one each."""
    search = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: SELF_TEST_KEY}
    found = list(session.raw.get_objects(search))
    if len(found) == 1:
        return TokenKey(SELF_TEST_KEY, KeyAlgorithm.ES256, mechanisms.public_key(found[0], KeyAlgorithm.ES256))
    _remove(session, SELF_TEST_KEY)
    return _generate(session, SELF_TEST_KEY, KeyAlgorithm.ES256, 0)


def _prepare(session: Session) -> None:
    """The keys that a token has but once."""
    try:
        _wrapping_key(session)
        _self_test_key(session)
    except exceptions.MechanismInvalid:
        pass  # A token may lack what these take and hold keys of other kinds; who needs them is told so.


def _found_wrapping_keys(session: Session) -> list[Any]:
    return list(session.raw.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: WRAPPING_KEY}))


def _wrapping_key(session: Session) -> Any:
    if found := _found_wrapping_keys(session):
        return found[0]
    return session.raw.generate_key(
        KeyType.AES,
        256,
        label=WRAPPING_KEY,
        store=True,
        template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.ENCRYPT: True,
            Attribute.DECRYPT: True,
            Attribute.WRAP: False,
            Attribute.UNWRAP: False,
            Attribute.SIGN: False,
            Attribute.VERIFY: False,
        },
    )


def _one(session: Session, kind: ObjectClass, label: str) -> Any:
    found = list(session.raw.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label}))
    if not found:
        raise Unseen(label)
    if len(found) > 1:
        raise FailedPrecondition(
            Reason.KEY_NOT_USABLE, f"the token has {len(found)} keys labelled {label}, expected one; see its backup"
        )
    return found[0]


def _remove(session: Session, label: str) -> None:
    session.handles.pop(label, None)
    for found in list(session.raw.get_objects({Attribute.LABEL: label})):
        found.destroy()
