import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from sealwright.rotator.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DirectoryFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTORY_FORMAT_UNSPECIFIED: _ClassVar[DirectoryFormat]
    DIRECTORY_FORMAT_PRIVATE_TOKEN: _ClassVar[DirectoryFormat]
    DIRECTORY_FORMAT_JWKS: _ClassVar[DirectoryFormat]
DIRECTORY_FORMAT_UNSPECIFIED: DirectoryFormat
DIRECTORY_FORMAT_PRIVATE_TOKEN: DirectoryFormat
DIRECTORY_FORMAT_JWKS: DirectoryFormat

class CreateIssuerRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type", "cohorts", "max_tokens", "schedule", "algorithm", "purpose", "protection", "verify_duration", "destroy_delay_duration", "allow_legacy_protocol")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
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
    request_id: str
    issuer_type: str
    cohorts: _containers.RepeatedScalarFieldContainer[int]
    max_tokens: int
    schedule: _resources_pb2.Schedule
    algorithm: _keys_pb2.KeyAlgorithm
    purpose: _keys_pb2.KeyPurpose
    protection: _keys_pb2.Protection
    verify_duration: _duration_pb2.Duration
    destroy_delay_duration: _duration_pb2.Duration
    allow_legacy_protocol: bool
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ..., cohorts: _Optional[_Iterable[int]] = ..., max_tokens: _Optional[int] = ..., schedule: _Optional[_Union[_resources_pb2.Schedule, _Mapping]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., protection: _Optional[_Union[_keys_pb2.Protection, str]] = ..., verify_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., destroy_delay_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., allow_legacy_protocol: _Optional[bool] = ...) -> None: ...

class CreateIssuerResponse(_message.Message):
    __slots__ = ("issuer", "keys")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuerKey]
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ..., keys: _Optional[_Iterable[_Union[_resources_pb2.IssuerKey, _Mapping]]] = ...) -> None: ...

class GetIssuerRequest(_message.Message):
    __slots__ = ("issuer_type",)
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    def __init__(self, issuer_type: _Optional[str] = ...) -> None: ...

class GetIssuerResponse(_message.Message):
    __slots__ = ("issuer",)
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class ListIssuersRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "purpose")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _resources_pb2.IssuerState
    purpose: _keys_pb2.KeyPurpose
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_resources_pb2.IssuerState, str]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ...) -> None: ...

class ListIssuersResponse(_message.Message):
    __slots__ = ("issuers", "next_page_token")
    ISSUERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    issuers: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Issuer]
    next_page_token: str
    def __init__(self, issuers: _Optional[_Iterable[_Union[_resources_pb2.Issuer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PauseIssuerRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ...) -> None: ...

class PauseIssuerResponse(_message.Message):
    __slots__ = ("issuer",)
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class ResumeIssuerRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ...) -> None: ...

class ResumeIssuerResponse(_message.Message):
    __slots__ = ("issuer",)
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class RetireIssuerRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ...) -> None: ...

class RetireIssuerResponse(_message.Message):
    __slots__ = ("issuer",)
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class ExpireIssuerRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ...) -> None: ...

class ExpireIssuerResponse(_message.Message):
    __slots__ = ("issuer",)
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class PreviewScheduleRequest(_message.Message):
    __slots__ = ("issuer_type", "schedule", "span", "page_size", "page_token")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    schedule: _resources_pb2.Schedule
    span: _interval_pb2.Interval
    page_size: int
    page_token: str
    def __init__(self, issuer_type: _Optional[str] = ..., schedule: _Optional[_Union[_resources_pb2.Schedule, _Mapping]] = ..., span: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class PreviewScheduleResponse(_message.Message):
    __slots__ = ("schedule", "slots", "next_page_token", "modulus", "active")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MODULUS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    schedule: _resources_pb2.Schedule
    slots: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Slot]
    next_page_token: str
    modulus: int
    active: int
    def __init__(self, schedule: _Optional[_Union[_resources_pb2.Schedule, _Mapping]] = ..., slots: _Optional[_Iterable[_Union[_resources_pb2.Slot, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., modulus: _Optional[int] = ..., active: _Optional[int] = ...) -> None: ...

class RotateNowRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type", "cohort", "slot")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    cohort: int
    slot: int
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ..., cohort: _Optional[int] = ..., slot: _Optional[int] = ...) -> None: ...

class RotateNowResponse(_message.Message):
    __slots__ = ("key", "rotated")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ROTATED_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    rotated: bool
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., rotated: _Optional[bool] = ...) -> None: ...

class MarkCompromisedRequest(_message.Message):
    __slots__ = ("request_id", "issuer_type", "cohort", "slot", "comment")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer_type: str
    cohort: int
    slot: int
    comment: str
    def __init__(self, request_id: _Optional[str] = ..., issuer_type: _Optional[str] = ..., cohort: _Optional[int] = ..., slot: _Optional[int] = ..., comment: _Optional[str] = ...) -> None: ...

class MarkCompromisedResponse(_message.Message):
    __slots__ = ("key", "successor")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    successor: _resources_pb2.IssuerKey
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., successor: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ...) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ("issuer_type", "states", "page_size", "page_token", "all_tenants")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ALL_TENANTS_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    states: _containers.RepeatedScalarFieldContainer[_keys_pb2.KeyState]
    page_size: int
    page_token: str
    all_tenants: bool
    def __init__(self, issuer_type: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_keys_pb2.KeyState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., all_tenants: _Optional[bool] = ...) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("keys", "issuers", "next_page_token", "position")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    ISSUERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuerKey]
    issuers: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Issuer]
    next_page_token: str
    position: int
    def __init__(self, keys: _Optional[_Iterable[_Union[_resources_pb2.IssuerKey, _Mapping]]] = ..., issuers: _Optional[_Iterable[_Union[_resources_pb2.Issuer, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...

class GetActiveKeysRequest(_message.Message):
    __slots__ = ("issuer_type", "cohort", "at_time")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    COHORT_FIELD_NUMBER: _ClassVar[int]
    AT_TIME_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    cohort: int
    at_time: _timestamp_pb2.Timestamp
    def __init__(self, issuer_type: _Optional[str] = ..., cohort: _Optional[int] = ..., at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetActiveKeysResponse(_message.Message):
    __slots__ = ("keys", "signing_keys")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuerKey]
    signing_keys: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuerKey]
    def __init__(self, keys: _Optional[_Iterable[_Union[_resources_pb2.IssuerKey, _Mapping]]] = ..., signing_keys: _Optional[_Iterable[_Union[_resources_pb2.IssuerKey, _Mapping]]] = ...) -> None: ...

class WatchKeysRequest(_message.Message):
    __slots__ = ("from_position", "issuer_types", "all_tenants")
    FROM_POSITION_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPES_FIELD_NUMBER: _ClassVar[int]
    ALL_TENANTS_FIELD_NUMBER: _ClassVar[int]
    from_position: int
    issuer_types: _containers.RepeatedScalarFieldContainer[str]
    all_tenants: bool
    def __init__(self, from_position: _Optional[int] = ..., issuer_types: _Optional[_Iterable[str]] = ..., all_tenants: _Optional[bool] = ...) -> None: ...

class WatchKeysResponse(_message.Message):
    __slots__ = ("changes", "next_position")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_POSITION_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[KeyChange]
    next_position: int
    def __init__(self, changes: _Optional[_Iterable[_Union[KeyChange, _Mapping]]] = ..., next_position: _Optional[int] = ...) -> None: ...

class KeyChange(_message.Message):
    __slots__ = ("position", "type", "key", "issuer")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    position: int
    type: _resources_pb2.KeyLogEntryType
    key: _resources_pb2.IssuerKey
    issuer: _resources_pb2.Issuer
    def __init__(self, position: _Optional[int] = ..., type: _Optional[_Union[_resources_pb2.KeyLogEntryType, str]] = ..., key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ...) -> None: ...

class GetDirectoryRequest(_message.Message):
    __slots__ = ("format", "issuer_type", "if_none_match")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    IF_NONE_MATCH_FIELD_NUMBER: _ClassVar[int]
    format: DirectoryFormat
    issuer_type: str
    if_none_match: str
    def __init__(self, format: _Optional[_Union[DirectoryFormat, str]] = ..., issuer_type: _Optional[str] = ..., if_none_match: _Optional[str] = ...) -> None: ...

class GetDirectoryResponse(_message.Message):
    __slots__ = ("etag", "media_type", "document", "jws", "max_age_duration", "not_modified")
    ETAG_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    JWS_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_DURATION_FIELD_NUMBER: _ClassVar[int]
    NOT_MODIFIED_FIELD_NUMBER: _ClassVar[int]
    etag: str
    media_type: str
    document: bytes
    jws: str
    max_age_duration: _duration_pb2.Duration
    not_modified: bool
    def __init__(self, etag: _Optional[str] = ..., media_type: _Optional[str] = ..., document: _Optional[bytes] = ..., jws: _Optional[str] = ..., max_age_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., not_modified: _Optional[bool] = ...) -> None: ...

class GetKeyLogHeadRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKeyLogHeadResponse(_message.Message):
    __slots__ = ("head",)
    HEAD_FIELD_NUMBER: _ClassVar[int]
    head: _resources_pb2.KeyLogHead
    def __init__(self, head: _Optional[_Union[_resources_pb2.KeyLogHead, _Mapping]] = ...) -> None: ...

class ListKeyLogEntriesRequest(_message.Message):
    __slots__ = ("from_position", "page_size")
    FROM_POSITION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    from_position: int
    page_size: int
    def __init__(self, from_position: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListKeyLogEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_position")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_POSITION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_resources_pb2.KeyLogEntry]
    next_position: int
    def __init__(self, entries: _Optional[_Iterable[_Union[_resources_pb2.KeyLogEntry, _Mapping]]] = ..., next_position: _Optional[int] = ...) -> None: ...

class GetInclusionProofRequest(_message.Message):
    __slots__ = ("position", "size")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    position: int
    size: int
    def __init__(self, position: _Optional[int] = ..., size: _Optional[int] = ...) -> None: ...

class GetInclusionProofResponse(_message.Message):
    __slots__ = ("position", "size", "leaf_hash", "path", "root_hash")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    LEAF_HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    position: int
    size: int
    leaf_hash: bytes
    path: _containers.RepeatedScalarFieldContainer[bytes]
    root_hash: bytes
    def __init__(self, position: _Optional[int] = ..., size: _Optional[int] = ..., leaf_hash: _Optional[bytes] = ..., path: _Optional[_Iterable[bytes]] = ..., root_hash: _Optional[bytes] = ...) -> None: ...

class GetConsistencyProofRequest(_message.Message):
    __slots__ = ("from_size", "to_size")
    FROM_SIZE_FIELD_NUMBER: _ClassVar[int]
    TO_SIZE_FIELD_NUMBER: _ClassVar[int]
    from_size: int
    to_size: int
    def __init__(self, from_size: _Optional[int] = ..., to_size: _Optional[int] = ...) -> None: ...

class GetConsistencyProofResponse(_message.Message):
    __slots__ = ("from_size", "to_size", "from_root_hash", "to_root_hash", "path")
    FROM_SIZE_FIELD_NUMBER: _ClassVar[int]
    TO_SIZE_FIELD_NUMBER: _ClassVar[int]
    FROM_ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    TO_ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    from_size: int
    to_size: int
    from_root_hash: bytes
    to_root_hash: bytes
    path: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, from_size: _Optional[int] = ..., to_size: _Optional[int] = ..., from_root_hash: _Optional[bytes] = ..., to_root_hash: _Optional[bytes] = ..., path: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ListAuditHeadsRequest(_message.Message):
    __slots__ = ("service", "page_size", "page_token")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service: str
    page_size: int
    page_token: str
    def __init__(self, service: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAuditHeadsResponse(_message.Message):
    __slots__ = ("heads", "next_page_token")
    HEADS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    heads: _containers.RepeatedCompositeFieldContainer[_resources_pb2.AuditHead]
    next_page_token: str
    def __init__(self, heads: _Optional[_Iterable[_Union[_resources_pb2.AuditHead, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
