import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialOfferState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_OFFER_STATE_UNSPECIFIED: _ClassVar[CredentialOfferState]
    CREDENTIAL_OFFER_STATE_PENDING: _ClassVar[CredentialOfferState]
    CREDENTIAL_OFFER_STATE_REDEEMED: _ClassVar[CredentialOfferState]
    CREDENTIAL_OFFER_STATE_LOCKED: _ClassVar[CredentialOfferState]
    CREDENTIAL_OFFER_STATE_CANCELLED: _ClassVar[CredentialOfferState]
CREDENTIAL_OFFER_STATE_UNSPECIFIED: CredentialOfferState
CREDENTIAL_OFFER_STATE_PENDING: CredentialOfferState
CREDENTIAL_OFFER_STATE_REDEEMED: CredentialOfferState
CREDENTIAL_OFFER_STATE_LOCKED: CredentialOfferState
CREDENTIAL_OFFER_STATE_CANCELLED: CredentialOfferState

class TenantStored(_message.Message):
    __slots__ = ("tenant", "did", "key_issuer")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    DID_FIELD_NUMBER: _ClassVar[int]
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    did: str
    key_issuer: str
    def __init__(self, tenant: _Optional[str] = ..., did: _Optional[str] = ..., key_issuer: _Optional[str] = ...) -> None: ...

class DefinitionStored(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: _resources_pb2.DefinitionVersion
    def __init__(self, definition: _Optional[_Union[_resources_pb2.DefinitionVersion, _Mapping]] = ...) -> None: ...

class DefinitionDeleted(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: _resources_pb2.DefinitionVersion
    def __init__(self, definition: _Optional[_Union[_resources_pb2.DefinitionVersion, _Mapping]] = ...) -> None: ...

class IssuanceSubmitted(_message.Message):
    __slots__ = ("process_id", "definitions", "protocol", "time")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    definitions: _containers.RepeatedCompositeFieldContainer[_resources_pb2.DefinitionVersion]
    protocol: _resources_pb2.IssuanceProtocol
    time: _timestamp_pb2.Timestamp
    def __init__(self, process_id: _Optional[str] = ..., definitions: _Optional[_Iterable[_Union[_resources_pb2.DefinitionVersion, _Mapping]]] = ..., protocol: _Optional[_Union[_resources_pb2.IssuanceProtocol, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuanceApproved(_message.Message):
    __slots__ = ("process_id", "definitions", "protocol", "time")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    definitions: _containers.RepeatedCompositeFieldContainer[_resources_pb2.DefinitionVersion]
    protocol: _resources_pb2.IssuanceProtocol
    time: _timestamp_pb2.Timestamp
    def __init__(self, process_id: _Optional[str] = ..., definitions: _Optional[_Iterable[_Union[_resources_pb2.DefinitionVersion, _Mapping]]] = ..., protocol: _Optional[_Union[_resources_pb2.IssuanceProtocol, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuanceGenerated(_message.Message):
    __slots__ = ("process_id", "credential_ids", "time")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    credential_ids: _containers.RepeatedScalarFieldContainer[str]
    time: _timestamp_pb2.Timestamp
    def __init__(self, process_id: _Optional[str] = ..., credential_ids: _Optional[_Iterable[str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuanceDelivered(_message.Message):
    __slots__ = ("process_id", "credential_ids", "attempts", "time")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    credential_ids: _containers.RepeatedScalarFieldContainer[str]
    attempts: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, process_id: _Optional[str] = ..., credential_ids: _Optional[_Iterable[str]] = ..., attempts: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuanceErrored(_message.Message):
    __slots__ = ("process_id", "error", "time")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    error: _resources_pb2.IssuanceError
    time: _timestamp_pb2.Timestamp
    def __init__(self, process_id: _Optional[str] = ..., error: _Optional[_Union[_resources_pb2.IssuanceError, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CredentialRevoked(_message.Message):
    __slots__ = ("credential_id", "time")
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    credential_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, credential_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CredentialSuspended(_message.Message):
    __slots__ = ("credential_id", "time")
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    credential_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, credential_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CredentialResumed(_message.Message):
    __slots__ = ("credential_id", "time")
    CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    credential_id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, credential_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OfferQueued(_message.Message):
    __slots__ = ("offer_id", "definition_ids")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_IDS_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    definition_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, offer_id: _Optional[str] = ..., definition_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class OfferSettled(_message.Message):
    __slots__ = ("offer_id", "delivered")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    delivered: bool
    def __init__(self, offer_id: _Optional[str] = ..., delivered: _Optional[bool] = ...) -> None: ...

class CredentialIssuerStored(_message.Message):
    __slots__ = ("path", "version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    version: int
    def __init__(self, path: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class CredentialOfferChanged(_message.Message):
    __slots__ = ("offer_id", "state", "issuer", "configuration_ids")
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_IDS_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    state: CredentialOfferState
    issuer: str
    configuration_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, offer_id: _Optional[str] = ..., state: _Optional[_Union[CredentialOfferState, str]] = ..., issuer: _Optional[str] = ..., configuration_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WalletCredentialsIssued(_message.Message):
    __slots__ = ("issuance_id", "issuer", "configuration_id", "credential_ids")
    ISSUANCE_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    issuance_id: str
    issuer: str
    configuration_id: str
    credential_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, issuance_id: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_id: _Optional[str] = ..., credential_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class DeferredIssuanceChanged(_message.Message):
    __slots__ = ("transaction_id", "issuer", "configuration_id", "state")
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    issuer: str
    configuration_id: str
    state: str
    def __init__(self, transaction_id: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_id: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class WalletNotified(_message.Message):
    __slots__ = ("credential_ids", "event")
    CREDENTIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    credential_ids: _containers.RepeatedScalarFieldContainer[str]
    event: str
    def __init__(self, credential_ids: _Optional[_Iterable[str]] = ..., event: _Optional[str] = ...) -> None: ...

class IssuerKeysChanged(_message.Message):
    __slots__ = ("key_issuer",)
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    key_issuer: str
    def __init__(self, key_issuer: _Optional[str] = ...) -> None: ...

class IssuerCertificatesStored(_message.Message):
    __slots__ = ("key_issuer", "key_id", "expire_time")
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    key_issuer: str
    key_id: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, key_issuer: _Optional[str] = ..., key_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuerCertificateDue(_message.Message):
    __slots__ = ("key_issuer", "key_id", "certificate_request_pem", "needed_time")
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_REQUEST_PEM_FIELD_NUMBER: _ClassVar[int]
    NEEDED_TIME_FIELD_NUMBER: _ClassVar[int]
    key_issuer: str
    key_id: str
    certificate_request_pem: str
    needed_time: _timestamp_pb2.Timestamp
    def __init__(self, key_issuer: _Optional[str] = ..., key_id: _Optional[str] = ..., certificate_request_pem: _Optional[str] = ..., needed_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditHeadTaken(_message.Message):
    __slots__ = ("seq", "hash", "time")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hash: bytes
    time: _timestamp_pb2.Timestamp
    def __init__(self, seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
