from buf.validate import validate_pb2 as _validate_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreAttestationDefinitionRequest(_message.Message):
    __slots__ = ("request_id", "definition")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    definition: _resources_pb2.AttestationDefinition
    def __init__(self, request_id: _Optional[str] = ..., definition: _Optional[_Union[_resources_pb2.AttestationDefinition, _Mapping]] = ...) -> None: ...

class StoreAttestationDefinitionResponse(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: _resources_pb2.AttestationDefinition
    def __init__(self, definition: _Optional[_Union[_resources_pb2.AttestationDefinition, _Mapping]] = ...) -> None: ...

class ListAttestationDefinitionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAttestationDefinitionsResponse(_message.Message):
    __slots__ = ("definitions", "next_page_token")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[_resources_pb2.AttestationDefinition]
    next_page_token: str
    def __init__(self, definitions: _Optional[_Iterable[_Union[_resources_pb2.AttestationDefinition, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteAttestationDefinitionRequest(_message.Message):
    __slots__ = ("request_id", "id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class DeleteAttestationDefinitionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAttestationTypesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAttestationTypesResponse(_message.Message):
    __slots__ = ("types",)
    TYPES_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, types: _Optional[_Iterable[str]] = ...) -> None: ...

class InsertAttestationsRequest(_message.Message):
    __slots__ = ("request_id", "attestations")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    attestations: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Attestation]
    def __init__(self, request_id: _Optional[str] = ..., attestations: _Optional[_Iterable[_Union[_resources_pb2.Attestation, _Mapping]]] = ...) -> None: ...

class InsertAttestationsResponse(_message.Message):
    __slots__ = ("inserted",)
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    inserted: int
    def __init__(self, inserted: _Optional[int] = ...) -> None: ...

class UpdateAttestationRequest(_message.Message):
    __slots__ = ("request_id", "attestation")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    attestation: _resources_pb2.Attestation
    def __init__(self, request_id: _Optional[str] = ..., attestation: _Optional[_Union[_resources_pb2.Attestation, _Mapping]] = ...) -> None: ...

class UpdateAttestationResponse(_message.Message):
    __slots__ = ("attestation",)
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    attestation: _resources_pb2.Attestation
    def __init__(self, attestation: _Optional[_Union[_resources_pb2.Attestation, _Mapping]] = ...) -> None: ...

class DeleteAttestationRequest(_message.Message):
    __slots__ = ("request_id", "did")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    did: str
    def __init__(self, request_id: _Optional[str] = ..., did: _Optional[str] = ...) -> None: ...

class DeleteAttestationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAttestationRequest(_message.Message):
    __slots__ = ("did",)
    DID_FIELD_NUMBER: _ClassVar[int]
    did: str
    def __init__(self, did: _Optional[str] = ...) -> None: ...

class GetAttestationResponse(_message.Message):
    __slots__ = ("attestation",)
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    attestation: _resources_pb2.Attestation
    def __init__(self, attestation: _Optional[_Union[_resources_pb2.Attestation, _Mapping]] = ...) -> None: ...

class ListAttestationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAttestationsResponse(_message.Message):
    __slots__ = ("attestations", "next_page_token")
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    attestations: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Attestation]
    next_page_token: str
    def __init__(self, attestations: _Optional[_Iterable[_Union[_resources_pb2.Attestation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
