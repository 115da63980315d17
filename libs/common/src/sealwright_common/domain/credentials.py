"""Credential definitions and issued credentials.

A definition says what a credential is (type, format, schema, validity), what it takes to get one (attestations, rules,
approvals) and how claims become its content (mappings or a template). It is validated wholly before it is stored; a
stored version never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sealwright_common.domain.errors import FieldProblem
from sealwright_common.domain.json_values import Json, JsonObject
from sealwright_common.domain.mappings import Mapping
from sealwright_common.domain.mappings import problems as mapping_problems
from sealwright_common.domain.rules import RuleDefinition, RuleRegistry

MAX_VALIDITY = timedelta(days=36525)
"""Longest validity: 100 years. A longer one is a mistake of units."""

MAX_APPROVAL = timedelta(days=365)
"""Longest time a process may be told to wait for approval."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9._:-]{0,127}")


class CredentialFormat(StrEnum):
    """How a credential is written and proved, by its name on the wire."""

    VC11_SL2021_JWT = "vc11-sl2021/jwt"
    """DCP 1.0 profile: VC data model 1.1 as JWT with StatusList2021."""
    VC20_BSSL_JWT = "vc20-bssl/jwt"
    """DCP 1.0 profile: VC data model 2.0 as JOSE with BitstringStatusList."""
    DC_SD_JWT = "dc+sd-jwt"
    MSO_MDOC = "mso_mdoc"
    LDP_VC = "ldp_vc"
    JWT_VC_JSON = "jwt_vc_json"

    @property
    def dcp(self) -> bool:
        """Whether it is a profile of DCP, so that it can be delivered through it."""
        return self in (CredentialFormat.VC11_SL2021_JWT, CredentialFormat.VC20_BSSL_JWT)

    @property
    def status_kind(self) -> StatusKind:
        """The kind of status list its credentials are entered in."""
        match self:
            case CredentialFormat.VC11_SL2021_JWT | CredentialFormat.JWT_VC_JSON:
                return StatusKind.STATUS_LIST_2021
            case CredentialFormat.VC20_BSSL_JWT | CredentialFormat.LDP_VC:
                return StatusKind.BITSTRING
            case CredentialFormat.DC_SD_JWT | CredentialFormat.MSO_MDOC:
                return StatusKind.TOKEN


class StatusKind(StrEnum):
    """How a status list is written."""

    STATUS_LIST_2021 = "statuslist2021"
    BITSTRING = "bitstring"
    TOKEN = "token"
    """Token Status List: one entry per credential with 0 valid, 1 invalid, 2 suspended."""


class ReissuePolicy(StrEnum):
    """What happens to a holder's earlier credentials of the same definition."""

    KEEP = "KEEP"
    REVOKE_PREVIOUS = "REVOKE_PREVIOUS"


class StatusPurpose(StrEnum):
    """What a set bit of a status list says."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


class CredentialState(StrEnum):
    """Whether an issued credential counts."""

    VALID = "VALID"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Display:
    """How wallets show a credential in one locale; empty text where there is nothing to show."""

    name: str
    locale: str = ""
    description: str = ""
    logo_uri: str = ""
    logo_alt_text: str = ""
    background_color: str = ""
    text_color: str = ""


class DefinitionRef(NamedTuple):
    """One version of a definition."""

    id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialDefinition:
    """A kind of credential. ``version`` is 0 until it is stored."""

    id: str
    credential_type: str
    format: CredentialFormat
    attestations: tuple[str, ...]
    version: int = 0
    schema: JsonObject | None = None
    """JSON Schema of ``credentialSubject``."""
    validity: timedelta | None = None
    """How long it is valid; None only with ``never_expires``."""
    never_expires: bool = False
    rules: tuple[RuleDefinition, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    template: Json = None
    """JSON-e template of the content; None if the mappings make it."""
    display: tuple[Display, ...] = ()
    approvals_required: int = 0
    approval_window: timedelta | None = None
    on_reissue: ReissuePolicy = ReissuePolicy.KEEP
    additional_contexts: tuple[str, ...] = ()
    status_purposes: tuple[StatusPurpose, ...] = (StatusPurpose.REVOCATION,)
    format_options: JsonObject | None = None
    """Members only this format knows."""
    create_time: datetime | None = None

    @property
    def ref(self) -> DefinitionRef:
        """This version's name."""
        return DefinitionRef(self.id, self.version)


def problems(definition: CredentialDefinition, rules: RuleRegistry) -> list[FieldProblem]:
    """Everything wrong with a definition that can be told without asking others.

    Whether its attestations exist, its schema and template compile and its format options are known is asked of those
    who know (see the use case that stores definitions).
    """
    found = [*_shape_problems(definition), *_validity_problems(definition)]
    for position, rule in enumerate(definition.rules):
        found += [FieldProblem(f"rules[{position}]", problem) for problem in rules.problems(rule)]
    if definition.template is None:
        found += mapping_problems(definition.mappings)
    elif definition.mappings:
        found.append(FieldProblem("mappings", "none beside a template; the template makes the whole content"))
    return found


def _shape_problems(definition: CredentialDefinition) -> Iterable[FieldProblem]:
    if not _ID.fullmatch(definition.id):
        yield FieldProblem("id", "1 to 128 characters A-Z a-z 0-9 . _ -")
    if not _TYPE.fullmatch(definition.credential_type):
        yield FieldProblem("credential_type", "1 to 128 characters A-Z a-z 0-9 . _ : - starting with a letter")
    elif definition.credential_type in ("VerifiableCredential", "VerifiablePresentation"):
        yield FieldProblem("credential_type", "a type of its own beside VerifiableCredential")
    # R3: every issuance needs at least one attestation; a definition without is refused here, not at each request.
    if not definition.attestations:
        yield FieldProblem("attestations", "at least one attestation")
    if len(set(definition.attestations)) != len(definition.attestations) or len(definition.attestations) > 32:
        yield FieldProblem("attestations", "at most 32 attestations, each once")
    if len(set(definition.status_purposes)) != len(definition.status_purposes):
        yield FieldProblem("status_purposes", "each purpose once")
    if definition.on_reissue is ReissuePolicy.REVOKE_PREVIOUS and StatusPurpose.REVOCATION not in (
        definition.status_purposes
    ):
        yield FieldProblem("status_purposes", "revocation, where a new credential revokes the previous one")
    if not 0 <= definition.approvals_required <= 5:
        yield FieldProblem("approvals_required", "0 to 5")
    locales = [display.locale.lower() for display in definition.display]
    if len(set(locales)) != len(locales):
        yield FieldProblem("display", "one entry per locale")


def _validity_problems(definition: CredentialDefinition) -> Iterable[FieldProblem]:
    if definition.validity is None:
        if not definition.never_expires:
            yield FieldProblem("validity", "a duration, or never_expires to issue without an end")
    elif definition.never_expires:
        yield FieldProblem("never_expires", "false beside a validity")
    elif not timedelta(0) < definition.validity <= MAX_VALIDITY or definition.validity % timedelta(seconds=1):
        # A credential says its times in whole seconds.
        yield FieldProblem("validity", "whole seconds, at least one and at most 100 years (validityPeriod is in ms)")
    window = definition.approval_window
    if window is not None and not definition.approvals_required:
        yield FieldProblem("approval_window", "none where no approval is required")
    elif window is not None and not timedelta(0) < window <= MAX_APPROVAL:
        yield FieldProblem("approval_window", "more than 0 and at most 365 days")


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """A credential's entry in one status list."""

    list_id: UUID
    uri: str
    index: int
    purpose: StatusPurpose
    kind: StatusKind

    def value(self, state: CredentialState) -> int:
        """What the entry holds for a credential in ``state``."""
        if self.kind is StatusKind.TOKEN:
            return {CredentialState.VALID: 0, CredentialState.REVOKED: 1, CredentialState.SUSPENDED: 2}[state]
        if self.purpose is StatusPurpose.REVOCATION:
            return int(state is CredentialState.REVOKED)
        return int(state is CredentialState.SUSPENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredential:
    """A credential as it was signed and stored."""

    id: UUID
    process_id: UUID
    definition: DefinitionRef
    credential_type: str
    format: CredentialFormat
    holder_did: str
    key_id: str
    """The verification method that signed it."""
    payload: str
    """The signed credential as it is handed out."""
    valid_from: datetime
    valid_until: datetime | None
    state: CredentialState = CredentialState.VALID
    version: int = 1
    status: tuple[StatusPlace, ...] = ()
