import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from sealwright.signer.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeySpec(_message.Message):
    __slots__ = ("algorithm", "purpose", "protection", "labels", "slot", "state", "rsa_bits")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RSA_BITS_FIELD_NUMBER: _ClassVar[int]
    algorithm: _keys_pb2.KeyAlgorithm
    purpose: _keys_pb2.KeyPurpose
    protection: _keys_pb2.Protection
    labels: _containers.ScalarMap[str, str]
    slot: _resources_pb2.KeySlot
    state: _keys_pb2.KeyState
    rsa_bits: int
    def __init__(self, algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., protection: _Optional[_Union[_keys_pb2.Protection, str]] = ..., labels: _Optional[_Mapping[str, str]] = ..., slot: _Optional[_Union[_resources_pb2.KeySlot, _Mapping]] = ..., state: _Optional[_Union[_keys_pb2.KeyState, str]] = ..., rsa_bits: _Optional[int] = ...) -> None: ...

class CreateKeysRequest(_message.Message):
    __slots__ = ("request_id", "keys")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    keys: _containers.RepeatedCompositeFieldContainer[KeySpec]
    def __init__(self, request_id: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[KeySpec, _Mapping]]] = ...) -> None: ...

class CreateKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Key]
    def __init__(self, keys: _Optional[_Iterable[_Union[_resources_pb2.Key, _Mapping]]] = ...) -> None: ...

class GetKeyRequest(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    def __init__(self, key_id: _Optional[str] = ...) -> None: ...

class GetKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "purpose", "state", "algorithm", "issuer_type", "issuer_cohort")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    purpose: _keys_pb2.KeyPurpose
    state: _keys_pb2.KeyState
    algorithm: _keys_pb2.KeyAlgorithm
    issuer_type: str
    issuer_cohort: int
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., state: _Optional[_Union[_keys_pb2.KeyState, str]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ...) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("keys", "next_page_token")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Key]
    next_page_token: str
    def __init__(self, keys: _Optional[_Iterable[_Union[_resources_pb2.Key, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetPublicKeyRequest(_message.Message):
    __slots__ = ("key_id", "format")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    format: _resources_pb2.PublicKeyFormat
    def __init__(self, key_id: _Optional[str] = ..., format: _Optional[_Union[_resources_pb2.PublicKeyFormat, str]] = ...) -> None: ...

class GetPublicKeyResponse(_message.Message):
    __slots__ = ("key_id", "public_key", "media_type")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    public_key: bytes
    media_type: str
    def __init__(self, key_id: _Optional[str] = ..., public_key: _Optional[bytes] = ..., media_type: _Optional[str] = ...) -> None: ...

class KeyStep(_message.Message):
    __slots__ = ("key_id", "state", "slot")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    state: _keys_pb2.KeyState
    slot: _resources_pb2.KeySlot
    def __init__(self, key_id: _Optional[str] = ..., state: _Optional[_Union[_keys_pb2.KeyState, str]] = ..., slot: _Optional[_Union[_resources_pb2.KeySlot, _Mapping]] = ...) -> None: ...

class ScheduleKeysRequest(_message.Message):
    __slots__ = ("request_id", "steps")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    steps: _containers.RepeatedCompositeFieldContainer[KeyStep]
    def __init__(self, request_id: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[KeyStep, _Mapping]]] = ...) -> None: ...

class ScheduleKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Key]
    def __init__(self, keys: _Optional[_Iterable[_Union[_resources_pb2.Key, _Mapping]]] = ...) -> None: ...

class DisableKeyRequest(_message.Message):
    __slots__ = ("request_id", "key_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class DisableKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class EnableKeyRequest(_message.Message):
    __slots__ = ("request_id", "key_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class EnableKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class ScheduleKeyDestructionRequest(_message.Message):
    __slots__ = ("request_id", "key_id", "delay_duration")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    DELAY_DURATION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    delay_duration: _duration_pb2.Duration
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ..., delay_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ScheduleKeyDestructionResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class CancelKeyDestructionRequest(_message.Message):
    __slots__ = ("request_id", "key_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class CancelKeyDestructionResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...

class MarkKeyCompromisedRequest(_message.Message):
    __slots__ = ("request_id", "key_id", "note")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    note: str
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class MarkKeyCompromisedResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.Key
    def __init__(self, key: _Optional[_Union[_resources_pb2.Key, _Mapping]] = ...) -> None: ...
