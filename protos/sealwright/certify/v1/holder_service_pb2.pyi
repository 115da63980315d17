from buf.validate import validate_pb2 as _validate_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreHolderRequest(_message.Message):
    __slots__ = ("request_id", "holder")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    holder: _resources_pb2.Holder
    def __init__(self, request_id: _Optional[str] = ..., holder: _Optional[_Union[_resources_pb2.Holder, _Mapping]] = ...) -> None: ...

class StoreHolderResponse(_message.Message):
    __slots__ = ("holder",)
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    holder: _resources_pb2.Holder
    def __init__(self, holder: _Optional[_Union[_resources_pb2.Holder, _Mapping]] = ...) -> None: ...

class GetHolderRequest(_message.Message):
    __slots__ = ("did",)
    DID_FIELD_NUMBER: _ClassVar[int]
    did: str
    def __init__(self, did: _Optional[str] = ...) -> None: ...

class GetHolderResponse(_message.Message):
    __slots__ = ("holder",)
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    holder: _resources_pb2.Holder
    def __init__(self, holder: _Optional[_Union[_resources_pb2.Holder, _Mapping]] = ...) -> None: ...

class ListHoldersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHoldersResponse(_message.Message):
    __slots__ = ("holders", "next_page_token")
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    holders: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Holder]
    next_page_token: str
    def __init__(self, holders: _Optional[_Iterable[_Union[_resources_pb2.Holder, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteHolderRequest(_message.Message):
    __slots__ = ("request_id", "did")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    did: str
    def __init__(self, request_id: _Optional[str] = ..., did: _Optional[str] = ...) -> None: ...

class DeleteHolderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OfferCredentialsRequest(_message.Message):
    __slots__ = ("request_id", "holder_did", "definition_ids", "offer_reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_IDS_FIELD_NUMBER: _ClassVar[int]
    OFFER_REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    holder_did: str
    definition_ids: _containers.RepeatedScalarFieldContainer[str]
    offer_reason: str
    def __init__(self, request_id: _Optional[str] = ..., holder_did: _Optional[str] = ..., definition_ids: _Optional[_Iterable[str]] = ..., offer_reason: _Optional[str] = ...) -> None: ...

class OfferCredentialsResponse(_message.Message):
    __slots__ = ("offer_id",)
    OFFER_ID_FIELD_NUMBER: _ClassVar[int]
    offer_id: str
    def __init__(self, offer_id: _Optional[str] = ...) -> None: ...
