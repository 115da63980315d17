import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.certify.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreCredentialIssuerRequest(_message.Message):
    __slots__ = ("request_id", "document_json")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_JSON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    document_json: str
    def __init__(self, request_id: _Optional[str] = ..., document_json: _Optional[str] = ...) -> None: ...

class StoreCredentialIssuerResponse(_message.Message):
    __slots__ = ("path", "version")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    path: str
    version: int
    def __init__(self, path: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetCredentialIssuerRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class GetCredentialIssuerResponse(_message.Message):
    __slots__ = ("document_json", "version")
    DOCUMENT_JSON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    document_json: str
    version: int
    def __init__(self, document_json: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ListCredentialIssuersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCredentialIssuersResponse(_message.Message):
    __slots__ = ("paths", "next_page_token")
    PATHS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    paths: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, paths: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CredentialOffer(_message.Message):
    __slots__ = ("id", "issuer", "configuration_ids", "state", "expire_time", "has_transaction_code", "tries_left")
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_IDS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    HAS_TRANSACTION_CODE_FIELD_NUMBER: _ClassVar[int]
    TRIES_LEFT_FIELD_NUMBER: _ClassVar[int]
    id: str
    issuer: str
    configuration_ids: _containers.RepeatedScalarFieldContainer[str]
    state: _events_pb2.CredentialOfferState
    expire_time: _timestamp_pb2.Timestamp
    has_transaction_code: bool
    tries_left: int
    def __init__(self, id: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_ids: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[_events_pb2.CredentialOfferState, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., has_transaction_code: _Optional[bool] = ..., tries_left: _Optional[int] = ...) -> None: ...

class CreateCredentialOfferRequest(_message.Message):
    __slots__ = ("request_id", "issuer", "configuration_ids", "lifetime_duration", "authorization_code", "transaction_code_length", "transaction_code_text", "transaction_code_description", "claims_json", "subject")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_IDS_FIELD_NUMBER: _ClassVar[int]
    LIFETIME_DURATION_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZATION_CODE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_CODE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_CODE_TEXT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_CODE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    issuer: str
    configuration_ids: _containers.RepeatedScalarFieldContainer[str]
    lifetime_duration: _duration_pb2.Duration
    authorization_code: bool
    transaction_code_length: int
    transaction_code_text: bool
    transaction_code_description: str
    claims_json: str
    subject: str
    def __init__(self, request_id: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_ids: _Optional[_Iterable[str]] = ..., lifetime_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., authorization_code: _Optional[bool] = ..., transaction_code_length: _Optional[int] = ..., transaction_code_text: _Optional[bool] = ..., transaction_code_description: _Optional[str] = ..., claims_json: _Optional[str] = ..., subject: _Optional[str] = ...) -> None: ...

class CreateCredentialOfferResponse(_message.Message):
    __slots__ = ("offer", "offer_uri", "offer_value_uri", "transaction_code")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFER_URI_FIELD_NUMBER: _ClassVar[int]
    OFFER_VALUE_URI_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_CODE_FIELD_NUMBER: _ClassVar[int]
    offer: CredentialOffer
    offer_uri: str
    offer_value_uri: str
    transaction_code: str
    def __init__(self, offer: _Optional[_Union[CredentialOffer, _Mapping]] = ..., offer_uri: _Optional[str] = ..., offer_value_uri: _Optional[str] = ..., transaction_code: _Optional[str] = ...) -> None: ...

class GetCredentialOfferRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetCredentialOfferResponse(_message.Message):
    __slots__ = ("offer", "offer_uri")
    OFFER_FIELD_NUMBER: _ClassVar[int]
    OFFER_URI_FIELD_NUMBER: _ClassVar[int]
    offer: CredentialOffer
    offer_uri: str
    def __init__(self, offer: _Optional[_Union[CredentialOffer, _Mapping]] = ..., offer_uri: _Optional[str] = ...) -> None: ...

class ListCredentialOffersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCredentialOffersResponse(_message.Message):
    __slots__ = ("offers", "next_page_token")
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[CredentialOffer]
    next_page_token: str
    def __init__(self, offers: _Optional[_Iterable[_Union[CredentialOffer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelCredentialOfferRequest(_message.Message):
    __slots__ = ("request_id", "id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class CancelCredentialOfferResponse(_message.Message):
    __slots__ = ("offer",)
    OFFER_FIELD_NUMBER: _ClassVar[int]
    offer: CredentialOffer
    def __init__(self, offer: _Optional[_Union[CredentialOffer, _Mapping]] = ...) -> None: ...

class DeferredIssuance(_message.Message):
    __slots__ = ("id", "issuer", "configuration_id", "count", "state", "create_time", "expire_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    issuer: str
    configuration_id: str
    count: int
    state: str
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_id: _Optional[str] = ..., count: _Optional[int] = ..., state: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDeferredIssuancesRequest(_message.Message):
    __slots__ = ("pending_only", "page_size", "page_token")
    PENDING_ONLY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pending_only: bool
    page_size: int
    page_token: str
    def __init__(self, pending_only: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeferredIssuancesResponse(_message.Message):
    __slots__ = ("issuances", "next_page_token")
    ISSUANCES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    issuances: _containers.RepeatedCompositeFieldContainer[DeferredIssuance]
    next_page_token: str
    def __init__(self, issuances: _Optional[_Iterable[_Union[DeferredIssuance, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DecideDeferredIssuanceRequest(_message.Message):
    __slots__ = ("request_id", "id", "approve")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    approve: bool
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ..., approve: _Optional[bool] = ...) -> None: ...

class DecideDeferredIssuanceResponse(_message.Message):
    __slots__ = ("issuance",)
    ISSUANCE_FIELD_NUMBER: _ClassVar[int]
    issuance: DeferredIssuance
    def __init__(self, issuance: _Optional[_Union[DeferredIssuance, _Mapping]] = ...) -> None: ...

class CreateCertificateRequestRequest(_message.Message):
    __slots__ = ("key_issuer", "key_id", "common_name", "organization", "country")
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    COMMON_NAME_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    key_issuer: str
    key_id: str
    common_name: str
    organization: str
    country: str
    def __init__(self, key_issuer: _Optional[str] = ..., key_id: _Optional[str] = ..., common_name: _Optional[str] = ..., organization: _Optional[str] = ..., country: _Optional[str] = ...) -> None: ...

class CreateCertificateRequestResponse(_message.Message):
    __slots__ = ("certificate_request_pem", "key_id")
    CERTIFICATE_REQUEST_PEM_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    certificate_request_pem: str
    key_id: str
    def __init__(self, certificate_request_pem: _Optional[str] = ..., key_id: _Optional[str] = ...) -> None: ...

class ImportCertificatesRequest(_message.Message):
    __slots__ = ("request_id", "key_issuer", "chain_pem")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    CHAIN_PEM_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_issuer: str
    chain_pem: str
    def __init__(self, request_id: _Optional[str] = ..., key_issuer: _Optional[str] = ..., chain_pem: _Optional[str] = ...) -> None: ...

class ImportCertificatesResponse(_message.Message):
    __slots__ = ("key_id", "expire_time")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, key_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
