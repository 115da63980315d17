"""Loading a PKCS#11 module so that threads may use it, and what its errors mean.

python-pkcs11 calls ``C_Initialize(NULL)``, which tells a module that the process has one thread; SoftHSM2 then switches
its mutexes off and two signing threads crash it. :class:`Module` initialises with CKF_OS_LOCKING_OK instead.
"""

from __future__ import annotations

import ctypes
from enum import Enum
from struct import Struct
from typing import Any

import pkcs11
from pkcs11 import _pkcs11, exceptions
from pkcs11.attributes import AttributeMapper
from sealwright_common.domain.errors import Reason, Unavailable

from sealwright_signer.adapters.pkcs11.signing import SignFunctions

_CKF_OS_LOCKING_OK = 2
_CKR_OK = 0
_CKR_CRYPTOKI_NOT_INITIALIZED = 0x190
_CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191
_ULONG = Struct("L")


class Trouble(Enum):
    """What a PKCS#11 error asks for."""

    SESSION = "open new sessions, look keys up again, try once more"
    DEVICE = "finalise and initialise the module, then as SESSION"
    CREDENTIALS = "stop: never try this PIN again"
    REQUEST = "stop: the token refuses what it was asked for"


_SESSION = (
    exceptions.SessionHandleInvalid,
    exceptions.SessionClosed,
    exceptions.ObjectHandleInvalid,
    exceptions.KeyHandleInvalid,
    exceptions.UserNotLoggedIn,
    exceptions.OperationActive,
    exceptions.OperationNotInitialized,
    exceptions.NoSuchKey,
)
_DEVICE = (
    exceptions.DeviceError,
    exceptions.DeviceRemoved,
    exceptions.DeviceMemory,
    exceptions.TokenNotPresent,
    exceptions.TokenNotRecognised,
    exceptions.NoSuchToken,
    exceptions.SlotIDInvalid,
    exceptions.GeneralError,
    exceptions.FunctionFailed,
    exceptions.HostMemory,
    exceptions.SessionCount,
)
_CREDENTIALS = (
    exceptions.PinIncorrect,
    exceptions.PinInvalid,
    exceptions.PinLenRange,
    exceptions.PinExpired,
    exceptions.PinLocked,
    exceptions.UserPinNotInitialized,
)


def trouble(error: exceptions.PKCS11Error) -> Trouble:
    """What to do about ``error``. A bare PKCS11Error is a code without a class, such as "not initialised"."""
    if isinstance(error, _CREDENTIALS):
        return Trouble.CREDENTIALS
    if isinstance(error, _SESSION):
        return Trouble.SESSION
    if isinstance(error, _DEVICE) or type(error) is exceptions.PKCS11Error:
        return Trouble.DEVICE
    return Trouble.REQUEST


class _InitializeArgs(ctypes.Structure):
    _fields_ = (
        ("CreateMutex", ctypes.c_void_p),
        ("DestroyMutex", ctypes.c_void_p),
        ("LockMutex", ctypes.c_void_p),
        ("UnlockMutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("pReserved", ctypes.c_void_p),
    )


class Module:
    """One PKCS#11 module of this process: initialised for threads, and able to be started over."""

    def __init__(self, path: str) -> None:
        """Loads and initialises the module at ``path``.

        Raises Unavailable TOKEN_UNAVAILABLE if there is no such module, pkcs11.PKCS11Error if it does not initialise.
        """
        self.path = path
        try:
            self._shared = ctypes.CDLL(path)
        except OSError as error:
            raise Unavailable(
                Reason.TOKEN_UNAVAILABLE, f"{path} is no PKCS#11 module ({error}); set pkcs11.module to its path"
            ) from error
        self.functions = SignFunctions(self._shared)
        self._initialize()
        self._library: Any = _Initialized(path)

    def token(self, label: str) -> Any:
        """The token called ``label``. Raises NoSuchToken, or another PKCS11Error."""
        return self._library.get_token(token_label=label)

    def start_over(self) -> None:
        """Finalises and initialises the module: every session and handle of this process is void afterwards.

        No other thread may be inside the module. Raises PKCS11Error if the module refuses.
        """
        self.finish()
        self._initialize()

    def finish(self) -> None:
        """Finalises the module. No other thread may be inside it."""
        code = self._shared.C_Finalize(None)
        if code not in (_CKR_OK, _CKR_CRYPTOKI_NOT_INITIALIZED):
            raise exceptions.PKCS11Error(f"C_Finalize answered 0x{code:x}")

    def _initialize(self) -> None:
        code = self._shared.C_Initialize(ctypes.byref(_InitializeArgs(flags=_CKF_OS_LOCKING_OK)))
        if code not in (_CKR_OK, _CKR_CRYPTOKI_ALREADY_INITIALIZED):
            raise exceptions.PKCS11Error(f"C_Initialize answered 0x{code:x}")


class _Initialized(_pkcs11.lib):  # type: ignore[misc]
    """The library over a module that :class:`Module` has initialised already."""

    def initialize(self) -> None:
        """Nothing: the module is initialised, with locking."""


def attribute_mapper() -> AttributeMapper:
    """The library's attribute mapper, with CKA_ALLOWED_MECHANISMS, which it does not know by itself."""
    mapper = AttributeMapper()
    mapper.register_handler(
        pkcs11.Attribute.ALLOWED_MECHANISMS,
        lambda mechanisms: b"".join(_ULONG.pack(int(mechanism)) for mechanism in mechanisms),
        lambda packed: [code for (code,) in _ULONG.iter_unpack(packed)],
    )
    return mapper
