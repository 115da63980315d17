from buf.validate import validate_pb2 as _validate_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreTenantRequest(_message.Message):
    __slots__ = ("request_id", "did", "key_issuer", "display_name", "dcp")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DID_FIELD_NUMBER: _ClassVar[int]
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DCP_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    did: str
    key_issuer: str
    display_name: str
    dcp: _resources_pb2.DcpPolicy
    def __init__(self, request_id: _Optional[str] = ..., did: _Optional[str] = ..., key_issuer: _Optional[str] = ..., display_name: _Optional[str] = ..., dcp: _Optional[_Union[_resources_pb2.DcpPolicy, _Mapping]] = ...) -> None: ...

class StoreTenantResponse(_message.Message):
    __slots__ = ("tenant",)
    TENANT_FIELD_NUMBER: _ClassVar[int]
    tenant: _resources_pb2.Tenant
    def __init__(self, tenant: _Optional[_Union[_resources_pb2.Tenant, _Mapping]] = ...) -> None: ...

class GetTenantRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTenantResponse(_message.Message):
    __slots__ = ("tenant",)
    TENANT_FIELD_NUMBER: _ClassVar[int]
    tenant: _resources_pb2.Tenant
    def __init__(self, tenant: _Optional[_Union[_resources_pb2.Tenant, _Mapping]] = ...) -> None: ...

class GetDidDocumentRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDidDocumentResponse(_message.Message):
    __slots__ = ("document_json",)
    DOCUMENT_JSON_FIELD_NUMBER: _ClassVar[int]
    document_json: str
    def __init__(self, document_json: _Optional[str] = ...) -> None: ...
