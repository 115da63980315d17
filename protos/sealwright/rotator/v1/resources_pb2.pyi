import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScheduleMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHEDULE_MODE_UNSPECIFIED: _ClassVar[ScheduleMode]
    SCHEDULE_MODE_WINDOW: _ClassVar[ScheduleMode]
    SCHEDULE_MODE_SPARE: _ClassVar[ScheduleMode]

class IssuerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISSUER_STATE_UNSPECIFIED: _ClassVar[IssuerState]
    ISSUER_STATE_ACTIVE: _ClassVar[IssuerState]
    ISSUER_STATE_PAUSED: _ClassVar[IssuerState]
    ISSUER_STATE_RETIRED: _ClassVar[IssuerState]
    ISSUER_STATE_EXPIRED: _ClassVar[IssuerState]

class KeyLogEntryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_LOG_ENTRY_TYPE_UNSPECIFIED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_ISSUER_CREATED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_ISSUER_CHANGED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_SCHEDULED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_PUBLISHED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_ACTIVATED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_RETIRED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_COMPROMISED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_DESTRUCTION_SCHEDULED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_DESTRUCTION_CANCELLED: _ClassVar[KeyLogEntryType]
    KEY_LOG_ENTRY_TYPE_KEY_DESTROYED: _ClassVar[KeyLogEntryType]
SCHEDULE_MODE_UNSPECIFIED: ScheduleMode
SCHEDULE_MODE_WINDOW: ScheduleMode
SCHEDULE_MODE_SPARE: ScheduleMode
ISSUER_STATE_UNSPECIFIED: IssuerState
ISSUER_STATE_ACTIVE: IssuerState
ISSUER_STATE_PAUSED: IssuerState
ISSUER_STATE_RETIRED: IssuerState
ISSUER_STATE_EXPIRED: IssuerState
KEY_LOG_ENTRY_TYPE_UNSPECIFIED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_ISSUER_CREATED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_ISSUER_CHANGED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_SCHEDULED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_PUBLISHED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_ACTIVATED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_RETIRED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_COMPROMISED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_DESTRUCTION_SCHEDULED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_DESTRUCTION_CANCELLED: KeyLogEntryType
KEY_LOG_ENTRY_TYPE_KEY_DESTROYED: KeyLogEntryType

class Schedule(_message.Message):
    __slots__ = ("valid_from_time", "duration", "buffer", "overlap", "mode", "expire_time", "publish_lead_duration")
    VALID_FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    BUFFER_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_LEAD_DURATION_FIELD_NUMBER: _ClassVar[int]
    valid_from_time: _timestamp_pb2.Timestamp
    duration: str
    buffer: int
    overlap: int
    mode: ScheduleMode
    expire_time: _timestamp_pb2.Timestamp
    publish_lead_duration: _duration_pb2.Duration
    def __init__(self, valid_from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[str] = ..., buffer: _Optional[int] = ..., overlap: _Optional[int] = ..., mode: _Optional[_Union[ScheduleMode, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., publish_lead_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Issuer(_message.Message):
    __slots__ = ("id", "tenant", "issuer_type", "cohorts", "max_tokens", "schedule", "algorithm", "purpose", "protection", "verify_duration", "destroy_delay_duration", "allow_legacy_protocol", "state", "version", "create_time", "last_rotate_time", "modulus")
    ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    COHORTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    VERIFY_DURATION_FIELD_NUMBER: _ClassVar[int]
    DESTROY_DELAY_DURATION_FIELD_NUMBER: _ClassVar[int]
    ALLOW_LEGACY_PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ROTATE_TIME_FIELD_NUMBER: _ClassVar[int]
    MODULUS_FIELD_NUMBER: _ClassVar[int]
    id: str
    tenant: str
    issuer_type: str
    cohorts: _containers.RepeatedScalarFieldContainer[int]
    max_tokens: int
    schedule: Schedule
    algorithm: _keys_pb2.KeyAlgorithm
    purpose: _keys_pb2.KeyPurpose
    protection: _keys_pb2.Protection
    verify_duration: _duration_pb2.Duration
    destroy_delay_duration: _duration_pb2.Duration
    allow_legacy_protocol: bool
    state: IssuerState
    version: int
    create_time: _timestamp_pb2.Timestamp
    last_rotate_time: _timestamp_pb2.Timestamp
    modulus: int
    def __init__(self, id: _Optional[str] = ..., tenant: _Optional[str] = ..., issuer_type: _Optional[str] = ..., cohorts: _Optional[_Iterable[int]] = ..., max_tokens: _Optional[int] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., protection: _Optional[_Union[_keys_pb2.Protection, str]] = ..., verify_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., destroy_delay_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., allow_legacy_protocol: _Optional[bool] = ..., state: _Optional[_Union[IssuerState, str]] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_rotate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., modulus: _Optional[int] = ...) -> None: ...

class IssuerKey(_message.Message):
    __slots__ = ("id", "key_id", "tenant", "issuer_id", "issuer_type", "cohort", "slot", "window", "state", "public_key", "algorithm", "purpose", "protection", "version", "publish_time", "activate_time", "retire_time", "compromise_time", "verify_until_time", "destroy_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RETIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMPROMISE_TIME_FIELD_NUMBER: _ClassVar[int]
    VERIFY_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    DESTROY_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    key_id: str
    tenant: str
    issuer_id: str
    issuer_type: str
    cohort: int
    slot: int
    window: _interval_pb2.Interval
    state: _keys_pb2.KeyState
    public_key: bytes
    algorithm: _keys_pb2.KeyAlgorithm
    purpose: _keys_pb2.KeyPurpose
    protection: _keys_pb2.Protection
    version: int
    publish_time: _timestamp_pb2.Timestamp
    activate_time: _timestamp_pb2.Timestamp
    retire_time: _timestamp_pb2.Timestamp
    compromise_time: _timestamp_pb2.Timestamp
    verify_until_time: _timestamp_pb2.Timestamp
    destroy_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., key_id: _Optional[str] = ..., tenant: _Optional[str] = ..., issuer_id: _Optional[str] = ..., issuer_type: _Optional[str] = ..., cohort: _Optional[int] = ..., slot: _Optional[int] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., state: _Optional[_Union[_keys_pb2.KeyState, str]] = ..., public_key: _Optional[bytes] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., protection: _Optional[_Union[_keys_pb2.Protection, str]] = ..., version: _Optional[int] = ..., publish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., compromise_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verify_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., destroy_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Slot(_message.Message):
    __slots__ = ("slot", "window", "due_time")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    slot: int
    window: _interval_pb2.Interval
    due_time: _timestamp_pb2.Timestamp
    def __init__(self, slot: _Optional[int] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class KeyLogEntry(_message.Message):
    __slots__ = ("position", "type", "time", "leaf", "leaf_hash")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    LEAF_HASH_FIELD_NUMBER: _ClassVar[int]
    position: int
    type: KeyLogEntryType
    time: _timestamp_pb2.Timestamp
    leaf: bytes
    leaf_hash: bytes
    def __init__(self, position: _Optional[int] = ..., type: _Optional[_Union[KeyLogEntryType, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., leaf: _Optional[bytes] = ..., leaf_hash: _Optional[bytes] = ...) -> None: ...

class KeyLogHead(_message.Message):
    __slots__ = ("size", "root_hash", "time", "jws")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    JWS_FIELD_NUMBER: _ClassVar[int]
    size: int
    root_hash: bytes
    time: _timestamp_pb2.Timestamp
    jws: str
    def __init__(self, size: _Optional[int] = ..., root_hash: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., jws: _Optional[str] = ...) -> None: ...

class AuditHead(_message.Message):
    __slots__ = ("service", "seq", "hash", "time", "jws")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    JWS_FIELD_NUMBER: _ClassVar[int]
    service: str
    seq: int
    hash: bytes
    time: _timestamp_pb2.Timestamp
    jws: str
    def __init__(self, service: _Optional[str] = ..., seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., jws: _Optional[str] = ...) -> None: ...
