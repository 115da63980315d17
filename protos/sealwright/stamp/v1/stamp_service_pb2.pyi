import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sealwright.stamp.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MeasurementFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEASUREMENT_FORMAT_UNSPECIFIED: _ClassVar[MeasurementFormat]
    MEASUREMENT_FORMAT_CSV: _ClassVar[MeasurementFormat]
    MEASUREMENT_FORMAT_JSON_LINES: _ClassVar[MeasurementFormat]
MEASUREMENT_FORMAT_UNSPECIFIED: MeasurementFormat
MEASUREMENT_FORMAT_CSV: MeasurementFormat
MEASUREMENT_FORMAT_JSON_LINES: MeasurementFormat

class CreateRecipientRequest(_message.Message):
    __slots__ = ("request_id", "wallet_endpoint")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WALLET_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    wallet_endpoint: _resources_pb2.WalletEndpoint
    def __init__(self, request_id: _Optional[str] = ..., wallet_endpoint: _Optional[_Union[_resources_pb2.WalletEndpoint, _Mapping]] = ...) -> None: ...

class CreateRecipientResponse(_message.Message):
    __slots__ = ("recipient",)
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    recipient: _resources_pb2.Recipient
    def __init__(self, recipient: _Optional[_Union[_resources_pb2.Recipient, _Mapping]] = ...) -> None: ...

class GetRecipientRequest(_message.Message):
    __slots__ = ("recipient_id",)
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    recipient_id: str
    def __init__(self, recipient_id: _Optional[str] = ...) -> None: ...

class GetRecipientResponse(_message.Message):
    __slots__ = ("recipient",)
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    recipient: _resources_pb2.Recipient
    def __init__(self, recipient: _Optional[_Union[_resources_pb2.Recipient, _Mapping]] = ...) -> None: ...

class ListRecipientsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRecipientsResponse(_message.Message):
    __slots__ = ("recipients", "next_page_token")
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    recipients: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Recipient]
    next_page_token: str
    def __init__(self, recipients: _Optional[_Iterable[_Union[_resources_pb2.Recipient, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StampCertificateRequest(_message.Message):
    __slots__ = ("request_id", "certificate")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    certificate: _resources_pb2.CertificateOrder
    def __init__(self, request_id: _Optional[str] = ..., certificate: _Optional[_Union[_resources_pb2.CertificateOrder, _Mapping]] = ...) -> None: ...

class StampCertificateResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: _resources_pb2.Certificate
    def __init__(self, certificate: _Optional[_Union[_resources_pb2.Certificate, _Mapping]] = ...) -> None: ...

class StampCertificatesRequest(_message.Message):
    __slots__ = ("request_id", "certificates")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    certificates: _containers.RepeatedCompositeFieldContainer[_resources_pb2.CertificateOrder]
    def __init__(self, request_id: _Optional[str] = ..., certificates: _Optional[_Iterable[_Union[_resources_pb2.CertificateOrder, _Mapping]]] = ...) -> None: ...

class StampOutcome(_message.Message):
    __slots__ = ("certificate_id", "accepted", "refused")
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    certificate_id: str
    accepted: Acceptance
    refused: Refusal
    def __init__(self, certificate_id: _Optional[str] = ..., accepted: _Optional[_Union[Acceptance, _Mapping]] = ..., refused: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...

class Acceptance(_message.Message):
    __slots__ = ("state", "repeated", "wallet_position")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    WALLET_POSITION_FIELD_NUMBER: _ClassVar[int]
    state: _resources_pb2.CertificateState
    repeated: bool
    wallet_position: int
    def __init__(self, state: _Optional[_Union[_resources_pb2.CertificateState, str]] = ..., repeated: _Optional[bool] = ..., wallet_position: _Optional[int] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "reason", "message", "field")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    field: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class StampCertificatesResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[StampOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[StampOutcome, _Mapping]]] = ...) -> None: ...

class GetCertificateRequest(_message.Message):
    __slots__ = ("registry", "certificate_id")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    registry: str
    certificate_id: str
    def __init__(self, registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class GetCertificateResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: _resources_pb2.Certificate
    def __init__(self, certificate: _Optional[_Union[_resources_pb2.Certificate, _Mapping]] = ...) -> None: ...

class ListCertificatesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "delivery_state", "recipient_id", "metering_point_id", "grid_area", "from_time", "until_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_STATE_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    METERING_POINT_ID_FIELD_NUMBER: _ClassVar[int]
    GRID_AREA_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: _resources_pb2.CertificateState
    delivery_state: _resources_pb2.DeliveryState
    recipient_id: str
    metering_point_id: str
    grid_area: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[_resources_pb2.CertificateState, str]] = ..., delivery_state: _Optional[_Union[_resources_pb2.DeliveryState, str]] = ..., recipient_id: _Optional[str] = ..., metering_point_id: _Optional[str] = ..., grid_area: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListCertificatesResponse(_message.Message):
    __slots__ = ("certificates", "next_page_token")
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Certificate]
    next_page_token: str
    def __init__(self, certificates: _Optional[_Iterable[_Union[_resources_pb2.Certificate, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCertificateHistoryRequest(_message.Message):
    __slots__ = ("registry", "certificate_id")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    registry: str
    certificate_id: str
    def __init__(self, registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class GetCertificateHistoryResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_resources_pb2.HistoryEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[_resources_pb2.HistoryEntry, _Mapping]]] = ...) -> None: ...

class WatchCertificateRequest(_message.Message):
    __slots__ = ("registry", "certificate_id")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    registry: str
    certificate_id: str
    def __init__(self, registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class WatchCertificateResponse(_message.Message):
    __slots__ = ("entry", "delivery_state")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_STATE_FIELD_NUMBER: _ClassVar[int]
    entry: _resources_pb2.HistoryEntry
    delivery_state: _resources_pb2.DeliveryState
    def __init__(self, entry: _Optional[_Union[_resources_pb2.HistoryEntry, _Mapping]] = ..., delivery_state: _Optional[_Union[_resources_pb2.DeliveryState, str]] = ...) -> None: ...

class WithdrawCertificateRequest(_message.Message):
    __slots__ = ("request_id", "registry", "certificate_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    registry: str
    certificate_id: str
    def __init__(self, request_id: _Optional[str] = ..., registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class WithdrawCertificateResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: _resources_pb2.Certificate
    def __init__(self, certificate: _Optional[_Union[_resources_pb2.Certificate, _Mapping]] = ...) -> None: ...

class ListWithdrawnRequest(_message.Message):
    __slots__ = ("after_id", "page_size")
    AFTER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    after_id: int
    page_size: int
    def __init__(self, after_id: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListWithdrawnResponse(_message.Message):
    __slots__ = ("withdrawn", "total_count")
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    withdrawn: _containers.RepeatedCompositeFieldContainer[_resources_pb2.WithdrawnCertificate]
    total_count: int
    def __init__(self, withdrawn: _Optional[_Iterable[_Union[_resources_pb2.WithdrawnCertificate, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class ResumeCertificateRequest(_message.Message):
    __slots__ = ("request_id", "registry", "certificate_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    registry: str
    certificate_id: str
    def __init__(self, request_id: _Optional[str] = ..., registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class ResumeCertificateResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: _resources_pb2.Certificate
    def __init__(self, certificate: _Optional[_Union[_resources_pb2.Certificate, _Mapping]] = ...) -> None: ...

class RedeliverToWalletRequest(_message.Message):
    __slots__ = ("request_id", "registry", "certificate_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    registry: str
    certificate_id: str
    def __init__(self, request_id: _Optional[str] = ..., registry: _Optional[str] = ..., certificate_id: _Optional[str] = ...) -> None: ...

class RedeliverToWalletResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: _resources_pb2.Certificate
    def __init__(self, certificate: _Optional[_Union[_resources_pb2.Certificate, _Mapping]] = ...) -> None: ...

class ImportPlan(_message.Message):
    __slots__ = ("import_id", "format", "recipient_id", "registry", "grid_area", "clear_text_attributes")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    GRID_AREA_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TEXT_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    format: MeasurementFormat
    recipient_id: str
    registry: str
    grid_area: str
    clear_text_attributes: _containers.RepeatedCompositeFieldContainer[_resources_pb2.Attribute]
    def __init__(self, import_id: _Optional[str] = ..., format: _Optional[_Union[MeasurementFormat, str]] = ..., recipient_id: _Optional[str] = ..., registry: _Optional[str] = ..., grid_area: _Optional[str] = ..., clear_text_attributes: _Optional[_Iterable[_Union[_resources_pb2.Attribute, _Mapping]]] = ...) -> None: ...

class ImportMeasurementsRequest(_message.Message):
    __slots__ = ("plan", "chunk")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    plan: ImportPlan
    chunk: bytes
    def __init__(self, plan: _Optional[_Union[ImportPlan, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ImportMeasurementsResponse(_message.Message):
    __slots__ = ("resume_offset", "row_count", "accepted_count", "repeated_count", "zero_count", "refused_count", "refused_rows", "done")
    RESUME_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    ZERO_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_ROWS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    resume_offset: int
    row_count: int
    accepted_count: int
    repeated_count: int
    zero_count: int
    refused_count: int
    refused_rows: _containers.RepeatedCompositeFieldContainer[RefusedRow]
    done: bool
    def __init__(self, resume_offset: _Optional[int] = ..., row_count: _Optional[int] = ..., accepted_count: _Optional[int] = ..., repeated_count: _Optional[int] = ..., zero_count: _Optional[int] = ..., refused_count: _Optional[int] = ..., refused_rows: _Optional[_Iterable[_Union[RefusedRow, _Mapping]]] = ..., done: _Optional[bool] = ...) -> None: ...

class RefusedRow(_message.Message):
    __slots__ = ("line", "refusal")
    LINE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    line: int
    refusal: Refusal
    def __init__(self, line: _Optional[int] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...
