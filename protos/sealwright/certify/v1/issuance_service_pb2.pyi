from buf.validate import validate_pb2 as _validate_pb2
from sealwright.certify.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IssueCredentialRequest(_message.Message):
    __slots__ = ("request_id", "definition_id", "holder_did", "claims_json")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    definition_id: str
    holder_did: str
    claims_json: str
    def __init__(self, request_id: _Optional[str] = ..., definition_id: _Optional[str] = ..., holder_did: _Optional[str] = ..., claims_json: _Optional[str] = ...) -> None: ...

class IssueCredentialResponse(_message.Message):
    __slots__ = ("credential", "payload", "process_id")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    credential: _resources_pb2.Credential
    payload: str
    process_id: str
    def __init__(self, credential: _Optional[_Union[_resources_pb2.Credential, _Mapping]] = ..., payload: _Optional[str] = ..., process_id: _Optional[str] = ...) -> None: ...

class RequestIssuanceRequest(_message.Message):
    __slots__ = ("request_id", "holder_did", "holder_pid", "definition_ids", "claims_json", "delivery", "split")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_PID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_IDS_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    holder_did: str
    holder_pid: str
    definition_ids: _containers.RepeatedScalarFieldContainer[str]
    claims_json: str
    delivery: _resources_pb2.IssuanceProtocol
    split: bool
    def __init__(self, request_id: _Optional[str] = ..., holder_did: _Optional[str] = ..., holder_pid: _Optional[str] = ..., definition_ids: _Optional[_Iterable[str]] = ..., claims_json: _Optional[str] = ..., delivery: _Optional[_Union[_resources_pb2.IssuanceProtocol, str]] = ..., split: _Optional[bool] = ...) -> None: ...

class RequestIssuanceResponse(_message.Message):
    __slots__ = ("processes",)
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuanceProcess]
    def __init__(self, processes: _Optional[_Iterable[_Union[_resources_pb2.IssuanceProcess, _Mapping]]] = ...) -> None: ...

class CheckIssuanceRequest(_message.Message):
    __slots__ = ("holder_did", "definition_ids", "claims_json")
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_IDS_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_JSON_FIELD_NUMBER: _ClassVar[int]
    holder_did: str
    definition_ids: _containers.RepeatedScalarFieldContainer[str]
    claims_json: str
    def __init__(self, holder_did: _Optional[str] = ..., definition_ids: _Optional[_Iterable[str]] = ..., claims_json: _Optional[str] = ...) -> None: ...

class CheckIssuanceResponse(_message.Message):
    __slots__ = ("accepted", "missing_attestations", "rules", "problems")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    MISSING_ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    missing_attestations: _containers.RepeatedScalarFieldContainer[str]
    rules: _containers.RepeatedCompositeFieldContainer[_resources_pb2.RuleOutcome]
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accepted: _Optional[bool] = ..., missing_attestations: _Optional[_Iterable[str]] = ..., rules: _Optional[_Iterable[_Union[_resources_pb2.RuleOutcome, _Mapping]]] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class GetIssuanceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetIssuanceResponse(_message.Message):
    __slots__ = ("process",)
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    process: _resources_pb2.IssuanceProcess
    def __init__(self, process: _Optional[_Union[_resources_pb2.IssuanceProcess, _Mapping]] = ...) -> None: ...

class ListIssuancesRequest(_message.Message):
    __slots__ = ("state", "holder_did", "page_size", "page_token")
    STATE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    state: _resources_pb2.IssuanceState
    holder_did: str
    page_size: int
    page_token: str
    def __init__(self, state: _Optional[_Union[_resources_pb2.IssuanceState, str]] = ..., holder_did: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListIssuancesResponse(_message.Message):
    __slots__ = ("processes", "next_page_token")
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    processes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.IssuanceProcess]
    next_page_token: str
    def __init__(self, processes: _Optional[_Iterable[_Union[_resources_pb2.IssuanceProcess, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchIssuancesRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchIssuancesResponse(_message.Message):
    __slots__ = ("process",)
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    process: _resources_pb2.IssuanceProcess
    def __init__(self, process: _Optional[_Union[_resources_pb2.IssuanceProcess, _Mapping]] = ...) -> None: ...

class ApproveIssuanceRequest(_message.Message):
    __slots__ = ("request_id", "id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ApproveIssuanceResponse(_message.Message):
    __slots__ = ("process",)
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    process: _resources_pb2.IssuanceProcess
    def __init__(self, process: _Optional[_Union[_resources_pb2.IssuanceProcess, _Mapping]] = ...) -> None: ...

class RejectIssuanceRequest(_message.Message):
    __slots__ = ("request_id", "id", "rejection_reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REJECTION_REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    rejection_reason: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ..., rejection_reason: _Optional[str] = ...) -> None: ...

class RejectIssuanceResponse(_message.Message):
    __slots__ = ("process",)
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    process: _resources_pb2.IssuanceProcess
    def __init__(self, process: _Optional[_Union[_resources_pb2.IssuanceProcess, _Mapping]] = ...) -> None: ...

class RedeliverIssuanceRequest(_message.Message):
    __slots__ = ("request_id", "id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class RedeliverIssuanceResponse(_message.Message):
    __slots__ = ("process",)
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    process: _resources_pb2.IssuanceProcess
    def __init__(self, process: _Optional[_Union[_resources_pb2.IssuanceProcess, _Mapping]] = ...) -> None: ...
