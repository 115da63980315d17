from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ValidateCredentialIssuerRequest(_message.Message):
    __slots__ = ("settings_json",)
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    settings_json: str
    def __init__(self, settings_json: _Optional[str] = ...) -> None: ...

class ValidateCredentialIssuerResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problems: _Optional[_Iterable[str]] = ...) -> None: ...

class IssueCredentialsRequest(_message.Message):
    __slots__ = ("tenant", "issuer", "configuration_id", "format", "subject", "holder_jwks_json", "settings_json")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HOLDER_JWKS_JSON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    issuer: str
    configuration_id: str
    format: str
    subject: str
    holder_jwks_json: _containers.RepeatedScalarFieldContainer[str]
    settings_json: str
    def __init__(self, tenant: _Optional[str] = ..., issuer: _Optional[str] = ..., configuration_id: _Optional[str] = ..., format: _Optional[str] = ..., subject: _Optional[str] = ..., holder_jwks_json: _Optional[_Iterable[str]] = ..., settings_json: _Optional[str] = ...) -> None: ...

class IssueCredentialsResponse(_message.Message):
    __slots__ = ("credentials", "refusal")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedScalarFieldContainer[str]
    refusal: str
    def __init__(self, credentials: _Optional[_Iterable[str]] = ..., refusal: _Optional[str] = ...) -> None: ...
