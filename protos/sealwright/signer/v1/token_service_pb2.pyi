import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.common.v1 import errors_pb2 as _errors_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlindSignStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLIND_SIGN_STATUS_UNSPECIFIED: _ClassVar[BlindSignStatus]
    BLIND_SIGN_STATUS_OK: _ClassVar[BlindSignStatus]
    BLIND_SIGN_STATUS_UNKNOWN_ISSUER: _ClassVar[BlindSignStatus]
    BLIND_SIGN_STATUS_INVALID: _ClassVar[BlindSignStatus]
    BLIND_SIGN_STATUS_NOT_SIGNED: _ClassVar[BlindSignStatus]

class RedeemStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REDEEM_STATUS_UNSPECIFIED: _ClassVar[RedeemStatus]
    REDEEM_STATUS_VERIFIED: _ClassVar[RedeemStatus]
    REDEEM_STATUS_DUPLICATE: _ClassVar[RedeemStatus]
    REDEEM_STATUS_REFUSED: _ClassVar[RedeemStatus]
    REDEEM_STATUS_UNVERIFIED: _ClassVar[RedeemStatus]
    REDEEM_STATUS_EXPIRED: _ClassVar[RedeemStatus]
    REDEEM_STATUS_UNKNOWN_ISSUER: _ClassVar[RedeemStatus]
    REDEEM_STATUS_MALFORMED: _ClassVar[RedeemStatus]
BLIND_SIGN_STATUS_UNSPECIFIED: BlindSignStatus
BLIND_SIGN_STATUS_OK: BlindSignStatus
BLIND_SIGN_STATUS_UNKNOWN_ISSUER: BlindSignStatus
BLIND_SIGN_STATUS_INVALID: BlindSignStatus
BLIND_SIGN_STATUS_NOT_SIGNED: BlindSignStatus
REDEEM_STATUS_UNSPECIFIED: RedeemStatus
REDEEM_STATUS_VERIFIED: RedeemStatus
REDEEM_STATUS_DUPLICATE: RedeemStatus
REDEEM_STATUS_REFUSED: RedeemStatus
REDEEM_STATUS_UNVERIFIED: RedeemStatus
REDEEM_STATUS_EXPIRED: RedeemStatus
REDEEM_STATUS_UNKNOWN_ISSUER: RedeemStatus
REDEEM_STATUS_MALFORMED: RedeemStatus

class BlindSignItem(_message.Message):
    __slots__ = ("issuer_type", "issuer_cohort", "blinded_tokens", "associated_data")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    BLINDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATED_DATA_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    issuer_cohort: int
    blinded_tokens: _containers.RepeatedScalarFieldContainer[bytes]
    associated_data: bytes
    def __init__(self, issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ..., blinded_tokens: _Optional[_Iterable[bytes]] = ..., associated_data: _Optional[bytes] = ...) -> None: ...

class BlindSignRequest(_message.Message):
    __slots__ = ("request_id", "items")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    items: _containers.RepeatedCompositeFieldContainer[BlindSignItem]
    def __init__(self, request_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[BlindSignItem, _Mapping]]] = ...) -> None: ...

class BlindSignResult(_message.Message):
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
    status: BlindSignStatus
    associated_data: bytes
    key_id: str
    slot: int
    window: _interval_pb2.Interval
    algorithm: _keys_pb2.KeyAlgorithm
    public_key: bytes
    blinded_tokens: _containers.RepeatedScalarFieldContainer[bytes]
    signed_tokens: _containers.RepeatedScalarFieldContainer[bytes]
    proof: bytes
    error_reason: _errors_pb2.ErrorReason
    error_message: str
    def __init__(self, item: _Optional[int] = ..., status: _Optional[_Union[BlindSignStatus, str]] = ..., associated_data: _Optional[bytes] = ..., key_id: _Optional[str] = ..., slot: _Optional[int] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., public_key: _Optional[bytes] = ..., blinded_tokens: _Optional[_Iterable[bytes]] = ..., signed_tokens: _Optional[_Iterable[bytes]] = ..., proof: _Optional[bytes] = ..., error_reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., error_message: _Optional[str] = ...) -> None: ...

class BlindSignResponse(_message.Message):
    __slots__ = ("request_id", "results")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    results: _containers.RepeatedCompositeFieldContainer[BlindSignResult]
    def __init__(self, request_id: _Optional[str] = ..., results: _Optional[_Iterable[_Union[BlindSignResult, _Mapping]]] = ...) -> None: ...

class PrivacyPassToken(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: bytes
    def __init__(self, token: _Optional[bytes] = ...) -> None: ...

class ProtocolToken(_message.Message):
    __slots__ = ("key_id", "input", "output")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    input: bytes
    output: bytes
    def __init__(self, key_id: _Optional[str] = ..., input: _Optional[bytes] = ..., output: _Optional[bytes] = ...) -> None: ...

class LegacyToken(_message.Message):
    __slots__ = ("preimage", "signature")
    PREIMAGE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    preimage: bytes
    signature: bytes
    def __init__(self, preimage: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class RedeemItem(_message.Message):
    __slots__ = ("issuer_type", "issuer_cohort", "privacy_pass", "protocol", "legacy", "payload", "associated_data")
    ISSUER_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_PASS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    LEGACY_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATED_DATA_FIELD_NUMBER: _ClassVar[int]
    issuer_type: str
    issuer_cohort: int
    privacy_pass: PrivacyPassToken
    protocol: ProtocolToken
    legacy: LegacyToken
    payload: bytes
    associated_data: bytes
    def __init__(self, issuer_type: _Optional[str] = ..., issuer_cohort: _Optional[int] = ..., privacy_pass: _Optional[_Union[PrivacyPassToken, _Mapping]] = ..., protocol: _Optional[_Union[ProtocolToken, _Mapping]] = ..., legacy: _Optional[_Union[LegacyToken, _Mapping]] = ..., payload: _Optional[bytes] = ..., associated_data: _Optional[bytes] = ...) -> None: ...

class RedeemOutcome(_message.Message):
    __slots__ = ("status", "redemption_id", "key_id", "issuer_cohort", "redeem_time", "associated_data", "error_reason", "error_message")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REDEMPTION_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_COHORT_FIELD_NUMBER: _ClassVar[int]
    REDEEM_TIME_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATED_DATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    status: RedeemStatus
    redemption_id: str
    key_id: str
    issuer_cohort: int
    redeem_time: _timestamp_pb2.Timestamp
    associated_data: bytes
    error_reason: _errors_pb2.ErrorReason
    error_message: str
    def __init__(self, status: _Optional[_Union[RedeemStatus, str]] = ..., redemption_id: _Optional[str] = ..., key_id: _Optional[str] = ..., issuer_cohort: _Optional[int] = ..., redeem_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., associated_data: _Optional[bytes] = ..., error_reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., error_message: _Optional[str] = ...) -> None: ...

class RedeemRequest(_message.Message):
    __slots__ = ("request_id", "item")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    item: RedeemItem
    def __init__(self, request_id: _Optional[str] = ..., item: _Optional[_Union[RedeemItem, _Mapping]] = ...) -> None: ...

class RedeemResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: RedeemOutcome
    def __init__(self, outcome: _Optional[_Union[RedeemOutcome, _Mapping]] = ...) -> None: ...

class RedeemBatchRequest(_message.Message):
    __slots__ = ("request_id", "items")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    items: _containers.RepeatedCompositeFieldContainer[RedeemItem]
    def __init__(self, request_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[RedeemItem, _Mapping]]] = ...) -> None: ...

class RedeemBatchResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[RedeemOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[RedeemOutcome, _Mapping]]] = ...) -> None: ...
