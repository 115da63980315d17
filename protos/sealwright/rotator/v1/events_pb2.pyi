import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.rotator.v1 import resources_pb2 as _resources_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IssuerCreated(_message.Message):
    __slots__ = ("issuer", "position")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    position: int
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class IssuerChanged(_message.Message):
    __slots__ = ("issuer", "position")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    issuer: _resources_pb2.Issuer
    position: int
    def __init__(self, issuer: _Optional[_Union[_resources_pb2.Issuer, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyScheduled(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyPublished(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyActivated(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyRetired(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyCompromised(_message.Message):
    __slots__ = ("key", "position", "comment")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    comment: str
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ..., comment: _Optional[str] = ...) -> None: ...

class KeyDestructionScheduled(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyDestructionCancelled(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class KeyDestroyed(_message.Message):
    __slots__ = ("key", "position")
    KEY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    key: _resources_pb2.IssuerKey
    position: int
    def __init__(self, key: _Optional[_Union[_resources_pb2.IssuerKey, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class RotationFailed(_message.Message):
    __slots__ = ("issuer_id", "issuer_type", "tenant", "version", "failures", "reason", "message", "retry_time")
    ISSUER_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    issuer_id: str
    issuer_type: str
    tenant: str
    version: int
    failures: int
    reason: str
    message: str
    retry_time: _timestamp_pb2.Timestamp
    def __init__(self, issuer_id: _Optional[str] = ..., issuer_type: _Optional[str] = ..., tenant: _Optional[str] = ..., version: _Optional[int] = ..., failures: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditHeadTaken(_message.Message):
    __slots__ = ("seq", "hash", "time")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hash: bytes
    time: _timestamp_pb2.Timestamp
    def __init__(self, seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditHeadSigned(_message.Message):
    __slots__ = ("head",)
    HEAD_FIELD_NUMBER: _ClassVar[int]
    head: _resources_pb2.AuditHead
    def __init__(self, head: _Optional[_Union[_resources_pb2.AuditHead, _Mapping]] = ...) -> None: ...
