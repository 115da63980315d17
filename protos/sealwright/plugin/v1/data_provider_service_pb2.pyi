from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProviderError(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVIDER_ERROR_UNSPECIFIED: _ClassVar[ProviderError]
    PROVIDER_ERROR_SUBJECT_UNKNOWN: _ClassVar[ProviderError]
    PROVIDER_ERROR_DENIED: _ClassVar[ProviderError]
    PROVIDER_ERROR_UNAVAILABLE: _ClassVar[ProviderError]
    PROVIDER_ERROR_SETTINGS: _ClassVar[ProviderError]
PROVIDER_ERROR_UNSPECIFIED: ProviderError
PROVIDER_ERROR_SUBJECT_UNKNOWN: ProviderError
PROVIDER_ERROR_DENIED: ProviderError
PROVIDER_ERROR_UNAVAILABLE: ProviderError
PROVIDER_ERROR_SETTINGS: ProviderError

class ValidateProviderRequest(_message.Message):
    __slots__ = ("settings_json",)
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    settings_json: str
    def __init__(self, settings_json: _Optional[str] = ...) -> None: ...

class ValidateProviderResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problems: _Optional[_Iterable[str]] = ...) -> None: ...

class FetchClaimsRequest(_message.Message):
    __slots__ = ("correlation_id", "tenant", "issuer", "dataset", "configuration_id", "subject", "claim_paths_json", "settings_json")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CLAIM_PATHS_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    tenant: str
    issuer: str
    dataset: str
    configuration_id: str
    subject: str
    claim_paths_json: _containers.RepeatedScalarFieldContainer[str]
    settings_json: str
    def __init__(self, correlation_id: _Optional[str] = ..., tenant: _Optional[str] = ..., issuer: _Optional[str] = ..., dataset: _Optional[str] = ..., configuration_id: _Optional[str] = ..., subject: _Optional[str] = ..., claim_paths_json: _Optional[_Iterable[str]] = ..., settings_json: _Optional[str] = ...) -> None: ...

class FetchClaimsResponse(_message.Message):
    __slots__ = ("correlation_id", "claims_json", "error", "error_message")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    claims_json: str
    error: ProviderError
    error_message: str
    def __init__(self, correlation_id: _Optional[str] = ..., claims_json: _Optional[str] = ..., error: _Optional[_Union[ProviderError, str]] = ..., error_message: _Optional[str] = ...) -> None: ...
