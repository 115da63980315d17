from buf.validate import validate_pb2 as _validate_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreDefinitionRequest(_message.Message):
    __slots__ = ("request_id", "definition", "definition_json")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_JSON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    definition: _resources_pb2.CredentialDefinition
    definition_json: str
    def __init__(self, request_id: _Optional[str] = ..., definition: _Optional[_Union[_resources_pb2.CredentialDefinition, _Mapping]] = ..., definition_json: _Optional[str] = ...) -> None: ...

class StoreDefinitionResponse(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: _resources_pb2.CredentialDefinition
    def __init__(self, definition: _Optional[_Union[_resources_pb2.CredentialDefinition, _Mapping]] = ...) -> None: ...

class GetDefinitionRequest(_message.Message):
    __slots__ = ("id", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetDefinitionResponse(_message.Message):
    __slots__ = ("definition",)
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    definition: _resources_pb2.CredentialDefinition
    def __init__(self, definition: _Optional[_Union[_resources_pb2.CredentialDefinition, _Mapping]] = ...) -> None: ...

class ListDefinitionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDefinitionsResponse(_message.Message):
    __slots__ = ("definitions", "next_page_token")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[_resources_pb2.CredentialDefinition]
    next_page_token: str
    def __init__(self, definitions: _Optional[_Iterable[_Union[_resources_pb2.CredentialDefinition, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteDefinitionRequest(_message.Message):
    __slots__ = ("request_id", "id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class DeleteDefinitionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TryDefinitionRequest(_message.Message):
    __slots__ = ("id", "definition", "claims_json", "holder_did")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    id: str
    definition: _resources_pb2.CredentialDefinition
    claims_json: str
    holder_did: str
    def __init__(self, id: _Optional[str] = ..., definition: _Optional[_Union[_resources_pb2.CredentialDefinition, _Mapping]] = ..., claims_json: _Optional[str] = ..., holder_did: _Optional[str] = ...) -> None: ...

class TryDefinitionResponse(_message.Message):
    __slots__ = ("rules", "credential_json", "problems")
    RULES_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_JSON_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[_resources_pb2.RuleOutcome]
    credential_json: str
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rules: _Optional[_Iterable[_Union[_resources_pb2.RuleOutcome, _Mapping]]] = ..., credential_json: _Optional[str] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...
