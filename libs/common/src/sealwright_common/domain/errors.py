"""What can go wrong, said so that the caller knows what to do next.

A use case raises one of the :class:`Problem` subclasses; the doors (gRPC, HTTP) translate it: ``code`` becomes the gRPC
status or the HTTP status, ``reason`` the ErrorInfo reason, ``fields`` a BadRequest, ``retry_after`` a RetryInfo.
``Reason`` mirrors the enum ``sealwright.common.v1.ErrorReason`` name for name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Self


class Code(StrEnum):
    """The gRPC status codes that Sealwright uses, by name."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"
    DATA_LOSS = "DATA_LOSS"
    INTERNAL = "INTERNAL"


class Reason(StrEnum):
    """Why a call was refused, for programs. One flat list for the four services."""

    # shared
    FIELD_INVALID = "FIELD_INVALID"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    CALLER_UNKNOWN = "CALLER_UNKNOWN"
    CALLER_NOT_ALLOWED = "CALLER_NOT_ALLOWED"
    TENANT_INVALID = "TENANT_INVALID"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    OVERLOADED = "OVERLOADED"
    RATE_LIMITED = "RATE_LIMITED"
    STOPPING = "STOPPING"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    BROKER_UNAVAILABLE = "BROKER_UNAVAILABLE"
    TOKEN_UNAVAILABLE = "TOKEN_UNAVAILABLE"
    PEER_UNAVAILABLE = "PEER_UNAVAILABLE"
    CLOCK_SKEWED = "CLOCK_SKEWED"
    CONFLICT = "CONFLICT"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"
    EGRESS_REFUSED = "EGRESS_REFUSED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    # signer
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    KEY_NOT_USABLE = "KEY_NOT_USABLE"
    KEY_DISABLED = "KEY_DISABLED"
    KEY_COMPROMISED = "KEY_COMPROMISED"
    KEY_OUT_OF_WINDOW = "KEY_OUT_OF_WINDOW"
    KEY_PURPOSE_MISMATCH = "KEY_PURPOSE_MISMATCH"
    KEY_ALGORITHM_MISMATCH = "KEY_ALGORITHM_MISMATCH"
    KEY_STATE_CONFLICT = "KEY_STATE_CONFLICT"
    NO_ACTIVE_KEY = "NO_ACTIVE_KEY"
    SIGNATURE_FAULTY = "SIGNATURE_FAULTY"
    ISSUER_UNKNOWN = "ISSUER_UNKNOWN"
    BLINDED_TOKENS_MISSING = "BLINDED_TOKENS_MISSING"
    BLINDED_TOKENS_MODULUS = "BLINDED_TOKENS_MODULUS"
    BLINDED_TOKENS_LIMIT = "BLINDED_TOKENS_LIMIT"
    BLINDED_TOKEN_BASE64 = "BLINDED_TOKEN_BASE64"
    BLINDED_TOKEN_LENGTH = "BLINDED_TOKEN_LENGTH"
    BLINDED_TOKEN_IDENTITY = "BLINDED_TOKEN_IDENTITY"
    BLINDED_TOKEN_INVALID = "BLINDED_TOKEN_INVALID"
    BLINDED_TOKEN_OUT_OF_RANGE = "BLINDED_TOKEN_OUT_OF_RANGE"
    BLINDED_TOKEN_DUPLICATE = "BLINDED_TOKEN_DUPLICATE"
    LEGACY_PROTOCOL_OFF = "LEGACY_PROTOCOL_OFF"
    TOKEN_MALFORMED = "TOKEN_MALFORMED"
    TOKEN_UNVERIFIED = "TOKEN_UNVERIFIED"
    TOKEN_SPENT = "TOKEN_SPENT"
    # rotator
    ISSUER_NOT_FOUND = "ISSUER_NOT_FOUND"
    ISSUER_EXISTS = "ISSUER_EXISTS"
    ISSUER_STATE_CONFLICT = "ISSUER_STATE_CONFLICT"
    SCHEDULE_INVALID = "SCHEDULE_INVALID"
    SLOT_TAKEN = "SLOT_TAKEN"
    LOG_POSITION_INVALID = "LOG_POSITION_INVALID"
    # stamp
    RECIPIENT_NOT_FOUND = "RECIPIENT_NOT_FOUND"
    CERTIFICATE_NOT_FOUND = "CERTIFICATE_NOT_FOUND"
    CERTIFICATE_EXISTS = "CERTIFICATE_EXISTS"
    CERTIFICATE_STATE_CONFLICT = "CERTIFICATE_STATE_CONFLICT"
    CERTIFICATE_WITHDRAWN = "CERTIFICATE_WITHDRAWN"
    MEASUREMENT_EXISTS = "MEASUREMENT_EXISTS"
    REGISTRY_UNKNOWN = "REGISTRY_UNKNOWN"
    GRID_AREA_UNKNOWN = "GRID_AREA_UNKNOWN"
    POSITION_UNAVAILABLE = "POSITION_UNAVAILABLE"
    POSITION_TAKEN = "POSITION_TAKEN"
    QUANTITY_LEAKED = "QUANTITY_LEAKED"
    # certify
    DEFINITION_NOT_FOUND = "DEFINITION_NOT_FOUND"
    DEFINITION_EXISTS = "DEFINITION_EXISTS"
    DEFINITION_INVALID = "DEFINITION_INVALID"
    ATTESTATION_NOT_FOUND = "ATTESTATION_NOT_FOUND"
    ATTESTATION_EXISTS = "ATTESTATION_EXISTS"
    ATTESTATION_INVALID = "ATTESTATION_INVALID"
    ATTESTATION_MISSING = "ATTESTATION_MISSING"
    RULE_FAILED = "RULE_FAILED"
    TEMPLATE_INVALID = "TEMPLATE_INVALID"
    TEMPLATE_BUDGET = "TEMPLATE_BUDGET"
    CLAIMS_INVALID = "CLAIMS_INVALID"
    PROCESS_NOT_FOUND = "PROCESS_NOT_FOUND"
    PROCESS_EXISTS = "PROCESS_EXISTS"
    PROCESS_STATE_CONFLICT = "PROCESS_STATE_CONFLICT"
    CREDENTIAL_NOT_FOUND = "CREDENTIAL_NOT_FOUND"
    STATUS_LIST_FULL = "STATUS_LIST_FULL"
    HOLDER_UNKNOWN = "HOLDER_UNKNOWN"
    TOKEN_REFUSED = "TOKEN_REFUSED"
    DID_UNRESOLVABLE = "DID_UNRESOLVABLE"
    OFFER_NOT_FOUND = "OFFER_NOT_FOUND"
    PROVIDER_FAILED = "PROVIDER_FAILED"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: its path in the request (``certificate.end``, ``items[3].digest``) and what was expected."""

    path: str
    expected: str


class Problem(Exception):
    """A refusal that the caller may see as it stands: code, reason, message with the next step, fields, retry time.

    Never put secrets, tokens or personal data into it; everything here reaches the caller.
    """

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        fields: Iterable[FieldProblem] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.fields = tuple(fields)
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason}, {self.message!r}, fields={self.fields!r})"


class InvalidArgument(Problem):
    """The request is wrong whatever the state of the system; mend the named fields."""

    code = Code.INVALID_ARGUMENT

    @classmethod
    def of(cls, path: str, expected: str, *, reason: Reason = Reason.FIELD_INVALID) -> Self:
        """One wrong field at ``path``, with what was ``expected`` there."""
        return cls(reason, f"{path}: expected {expected}", fields=(FieldProblem(path, expected),))

    @classmethod
    def of_all(cls, problems: Iterable[FieldProblem], *, reason: Reason = Reason.FIELD_INVALID) -> Self:
        """Several wrong fields at once."""
        fields = tuple(problems)
        return cls(reason, "; ".join(f"{f.path}: expected {f.expected}" for f in fields), fields=fields)

    def as_sent(self, names: Mapping[str, str]) -> InvalidArgument:
        """The same refusal with the fields' paths as the caller wrote them; those not in ``names`` stay."""
        fields = [FieldProblem(names.get(field.path, field.path), field.expected) for field in self.fields]
        return InvalidArgument.of_all(fields, reason=self.reason)


class OutOfRange(Problem):
    """A position or page past the end."""

    code = Code.OUT_OF_RANGE


class NotFound(Problem):
    """The named thing does not exist for this tenant."""

    code = Code.NOT_FOUND


class AlreadyExists(Problem):
    """The thing exists already, or the request id was used for another body."""

    code = Code.ALREADY_EXISTS


class FailedPrecondition(Problem):
    """The state of the named thing forbids the call; retrying changes nothing until the state does."""

    code = Code.FAILED_PRECONDITION


class Aborted(Problem):
    """Another call got in between; read again and repeat."""

    code = Code.ABORTED


class PermissionDenied(Problem):
    """The caller is known and may not do this."""

    code = Code.PERMISSION_DENIED


class Unauthenticated(Problem):
    """The caller is not known."""

    code = Code.UNAUTHENTICATED


class ResourceExhausted(Problem):
    """A limit, a quota or the service's capacity is reached; ``retry_after`` tells when to try again."""

    code = Code.RESOURCE_EXHAUSTED


class DeadlineExceeded(Problem):
    """The caller's deadline passed before the work was done; nothing was stored unless the answer says so."""

    code = Code.DEADLINE_EXCEEDED


class Unavailable(Problem):
    """Something needed is away for now; repeating the same call is safe."""

    code = Code.UNAVAILABLE


class DataLoss(Problem):
    """Stored data does not verify."""

    code = Code.DATA_LOSS


class Internal(Problem):
    """A fault of ours; the message names the incident, never its cause."""

    code = Code.INTERNAL
