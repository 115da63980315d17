"""Verification: attestations, then rules, then the content they would make. Shared by every door.

All definitions of a request are looked at together: their attestations form a set and each is evaluated once, side by
side, inside a time box. Claims are kept apart per attestation; a definition sees its own attestations only, each under
its output claim, and names that only one of them has also without it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import CredentialDefinition, DefinitionRef
from sealwright_common.domain.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Problem,
    Reason,
    Unavailable,
)
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.mappings import apply
from sealwright_common.domain.rules import RuleOutcome, RuleRegistry, evaluate_all, moment

from sealwright_certify.ports import (
    AttestationContext,
    AttestationDefinition,
    AttestationSourceFactory,
    CertifyWork,
    SchemaEngine,
    TemplateEngine,
)

SOURCE_SECONDS = 5.0
"""Most seconds one source may take."""

ENDS = ("expirationDate", "validUntil")
"""Members of the content that end the credential earlier than its definition would."""

MAX_CLAIMS = 256 * 1024
"""Most characters of JSON that one source may give."""


class SourceRegistry:
    """The attestation types that definitions may use."""

    def __init__(self, *factories: AttestationSourceFactory) -> None:
        self._factories: dict[str, AttestationSourceFactory] = {factory.type: factory for factory in factories}

    def register(self, factory: AttestationSourceFactory) -> None:
        """Adds or replaces a type."""
        self._factories[factory.type] = factory

    @property
    def types(self) -> tuple[str, ...]:
        """Registered types, sorted."""
        return tuple(sorted(self._factories))

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        """What is wrong with a definition, as expectations."""
        factory = self._factories.get(definition.type)
        if factory is None:
            return [f"type: a registered attestation type: {', '.join(self.types)}"]
        return await factory.problems(tenant, definition)

    async def evaluate(self, definition: AttestationDefinition, context: AttestationContext) -> JsonObject | None:
        """The claims of one attestation.

        Raises Unavailable if its source takes longer than its time box, FailedPrecondition (ATTESTATION_INVALID) if it
        gives more than MAX_CLAIMS, and what the source raises.
        """
        try:
            async with asyncio.timeout(min(SOURCE_SECONDS, context.remaining)):
                claims = await self._factories[definition.type].create(definition).evaluate(context)
        except TimeoutError:
            raise Unavailable(
                Reason.PROVIDER_FAILED, f"attestation {definition.id} did not answer in time; repeat the call"
            ) from None
        if claims is not None and len(json.dumps(claims, ensure_ascii=False)) > MAX_CLAIMS:
            raise FailedPrecondition(
                Reason.ATTESTATION_INVALID,
                f"attestation {definition.id} gives more than {MAX_CLAIMS} characters; name the columns it needs",
            )
        return claims


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request met."""

    claims: JsonObject
    """Claims per attestation id; attestations that gave nothing are absent."""
    missing: tuple[str, ...]
    """Required attestations that gave nothing."""
    outcomes: tuple[tuple[str, RuleOutcome], ...]
    """Every rule's outcome with the id of its definition."""

    @property
    def accepted(self) -> bool:
        """Whether attestations and rules hold."""
        return not self.missing and all(outcome.passed for _, outcome in self.outcomes)

    def demand(self) -> None:
        """PermissionDenied with ATTESTATION_MISSING or RULE_FAILED unless accepted."""
        if self.missing:
            raise PermissionDenied(
                Reason.ATTESTATION_MISSING,
                f"required attestations gave nothing about the holder: {', '.join(self.missing)}; see CheckIssuance",
            )
        failed = sorted({definition for definition, outcome in self.outcomes if not outcome.passed})
        if failed:
            raise PermissionDenied(
                Reason.RULE_FAILED, f"rules of {', '.join(failed)} do not hold; CheckIssuance explains each"
            )


async def definitions_for(work: CertifyWork, tenant: str, ids: Sequence[str]) -> list[CredentialDefinition]:
    """The latest definitions in the order of ``ids``; NotFound naming those that do not exist for the tenant."""
    found = await work.definitions.latest(tenant, ids)
    if missing := [id_ for id_ in ids if id_ not in found]:
        raise NotFound(
            Reason.DEFINITION_NOT_FOUND, f"no definition {', '.join(missing)}; ListDefinitions shows what there is"
        )
    return [found[id_] for id_ in ids]


async def sources_for(
    work: CertifyWork, tenant: str, definitions: Sequence[CredentialDefinition]
) -> dict[str, AttestationDefinition]:
    """The attestation definitions that ``definitions`` need, each once."""
    ids = sorted({id_ for definition in definitions for id_ in definition.attestations})
    found = await work.attestations.definitions(tenant, ids)
    if missing := [id_ for id_ in ids if id_ not in found]:
        raise FailedPrecondition(
            Reason.ATTESTATION_NOT_FOUND, f"attestation definitions {', '.join(missing)} are gone; store them again"
        )
    return found


def claims_view(
    definition: CredentialDefinition, sources: Mapping[str, AttestationDefinition], claims: JsonObject
) -> JsonObject:
    """What ``definition`` sees of ``claims``: its attestations under their output claims, unambiguous names flat."""
    view: JsonObject = {}
    owners: dict[str, int] = {}
    own = [(sources[id_], found) for id_ in definition.attestations if isinstance(found := claims.get(id_), dict)]
    for _, found in own:
        for name in found:
            owners[name] = owners.get(name, 0) + 1
    for _, found in own:
        view.update({name: value for name, value in found.items() if owners[name] == 1})
    for source, found in own:
        view[source.output_claim] = found
    return view


class _Views:
    """What each of several definitions sees; those with the same attestations see the same."""

    def __init__(self, sources: Mapping[str, AttestationDefinition], claims: JsonObject) -> None:
        self._sources = sources
        self._claims = claims
        self._made: dict[tuple[str, ...], JsonObject] = {}

    def of(self, definition: CredentialDefinition) -> JsonObject:
        view = self._made.get(definition.attestations)
        if view is None:
            view = self._made[definition.attestations] = claims_view(definition, self._sources, self._claims)
        return view


class Evaluator:
    """Runs the pipeline and makes content of its claims."""

    def __init__(
        self,
        sources: SourceRegistry,
        rules: RuleRegistry,
        templates: TemplateEngine,
        schemas: SchemaEngine,
        clock: Clock,
    ) -> None:
        self.sources = sources
        self.rules = rules
        self._templates = templates
        self._schemas = schemas
        self._clock = clock

    async def verify(
        self,
        definitions: Sequence[CredentialDefinition],
        sources: Mapping[str, AttestationDefinition],
        context: AttestationContext,
    ) -> Verdict:
        """The verdict over all ``definitions``. Raises what a source raises: Unavailable if it cannot be asked."""
        for id_ in context.pushed:
            if id_ not in sources or sources[id_].type != "pushed":
                raise InvalidArgument.of(f"claims_json.{id_}", "the id of a pushed attestation of these definitions")
        wanted = list(sources.values())
        answers = await asyncio.gather(
            *(self.sources.evaluate(source, context) for source in wanted), return_exceptions=True
        )
        claims: JsonObject = {}
        missing: list[str] = []
        for source, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            if answer is not None:
                claims[source.id] = answer
            elif source.required:
                missing.append(source.id)
        views = _Views(sources, claims)
        outcomes = tuple(
            (definition.id, outcome)
            for definition in definitions
            for outcome in evaluate_all(self.rules, definition.rules, views.of(definition))
        )
        return Verdict(claims, tuple(missing), outcomes)

    def contents(
        self,
        definitions: Sequence[CredentialDefinition],
        sources: Mapping[str, AttestationDefinition],
        claims: JsonObject,
        holder_did: str,
    ) -> dict[DefinitionRef, JsonObject]:
        """The content of each credential of a request; raises as ``content`` does."""
        views = _Views(sources, claims)
        return {
            definition.ref: self._content(definition, views.of(definition), holder_did) for definition in definitions
        }

    def content(
        self,
        definition: CredentialDefinition,
        sources: Mapping[str, AttestationDefinition],
        claims: JsonObject,
        holder_did: str,
    ) -> JsonObject:
        """The credential's content: mappings or template over the definition's view, checked against its schema.

        Raises FailedPrecondition (CLAIMS_INVALID) if a required claim is missing, the schema does not hold or the
        claims say that it has expired, and what the template engine raises.
        """
        return self._content(definition, claims_view(definition, sources, claims), holder_did)

    def _content(self, definition: CredentialDefinition, view: JsonObject, holder_did: str) -> JsonObject:
        if definition.template is None:
            mapped = apply(definition.mappings, view)
            problems, document = list(mapped.problems), mapped.document
        else:
            problems = []
            document = self._templates.render(
                definition.template, {"claims": view, "holder": {"id": holder_did}, "type": definition.credential_type}
            )
        subject = document.get("credentialSubject")
        if not isinstance(subject, dict) or not subject:
            problems.append("credentialSubject: at least one claim")
        elif definition.schema is not None:
            problems += self._schemas.violations(definition.schema, {**subject, "id": holder_did})
        for name in ENDS:
            if (stated := document.get(name)) is not None:
                end = moment(stated)
                if end is None:
                    problems.append(f"{name}: an ISO 8601 date or date-time")
                elif end <= self._clock.now():
                    problems.append(f"{name}: it has expired already")
        if problems:
            raise FailedPrecondition(
                Reason.CLAIMS_INVALID, f"definition {definition.id}: {'; '.join(problems)}; see TryDefinition"
            )
        return document


def end_of(definition: CredentialDefinition, content: JsonObject, valid_from: datetime) -> datetime | None:
    """The earlier of the definition's validity and an expiration in its content, which may have passed by now."""
    ends = [] if definition.validity is None else [valid_from + definition.validity]
    ends += [end.replace(microsecond=0) for name in ENDS if (end := moment(content.get(name))) is not None]
    end = min(ends, default=None)
    if end is not None and end <= valid_from:
        raise FailedPrecondition(Reason.CLAIMS_INVALID, "the claims say that it has expired already")
    return end


def refusal_of(problem: Problem) -> bool:
    """Whether ``problem`` says that the holder lacks something, rather than that something of ours is wrong."""
    return problem.reason in (Reason.ATTESTATION_MISSING, Reason.RULE_FAILED, Reason.CLAIMS_INVALID)
