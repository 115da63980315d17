import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.common.v1 import errors_pb2 as _errors_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from sealwright.signer.v1 import token_service_pb2 as _token_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QueuedBlindSignItem(_message.Message):
    __slots__ = ("issuer_type", "issuer_cohort", "blinded_tokens", "associated_data")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    BLINDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATED_DATA_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    issuer_cohort: int
    blinded_tokens: _containers.RepeatedScalarFieldContainer[str]
    associated_data: bytes
    def __init__(self, issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ..., blinded_tokens: _Optional[_Iterable[str]] = ..., associated_data: _Optional[bytes] = ...) -> None: ...

class QueuedBlindSignRequest(_message.Message):
    __slots__ = ("request_id", "items")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    items: _containers.RepeatedCompositeFieldContainer[QueuedBlindSignItem]
    def __init__(self, request_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[QueuedBlindSignItem, _Mapping]]] = ...) -> None: ...

class QueuedBlindSignResult(_message.Message):
    __slots__ = ("item", "status", "associated_data", "key_id", "slot", "window", "algorithm", "public_key", "blinded_tokens", "signed_tokens", "proof", "error_reason", "error_message")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATED_DATA_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    BLINDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SIGNED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    item: int
    status: _token_service_pb2.BlindSignStatus
    associated_data: bytes
    key_id: str
    slot: int
    window: _interval_pb2.Interval
    algorithm: _keys_pb2.KeyAlgorithm
    public_key: str
    blinded_tokens: _containers.RepeatedScalarFieldContainer[str]
    signed_tokens: _containers.RepeatedScalarFieldContainer[str]
    proof: str
    error_reason: _errors_pb2.ErrorReason
    error_message: str
    def __init__(self, item: _Optional[int] = ..., status: _Optional[_Union[_token_service_pb2.BlindSignStatus, str]] = ..., associated_data: _Optional[bytes] = ..., key_id: _Optional[str] = ..., slot: _Optional[int] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., public_key: _Optional[str] = ..., blinded_tokens: _Optional[_Iterable[str]] = ..., signed_tokens: _Optional[_Iterable[str]] = ..., proof: _Optional[str] = ..., error_reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., error_message: _Optional[str] = ...) -> None: ...

class QueuedBlindSignAnswer(_message.Message):
    __slots__ = ("request_id", "results")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    results: _containers.RepeatedCompositeFieldContainer[QueuedBlindSignResult]
    def __init__(self, request_id: _Optional[str] = ..., results: _Optional[_Iterable[_Union[QueuedBlindSignResult, _Mapping]]] = ...) -> None: ...

class QueuedRedeemRequest(_message.Message):
    __slots__ = ("request_id", "items")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    items: _containers.RepeatedCompositeFieldContainer[_token_service_pb2.RedeemItem]
    def __init__(self, request_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[_token_service_pb2.RedeemItem, _Mapping]]] = ...) -> None: ...

class QueuedRedeemAnswer(_message.Message):
    __slots__ = ("request_id", "outcomes", "answer_time")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_TIME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    outcomes: _containers.RepeatedCompositeFieldContainer[_token_service_pb2.RedeemOutcome]
    answer_time: _timestamp_pb2.Timestamp
    def __init__(self, request_id: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[_token_service_pb2.RedeemOutcome, _Mapping]]] = ..., answer_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
