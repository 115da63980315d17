from buf.validate import validate_pb2 as _validate_pb2
from sealwright.common.v1 import errors_pb2 as _errors_pb2
from sealwright.common.v1 import interval_pb2 as _interval_pb2
from sealwright.common.v1 import keys_pb2 as _keys_pb2
from sealwright.signer.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignRequest(_message.Message):
    __slots__ = ("request_id", "key_id", "issuer", "purpose", "algorithm", "input_kind", "input", "format")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    issuer: _resources_pb2.IssuerRef
    purpose: _keys_pb2.KeyPurpose
    algorithm: _keys_pb2.KeyAlgorithm
    input_kind: _resources_pb2.InputKind
    input: bytes
    format: _resources_pb2.SignatureFormat
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ..., issuer: _Optional[_Union[_resources_pb2.IssuerRef, _Mapping]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., input_kind: _Optional[_Union[_resources_pb2.InputKind, str]] = ..., input: _Optional[bytes] = ..., format: _Optional[_Union[_resources_pb2.SignatureFormat, str]] = ...) -> None: ...

class SignResponse(_message.Message):
    __slots__ = ("signature", "key_id", "algorithm", "window")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    key_id: str
    algorithm: _keys_pb2.KeyAlgorithm
    window: _interval_pb2.Interval
    def __init__(self, signature: _Optional[bytes] = ..., key_id: _Optional[str] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ...) -> None: ...

class SignBatchRequest(_message.Message):
    __slots__ = ("request_id", "key_id", "issuer", "purpose", "algorithm", "input_kind", "inputs", "format")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: str
    issuer: _resources_pb2.IssuerRef
    purpose: _keys_pb2.KeyPurpose
    algorithm: _keys_pb2.KeyAlgorithm
    input_kind: _resources_pb2.InputKind
    inputs: _containers.RepeatedScalarFieldContainer[bytes]
    format: _resources_pb2.SignatureFormat
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[str] = ..., issuer: _Optional[_Union[_resources_pb2.IssuerRef, _Mapping]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., input_kind: _Optional[_Union[_resources_pb2.InputKind, str]] = ..., inputs: _Optional[_Iterable[bytes]] = ..., format: _Optional[_Union[_resources_pb2.SignatureFormat, str]] = ...) -> None: ...

class SignBatchResponse(_message.Message):
    __slots__ = ("signatures", "key_id", "algorithm", "window")
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    signatures: _containers.RepeatedScalarFieldContainer[bytes]
    key_id: str
    algorithm: _keys_pb2.KeyAlgorithm
    window: _interval_pb2.Interval
    def __init__(self, signatures: _Optional[_Iterable[bytes]] = ..., key_id: _Optional[str] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ...) -> None: ...

class SignStreamRequest(_message.Message):
    __slots__ = ("key_id", "issuer", "purpose", "algorithm", "input_kind", "input", "format", "correlation_id")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    issuer: _resources_pb2.IssuerRef
    purpose: _keys_pb2.KeyPurpose
    algorithm: _keys_pb2.KeyAlgorithm
    input_kind: _resources_pb2.InputKind
    input: bytes
    format: _resources_pb2.SignatureFormat
    correlation_id: str
    def __init__(self, key_id: _Optional[str] = ..., issuer: _Optional[_Union[_resources_pb2.IssuerRef, _Mapping]] = ..., purpose: _Optional[_Union[_keys_pb2.KeyPurpose, str]] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., input_kind: _Optional[_Union[_resources_pb2.InputKind, str]] = ..., input: _Optional[bytes] = ..., format: _Optional[_Union[_resources_pb2.SignatureFormat, str]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class SignStreamResponse(_message.Message):
    __slots__ = ("correlation_id", "signature", "key_id", "algorithm", "window", "error_reason", "error_message")
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    correlation_id: str
    signature: bytes
    key_id: str
    algorithm: _keys_pb2.KeyAlgorithm
    window: _interval_pb2.Interval
    error_reason: _errors_pb2.ErrorReason
    error_message: str
    def __init__(self, correlation_id: _Optional[str] = ..., signature: _Optional[bytes] = ..., key_id: _Optional[str] = ..., algorithm: _Optional[_Union[_keys_pb2.KeyAlgorithm, str]] = ..., window: _Optional[_Union[_interval_pb2.Interval, _Mapping]] = ..., error_reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ..., error_message: _Optional[str] = ...) -> None: ...
