from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ValidateSourceRequest(_message.Message):
    __slots__ = ("tenant", "configuration_json")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_JSON_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    configuration_json: str
    def __init__(self, tenant: _Optional[str] = ..., configuration_json: _Optional[str] = ...) -> None: ...

class ValidateSourceResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problems: _Optional[_Iterable[str]] = ...) -> None: ...

class EvaluateSourceRequest(_message.Message):
    __slots__ = ("tenant", "attestation_id", "configuration_json", "holder_did")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_JSON_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    attestation_id: str
    configuration_json: str
    holder_did: str
    def __init__(self, tenant: _Optional[str] = ..., attestation_id: _Optional[str] = ..., configuration_json: _Optional[str] = ..., holder_did: _Optional[str] = ...) -> None: ...

class EvaluateSourceResponse(_message.Message):
    __slots__ = ("claims_json",)
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    claims_json: str
    def __init__(self, claims_json: _Optional[str] = ...) -> None: ...
