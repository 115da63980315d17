import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CertificateType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATE_TYPE_UNSPECIFIED: _ClassVar[CertificateType]
    CERTIFICATE_TYPE_CONSUMPTION: _ClassVar[CertificateType]
    CERTIFICATE_TYPE_PRODUCTION: _ClassVar[CertificateType]

class CertificateState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTIFICATE_STATE_UNSPECIFIED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_STORED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_SENT: _ClassVar[CertificateState]
    CERTIFICATE_STATE_COMMITTED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_ISSUED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_FAILED: _ClassVar[CertificateState]
    CERTIFICATE_STATE_STUCK: _ClassVar[CertificateState]
    CERTIFICATE_STATE_WITHDRAWING: _ClassVar[CertificateState]
    CERTIFICATE_STATE_WITHDRAWN: _ClassVar[CertificateState]

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_PENDING: _ClassVar[DeliveryState]
    DELIVERY_STATE_DELIVERED: _ClassVar[DeliveryState]
    DELIVERY_STATE_UNDELIVERABLE: _ClassVar[DeliveryState]

class OnClash(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CLASH_UNSPECIFIED: _ClassVar[OnClash]
    ON_CLASH_OTHER_LANE: _ClassVar[OnClash]
    ON_CLASH_REJECT: _ClassVar[OnClash]
CERTIFICATE_TYPE_UNSPECIFIED: CertificateType
CERTIFICATE_TYPE_CONSUMPTION: CertificateType
CERTIFICATE_TYPE_PRODUCTION: CertificateType
CERTIFICATE_STATE_UNSPECIFIED: CertificateState
CERTIFICATE_STATE_STORED: CertificateState
CERTIFICATE_STATE_SENT: CertificateState
CERTIFICATE_STATE_COMMITTED: CertificateState
CERTIFICATE_STATE_ISSUED: CertificateState
CERTIFICATE_STATE_FAILED: CertificateState
CERTIFICATE_STATE_STUCK: CertificateState
CERTIFICATE_STATE_WITHDRAWING: CertificateState
CERTIFICATE_STATE_WITHDRAWN: CertificateState
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_PENDING: DeliveryState
DELIVERY_STATE_DELIVERED: DeliveryState
DELIVERY_STATE_UNDELIVERABLE: DeliveryState
ON_CLASH_UNSPECIFIED: OnClash
ON_CLASH_OTHER_LANE: OnClash
ON_CLASH_REJECT: OnClash

class WalletEndpoint(_message.Message):
    __slots__ = ("version", "endpoint", "public_key")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    version: int
    endpoint: str
    public_key: bytes
    def __init__(self, version: _Optional[int] = ..., endpoint: _Optional[str] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class Recipient(_message.Message):
    __slots__ = ("id", "wallet_endpoint", "create_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    WALLET_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    wallet_endpoint: WalletEndpoint
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., wallet_endpoint: _Optional[_Union[WalletEndpoint, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Attribute(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class CertificateOrder(_message.Message):
    __slots__ = ("recipient_id", "registry", "certificate_id", "metering_point_id", "type", "quantity", "start_time", "end_time", "grid_area", "clear_text_attributes", "hashed_attributes", "on_clash", "allow_clear_text_quantity")
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    METERING_POINT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    GRID_AREA_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    HASHED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    ON_CLASH_FIELD_NUMBER: _ClassVar[int]
    ALLOW_CLEAR_TEXT_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    recipient_id: str
    registry: str
    certificate_id: str
    metering_point_id: str
    type: CertificateType
    quantity: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    grid_area: str
    clear_text_attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    hashed_attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    on_clash: OnClash
    allow_clear_text_quantity: bool
    def __init__(self, recipient_id: _Optional[str] = ..., registry: _Optional[str] = ..., certificate_id: _Optional[str] = ..., metering_point_id: _Optional[str] = ..., type: _Optional[_Union[CertificateType, str]] = ..., quantity: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., grid_area: _Optional[str] = ..., clear_text_attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., hashed_attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., on_clash: _Optional[_Union[OnClash, str]] = ..., allow_clear_text_quantity: _Optional[bool] = ...) -> None: ...

class Certificate(_message.Message):
    __slots__ = ("registry", "certificate_id", "recipient_id", "metering_point_id", "type", "quantity", "start_time", "end_time", "grid_area", "clear_text_attributes", "hashed_attributes", "state", "reason", "wallet_position", "transaction_id", "signing_key_id", "delivery_state", "delivery_reason", "delivery_attempts", "version", "create_time", "update_time")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    METERING_POINT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    GRID_AREA_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    HASHED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    WALLET_POSITION_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_STATE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_REASON_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    registry: str
    certificate_id: str
    recipient_id: str
    metering_point_id: str
    type: CertificateType
    quantity: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    grid_area: str
    clear_text_attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    hashed_attributes: _containers.RepeatedCompositeFieldContainer[Attribute]
    state: CertificateState
    reason: str
    wallet_position: int
    transaction_id: str
    signing_key_id: str
    delivery_state: DeliveryState
    delivery_reason: str
    delivery_attempts: int
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, registry: _Optional[str] = ..., certificate_id: _Optional[str] = ..., recipient_id: _Optional[str] = ..., metering_point_id: _Optional[str] = ..., type: _Optional[_Union[CertificateType, str]] = ..., quantity: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., grid_area: _Optional[str] = ..., clear_text_attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., hashed_attributes: _Optional[_Iterable[_Union[Attribute, _Mapping]]] = ..., state: _Optional[_Union[CertificateState, str]] = ..., reason: _Optional[str] = ..., wallet_position: _Optional[int] = ..., transaction_id: _Optional[str] = ..., signing_key_id: _Optional[str] = ..., delivery_state: _Optional[_Union[DeliveryState, str]] = ..., delivery_reason: _Optional[str] = ..., delivery_attempts: _Optional[int] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("version", "state", "event", "reason", "time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    version: int
    state: CertificateState
    event: str
    reason: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[int] = ..., state: _Optional[_Union[CertificateState, str]] = ..., event: _Optional[str] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WithdrawnCertificate(_message.Message):
    __slots__ = ("id", "registry", "certificate_id", "withdraw_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_TIME_FIELD_NUMBER: _ClassVar[int]
    id: int
    registry: str
    certificate_id: str
    withdraw_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[int] = ..., registry: _Optional[str] = ..., certificate_id: _Optional[str] = ..., withdraw_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
