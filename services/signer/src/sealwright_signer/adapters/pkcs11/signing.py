"""A signature is two calls of the module, C_SignInit and C_Sign.

python-pkcs11 makes three, since it asks for the length first. Each gives up the interpreter's lock and then waits for
it again while the event loop has it, which costs more than many a signature.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from sealwright_signer.adapters.pkcs11.mechanisms import HowTo

_CKR_OK = 0
_LONGEST = 2048
"""Bytes of a signature, more than any key's."""
_HANDLE = ctypes.c_ulong


class _Mechanism(ctypes.Structure):
    _fields_ = (("mechanism", ctypes.c_ulong), ("parameter", ctypes.c_void_p), ("length", ctypes.c_ulong))


class _Pss(ctypes.Structure):
    _fields_ = (("hash", ctypes.c_ulong), ("mgf", ctypes.c_ulong), ("salt", ctypes.c_ulong))


class SignFunctions:
    """The two functions of a loaded module."""

    def __init__(self, shared: ctypes.CDLL) -> None:
        self._init, self._sign = shared.C_SignInit, shared.C_Sign
        self._init.argtypes = (_HANDLE, ctypes.c_void_p, _HANDLE)
        self._sign.argtypes = (_HANDLE, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)
        self._init.restype = self._sign.restype = ctypes.c_ulong

    def signer(self, session: Any, key: Any, how: HowTo) -> Callable[[bytes], bytes]:
        """Signs with a key in its session, for one thread. Raises pkcs11.PKCS11Error."""
        init, sign, session_handle, key_handle = self._init, self._sign, session.handle, key.handle
        mechanism = ctypes.byref(_mechanism(how))
        signature, length = ctypes.create_string_buffer(_LONGEST), ctypes.c_ulong()
        length_at = ctypes.byref(length)

        def work(data: bytes) -> bytes:
            length.value = _LONGEST
            if (
                init(session_handle, mechanism, key_handle) == _CKR_OK
                and sign(session_handle, data, len(data), signature, length_at) == _CKR_OK
            ):
                return ctypes.string_at(signature, length.value)
            # The library asks once more: it knows what the codes mean.
            return key.sign(data, mechanism=how.signing, mechanism_param=how.parameter)

        return work


@cache
def _mechanism(how: HowTo) -> _Mechanism:
    if how.parameter is None:
        return _Mechanism(int(how.signing), None, 0)
    parameter = _Pss(*(int(value) for value in how.parameter))
    mechanism = _Mechanism(int(how.signing), ctypes.addressof(parameter), ctypes.sizeof(parameter))
    mechanism.kept = parameter  # pyright: ignore[reportAttributeAccessIssue] - the address alone would not keep it
    return mechanism
