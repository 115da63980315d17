import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.stamp.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecipientCreated(_message.Message):
    __slots__ = ("recipient_id", "create_time")
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    recipient_id: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, recipient_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CertificateChange(_message.Message):
    __slots__ = ("registry", "certificate_id", "version", "state", "transaction_id", "reason")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    registry: str
    certificate_id: str
    version: int
    state: _resources_pb2.CertificateState
    transaction_id: str
    reason: str
    def __init__(self, registry: _Optional[str] = ..., certificate_id: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[_resources_pb2.CertificateState, str]] = ..., transaction_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CertificateStored(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateSentToRegistry(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateIssuedInRegistry(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateMarkedAsIssued(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateFailedInRegistry(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateStuck(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateResumed(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class SliceDelivered(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class SliceUndeliverable(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class SliceRedeliveryRequested(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateWithdrawalRequested(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateWithdrawn(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class CertificateWithdrawalFailed(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[CertificateChange]
    def __init__(self, certificates: _Optional[_Iterable[_Union[CertificateChange, _Mapping]]] = ...) -> None: ...

class AuditHeadTaken(_message.Message):
    __slots__ = ("seq", "hash", "time")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hash: bytes
    time: _timestamp_pb2.Timestamp
    def __init__(self, seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
