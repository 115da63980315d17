import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignatureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNATURE_FORMAT_UNSPECIFIED: _ClassVar[SignatureFormat]
    SIGNATURE_FORMAT_RAW: _ClassVar[SignatureFormat]
    SIGNATURE_FORMAT_DER: _ClassVar[SignatureFormat]

class InputKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_KIND_UNSPECIFIED: _ClassVar[InputKind]
    INPUT_KIND_MESSAGE: _ClassVar[InputKind]
    INPUT_KIND_DIGEST: _ClassVar[InputKind]

class PublicKeyFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PUBLIC_KEY_FORMAT_UNSPECIFIED: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_JWK: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_SPKI_PEM: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_SPKI_DER: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_MULTIKEY: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_PRIVACY_PASS: _ClassVar[PublicKeyFormat]
    PUBLIC_KEY_FORMAT_RAW: _ClassVar[PublicKeyFormat]
SIGNATURE_FORMAT_UNSPECIFIED: SignatureFormat
SIGNATURE_FORMAT_RAW: SignatureFormat
SIGNATURE_FORMAT_DER: SignatureFormat
INPUT_KIND_UNSPECIFIED: InputKind
INPUT_KIND_MESSAGE: InputKind
INPUT_KIND_DIGEST: InputKind
PUBLIC_KEY_FORMAT_UNSPECIFIED: PublicKeyFormat
PUBLIC_KEY_FORMAT_JWK: PublicKeyFormat
PUBLIC_KEY_FORMAT_SPKI_PEM: PublicKeyFormat
PUBLIC_KEY_FORMAT_SPKI_DER: PublicKeyFormat
PUBLIC_KEY_FORMAT_MULTIKEY: PublicKeyFormat
PUBLIC_KEY_FORMAT_PRIVACY_PASS: PublicKeyFormat
PUBLIC_KEY_FORMAT_RAW: PublicKeyFormat

class KeySlot(_message.Message):
    __slots__ = ("issuer_type", "issuer_cohort", "slot", "window")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    issuer_cohort: int
    slot: int
    window: _interval_pb2.Interval
    def __init__(self, issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ..., slot: _Optional[int] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ...) -> None: ...

class IssuerRef(_message.Message):
    __slots__ = ("issuer_type", "issuer_cohort")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    issuer_cohort: int
    def __init__(self, issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("id", "tenant", "algorithm", "purpose", "protection", "state", "disabled", "slot", "labels", "public_key", "create_time", "destroy_time", "version", "token_key_id")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESTROY_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    tenant: str
    algorithm: _keys_pb2.KeyAlgorithm
    purpose: _keys_pb2.KeyPurpose
    protection: _keys_pb2.Protection
    state: _keys_pb2.KeyState
    disabled: bool
    slot: KeySlot
    labels: _containers.ScalarMap[str, str]
    public_key: bytes
    create_time: _timestamp_pb2.Timestamp
    destroy_time: _timestamp_pb2.Timestamp
    version: int
    token_key_id: bytes
    def __init__(self, id: _Optional[str] = ..., tenant: _Optional[str] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., protection: _Optional[_Union[_keys_pb2.Protection, str]] = ..., state: _Optional[_Union[_keys_pb2.KeyState, str]] = ..., disabled: _Optional[bool] = ..., slot: _Optional[_Union[KeySlot, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., public_key: _Optional[bytes] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., destroy_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., token_key_id: _Optional[bytes] = ...) -> None: ...
