import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CredentialFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_FORMAT_UNSPECIFIED: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_VC11_SL2021_JWT: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_VC20_BSSL_JWT: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_DC_SD_JWT: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_MSO_MDOC: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_LDP_VC: _ClassVar[CredentialFormat]
    CREDENTIAL_FORMAT_JWT_VC_JSON: _ClassVar[CredentialFormat]

class ReissuePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REISSUE_POLICY_UNSPECIFIED: _ClassVar[ReissuePolicy]
    REISSUE_POLICY_KEEP: _ClassVar[ReissuePolicy]
    REISSUE_POLICY_REVOKE_PREVIOUS: _ClassVar[ReissuePolicy]

class StatusPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_PURPOSE_UNSPECIFIED: _ClassVar[StatusPurpose]
    STATUS_PURPOSE_REVOCATION: _ClassVar[StatusPurpose]
    STATUS_PURPOSE_SUSPENSION: _ClassVar[StatusPurpose]

class IssuanceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISSUANCE_STATE_UNSPECIFIED: _ClassVar[IssuanceState]
    ISSUANCE_STATE_SUBMITTED: _ClassVar[IssuanceState]
    ISSUANCE_STATE_APPROVED: _ClassVar[IssuanceState]
    ISSUANCE_STATE_DELIVERED: _ClassVar[IssuanceState]
    ISSUANCE_STATE_ERRORED: _ClassVar[IssuanceState]

class IssuanceProtocol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISSUANCE_PROTOCOL_UNSPECIFIED: _ClassVar[IssuanceProtocol]
    ISSUANCE_PROTOCOL_GRPC: _ClassVar[IssuanceProtocol]
    ISSUANCE_PROTOCOL_DCP: _ClassVar[IssuanceProtocol]
    ISSUANCE_PROTOCOL_OPENID4VCI: _ClassVar[IssuanceProtocol]

class IssuanceError(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISSUANCE_ERROR_UNSPECIFIED: _ClassVar[IssuanceError]
    ISSUANCE_ERROR_REJECTED: _ClassVar[IssuanceError]
    ISSUANCE_ERROR_APPROVAL_EXPIRED: _ClassVar[IssuanceError]
    ISSUANCE_ERROR_GENERATION_FAILED: _ClassVar[IssuanceError]
    ISSUANCE_ERROR_DELIVERY_REFUSED: _ClassVar[IssuanceError]
    ISSUANCE_ERROR_DELIVERY_EXPIRED: _ClassVar[IssuanceError]

class CredentialState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_STATE_UNSPECIFIED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_VALID: _ClassVar[CredentialState]
    CREDENTIAL_STATE_SUSPENDED: _ClassVar[CredentialState]
    CREDENTIAL_STATE_REVOKED: _ClassVar[CredentialState]
CREDENTIAL_FORMAT_UNSPECIFIED: CredentialFormat
CREDENTIAL_FORMAT_VC11_SL2021_JWT: CredentialFormat
CREDENTIAL_FORMAT_VC20_BSSL_JWT: CredentialFormat
CREDENTIAL_FORMAT_DC_SD_JWT: CredentialFormat
CREDENTIAL_FORMAT_MSO_MDOC: CredentialFormat
CREDENTIAL_FORMAT_LDP_VC: CredentialFormat
CREDENTIAL_FORMAT_JWT_VC_JSON: CredentialFormat
REISSUE_POLICY_UNSPECIFIED: ReissuePolicy
REISSUE_POLICY_KEEP: ReissuePolicy
REISSUE_POLICY_REVOKE_PREVIOUS: ReissuePolicy
STATUS_PURPOSE_UNSPECIFIED: StatusPurpose
STATUS_PURPOSE_REVOCATION: StatusPurpose
STATUS_PURPOSE_SUSPENSION: StatusPurpose
ISSUANCE_STATE_UNSPECIFIED: IssuanceState
ISSUANCE_STATE_SUBMITTED: IssuanceState
ISSUANCE_STATE_APPROVED: IssuanceState
ISSUANCE_STATE_DELIVERED: IssuanceState
ISSUANCE_STATE_ERRORED: IssuanceState
ISSUANCE_PROTOCOL_UNSPECIFIED: IssuanceProtocol
ISSUANCE_PROTOCOL_GRPC: IssuanceProtocol
ISSUANCE_PROTOCOL_DCP: IssuanceProtocol
ISSUANCE_PROTOCOL_OPENID4VCI: IssuanceProtocol
ISSUANCE_ERROR_UNSPECIFIED: IssuanceError
ISSUANCE_ERROR_REJECTED: IssuanceError
ISSUANCE_ERROR_APPROVAL_EXPIRED: IssuanceError
ISSUANCE_ERROR_GENERATION_FAILED: IssuanceError
ISSUANCE_ERROR_DELIVERY_REFUSED: IssuanceError
ISSUANCE_ERROR_DELIVERY_EXPIRED: IssuanceError
CREDENTIAL_STATE_UNSPECIFIED: CredentialState
CREDENTIAL_STATE_VALID: CredentialState
CREDENTIAL_STATE_SUSPENDED: CredentialState
CREDENTIAL_STATE_REVOKED: CredentialState

class Tenant(_message.Message):
    __slots__ = ("name", "did", "key_issuer", "display_name", "dcp", "listed_keys", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DID_FIELD_NUMBER: _ClassVar[int]
    KEY_ISSUER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DCP_FIELD_NUMBER: _ClassVar[int]
    LISTED_KEYS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    did: str
    key_issuer: str
    display_name: str
    dcp: DcpPolicy
    listed_keys: int
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., did: _Optional[str] = ..., key_issuer: _Optional[str] = ..., display_name: _Optional[str] = ..., dcp: _Optional[_Union[DcpPolicy, _Mapping]] = ..., listed_keys: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DcpPolicy(_message.Message):
    __slots__ = ("allow_any_relationship", "allow_unknown_holders", "refuse_with_401", "conflict_after_terminal", "offer_on_rotation")
    ALLOW_ANY_RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNKNOWN_HOLDERS_FIELD_NUMBER: _ClassVar[int]
    REFUSE_WITH_401_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_AFTER_TERMINAL_FIELD_NUMBER: _ClassVar[int]
    OFFER_ON_ROTATION_FIELD_NUMBER: _ClassVar[int]
    allow_any_relationship: bool
    allow_unknown_holders: bool
    refuse_with_401: bool
    conflict_after_terminal: bool
    offer_on_rotation: bool
    def __init__(self, allow_any_relationship: _Optional[bool] = ..., allow_unknown_holders: _Optional[bool] = ..., refuse_with_401: _Optional[bool] = ..., conflict_after_terminal: _Optional[bool] = ..., offer_on_rotation: _Optional[bool] = ...) -> None: ...

class CredentialDefinition(_message.Message):
    __slots__ = ("id", "version", "credential_type", "format", "schema_json", "validity_duration", "never_expires", "attestations", "rules", "mappings", "template_json", "display", "approvals_required", "approval_duration", "on_reissue", "additional_contexts", "status_purposes", "format_options_json", "create_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_TYPE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    VALIDITY_DURATION_FIELD_NUMBER: _ClassVar[int]
    NEVER_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_JSON_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_DURATION_FIELD_NUMBER: _ClassVar[int]
    ON_REISSUE_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    STATUS_PURPOSES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_OPTIONS_JSON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    credential_type: str
    format: CredentialFormat
    schema_json: str
    validity_duration: _duration_pb2.Duration
    never_expires: bool
    attestations: _containers.RepeatedScalarFieldContainer[str]
    rules: _containers.RepeatedCompositeFieldContainer[CredentialRule]
    mappings: _containers.RepeatedCompositeFieldContainer[ClaimMapping]
    template_json: str
    display: _containers.RepeatedCompositeFieldContainer[Display]
    approvals_required: int
    approval_duration: _duration_pb2.Duration
    on_reissue: ReissuePolicy
    additional_contexts: _containers.RepeatedScalarFieldContainer[str]
    status_purposes: _containers.RepeatedScalarFieldContainer[StatusPurpose]
    format_options_json: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ..., credential_type: _Optional[str] = ..., format: _Optional[_Union[CredentialFormat, str]] = ..., schema_json: _Optional[str] = ..., validity_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., never_expires: _Optional[bool] = ..., attestations: _Optional[_Iterable[str]] = ..., rules: _Optional[_Iterable[_Union[CredentialRule, _Mapping]]] = ..., mappings: _Optional[_Iterable[_Union[ClaimMapping, _Mapping]]] = ..., template_json: _Optional[str] = ..., display: _Optional[_Iterable[_Union[Display, _Mapping]]] = ..., approvals_required: _Optional[int] = ..., approval_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., on_reissue: _Optional[_Union[ReissuePolicy, str]] = ..., additional_contexts: _Optional[_Iterable[str]] = ..., status_purposes: _Optional[_Iterable[_Union[StatusPurpose, str]]] = ..., format_options_json: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CredentialRule(_message.Message):
    __slots__ = ("type", "configuration_json")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_JSON_FIELD_NUMBER: _ClassVar[int]
    type: str
    configuration_json: str
    def __init__(self, type: _Optional[str] = ..., configuration_json: _Optional[str] = ...) -> None: ...

class ClaimMapping(_message.Message):
    __slots__ = ("input", "output", "required", "default_json", "type")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_JSON_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    input: str
    output: str
    required: bool
    default_json: str
    type: str
    def __init__(self, input: _Optional[str] = ..., output: _Optional[str] = ..., required: _Optional[bool] = ..., default_json: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class Display(_message.Message):
    __slots__ = ("name", "locale", "description", "logo_uri", "logo_alt_text", "background_color", "text_color")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LOGO_URI_FIELD_NUMBER: _ClassVar[int]
    LOGO_ALT_TEXT_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_COLOR_FIELD_NUMBER: _ClassVar[int]
    TEXT_COLOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    locale: str
    description: str
    logo_uri: str
    logo_alt_text: str
    background_color: str
    text_color: str
    def __init__(self, name: _Optional[str] = ..., locale: _Optional[str] = ..., description: _Optional[str] = ..., logo_uri: _Optional[str] = ..., logo_alt_text: _Optional[str] = ..., background_color: _Optional[str] = ..., text_color: _Optional[str] = ...) -> None: ...

class AttestationDefinition(_message.Message):
    __slots__ = ("id", "type", "configuration_json", "update_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_JSON_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: str
    configuration_json: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., configuration_json: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Attestation(_message.Message):
    __slots__ = ("did", "attributes_json", "create_time", "update_time")
    DID_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_JSON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    did: str
    attributes_json: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, did: _Optional[str] = ..., attributes_json: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Holder(_message.Message):
    __slots__ = ("did", "display_name", "attributes_json", "create_time")
    DID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_JSON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    did: str
    display_name: str
    attributes_json: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, did: _Optional[str] = ..., display_name: _Optional[str] = ..., attributes_json: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DefinitionVersion(_message.Message):
    __slots__ = ("id", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("approver", "time")
    APPROVER_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    approver: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, approver: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuanceProcess(_message.Message):
    __slots__ = ("id", "parent_id", "state", "protocol", "protocol_version", "holder_did", "holder_pid", "definitions", "error", "error_detail", "attempts", "next_attempt_time", "approvals", "approvals_required", "approval_deadline_time", "credential_ids", "version", "create_time", "update_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    HOLDER_PID_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_DETAIL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_DEADLINE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    parent_id: str
    state: IssuanceState
    protocol: IssuanceProtocol
    protocol_version: str
    holder_did: str
    holder_pid: str
    definitions: _containers.RepeatedCompositeFieldContainer[DefinitionVersion]
    error: IssuanceError
    error_detail: str
    attempts: int
    next_attempt_time: _timestamp_pb2.Timestamp
    approvals: _containers.RepeatedCompositeFieldContainer[Approval]
    approvals_required: int
    approval_deadline_time: _timestamp_pb2.Timestamp
    credential_ids: _containers.RepeatedScalarFieldContainer[str]
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., parent_id: _Optional[str] = ..., state: _Optional[_Union[IssuanceState, str]] = ..., protocol: _Optional[_Union[IssuanceProtocol, str]] = ..., protocol_version: _Optional[str] = ..., holder_did: _Optional[str] = ..., holder_pid: _Optional[str] = ..., definitions: _Optional[_Iterable[_Union[DefinitionVersion, _Mapping]]] = ..., error: _Optional[_Union[IssuanceError, str]] = ..., error_detail: _Optional[str] = ..., attempts: _Optional[int] = ..., next_attempt_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approvals: _Optional[_Iterable[_Union[Approval, _Mapping]]] = ..., approvals_required: _Optional[int] = ..., approval_deadline_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., credential_ids: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StatusEntry(_message.Message):
    __slots__ = ("list_uri", "index", "purpose")
    LIST_URI_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    list_uri: str
    index: int
    purpose: StatusPurpose
    def __init__(self, list_uri: _Optional[str] = ..., index: _Optional[int] = ..., purpose: _Optional[_Union[StatusPurpose, str]] = ...) -> None: ...

class Credential(_message.Message):
    __slots__ = ("id", "process_id", "definition", "credential_type", "format", "holder_did", "key_id", "valid_from_time", "valid_until_time", "state", "status_entries")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_TYPE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    HOLDER_DID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    id: str
    process_id: str
    definition: DefinitionVersion
    credential_type: str
    format: CredentialFormat
    holder_did: str
    key_id: str
    valid_from_time: _timestamp_pb2.Timestamp
    valid_until_time: _timestamp_pb2.Timestamp
    state: CredentialState
    status_entries: _containers.RepeatedCompositeFieldContainer[StatusEntry]
    def __init__(self, id: _Optional[str] = ..., process_id: _Optional[str] = ..., definition: _Optional[_Union[DefinitionVersion, _Mapping]] = ..., credential_type: _Optional[str] = ..., format: _Optional[_Union[CredentialFormat, str]] = ..., holder_did: _Optional[str] = ..., key_id: _Optional[str] = ..., valid_from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[CredentialState, str]] = ..., status_entries: _Optional[_Iterable[_Union[StatusEntry, _Mapping]]] = ...) -> None: ...

class StatusList(_message.Message):
    __slots__ = ("id", "uri", "purpose", "size", "used", "set_count", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    SET_COUNT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    uri: str
    purpose: StatusPurpose
    size: int
    used: int
    set_count: int
    version: int
    def __init__(self, id: _Optional[str] = ..., uri: _Optional[str] = ..., purpose: _Optional[_Union[StatusPurpose, str]] = ..., size: _Optional[int] = ..., used: _Optional[int] = ..., set_count: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class RuleOutcome(_message.Message):
    __slots__ = ("definition_id", "type", "passed", "explanation", "parts")
    DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    definition_id: str
    type: str
    passed: bool
    explanation: str
    parts: _containers.RepeatedCompositeFieldContainer[RuleOutcome]
    def __init__(self, definition_id: _Optional[str] = ..., type: _Optional[str] = ..., passed: _Optional[bool] = ..., explanation: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[RuleOutcome, _Mapping]]] = ...) -> None: ...
