from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class KeyAlgorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_ALGORITHM_UNSPECIFIED: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_ES256: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_ES384: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_EDDSA: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_PS256: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_RS256: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_RSABSSA_RANDOMIZED: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_RSABSSA_DETERMINISTIC: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_VOPRF_RISTRETTO255: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_VOPRF_P384: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_CBP_RISTRETTO255: _ClassVar[KeyAlgorithm]

class KeyPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_PURPOSE_UNSPECIFIED: _ClassVar[KeyPurpose]
    KEY_PURPOSE_ASSERTION: _ClassVar[KeyPurpose]
    KEY_PURPOSE_TRANSACTION: _ClassVar[KeyPurpose]
    KEY_PURPOSE_TOKEN: _ClassVar[KeyPurpose]
    KEY_PURPOSE_BLIND_SIGNATURE: _ClassVar[KeyPurpose]

class Protection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROTECTION_UNSPECIFIED: _ClassVar[Protection]
    PROTECTION_HSM: _ClassVar[Protection]
    PROTECTION_WRAPPED: _ClassVar[Protection]

class KeyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_STATE_UNSPECIFIED: _ClassVar[KeyState]
    KEY_STATE_PENDING: _ClassVar[KeyState]
    KEY_STATE_PUBLISHED: _ClassVar[KeyState]
    KEY_STATE_ACTIVE: _ClassVar[KeyState]
    KEY_STATE_VERIFY_ONLY: _ClassVar[KeyState]
    KEY_STATE_DESTROY_SCHEDULED: _ClassVar[KeyState]
    KEY_STATE_DESTROYED: _ClassVar[KeyState]
    KEY_STATE_COMPROMISED: _ClassVar[KeyState]
KEY_ALGORITHM_UNSPECIFIED: KeyAlgorithm
KEY_ALGORITHM_ES256: KeyAlgorithm
KEY_ALGORITHM_ES384: KeyAlgorithm
KEY_ALGORITHM_EDDSA: KeyAlgorithm
KEY_ALGORITHM_PS256: KeyAlgorithm
KEY_ALGORITHM_RS256: KeyAlgorithm
KEY_ALGORITHM_RSABSSA_RANDOMIZED: KeyAlgorithm
KEY_ALGORITHM_RSABSSA_DETERMINISTIC: KeyAlgorithm
KEY_ALGORITHM_VOPRF_RISTRETTO255: KeyAlgorithm
KEY_ALGORITHM_VOPRF_P384: KeyAlgorithm
KEY_ALGORITHM_CBP_RISTRETTO255: KeyAlgorithm
KEY_PURPOSE_UNSPECIFIED: KeyPurpose
KEY_PURPOSE_ASSERTION: KeyPurpose
KEY_PURPOSE_TRANSACTION: KeyPurpose
KEY_PURPOSE_TOKEN: KeyPurpose
KEY_PURPOSE_BLIND_SIGNATURE: KeyPurpose
PROTECTION_UNSPECIFIED: Protection
PROTECTION_HSM: Protection
PROTECTION_WRAPPED: Protection
KEY_STATE_UNSPECIFIED: KeyState
KEY_STATE_PENDING: KeyState
KEY_STATE_PUBLISHED: KeyState
KEY_STATE_ACTIVE: KeyState
KEY_STATE_VERIFY_ONLY: KeyState
KEY_STATE_DESTROY_SCHEDULED: KeyState
KEY_STATE_DESTROYED: KeyState
KEY_STATE_COMPROMISED: KeyState
