"""``POST /v3/issuer`` and ``GET /v3/issuer/{type}``: challenge-bypass-server's JSON, with errors that mean something.

The body has ``name``, ``max_tokens``, ``valid_from`` (RFC 3339), ``duration`` (ISO 8601), ``buffer`` and ``overlap``,
the last two counted in durations; optionally ``cohort``, ``expires_at``, ``mode``, ``publish_lead`` (ISO 8601),
``algorithm``, ``purpose``, ``protection`` and ``allow_legacy_protocol``. Anything else is refused, since nothing is
accepted and ignored.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeVar

import orjson
from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason, Unauthenticated
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import DEFAULT_COHORT, Issuer, IssuerKey, active_keys
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, Protection
from sealwright_common.domain.schedule import Schedule, ScheduleMode
from sealwright_common.domain.tenants import DEFAULT_TENANT, tenant
from sealwright_common.runtime.idempotency import Replay
from starlette.requests import Request
from starlette.responses import Response

from sealwright_rotator.ports import World
from sealwright_rotator.usecases.create_issuer import CreatedIssuer, CreateIssuer
from sealwright_rotator.usecases.queries import cohort_keys
from sealwright_rotator.usecases.recording import moment

E = TypeVar("E", bound=StrEnum)

_REQUIRED = ("name", "duration", "buffer")
_MEMBERS = frozenset(
    (*_REQUIRED, "max_tokens", "valid_from", "overlap", "cohort", "expires_at", "mode", "publish_lead", "algorithm",
     "purpose", "protection", "allow_legacy_protocol")
)  # fmt: skip

_NAMES_HERE = {"issuer_type": "name", "cohorts": "cohort"}
"""What the members are called whose names differ from ours."""

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)


def tenant_of(request: Request) -> str:
    """The tenant named by the header ``sealwright-tenant``; InvalidArgument TENANT_INVALID if it is no name."""
    return tenant(request.headers.get("sealwright-tenant", DEFAULT_TENANT))


class IssuerDoor:
    """POST /v3/issuer, for holders of one of ``tokens``; for everybody if there are none."""

    def __init__(self, create: CreateIssuer, clock: Clock, woken: Callable[[], None], tokens: Sequence[str]) -> None:
        self._create = create
        self._clock = clock
        self._woken = woken
        self._tokens = [token.encode() for token in tokens]

    def _check(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        # Every token is compared, in constant time, so that the time tells nothing.
        matches = [hmac.compare_digest(given, token) for token in self._tokens]
        if matches and not any(matches):
            raise Unauthenticated(Reason.CALLER_UNKNOWN, "send one of the issuer tokens as Authorization: Bearer TOKEN")

    async def create(self, request: Request) -> Response:
        """201 with the issuer and its windows; 400, 401, 409 or 503 as problem+json."""
        self._check(request)
        body = await request.body()
        call = Call(
            caller="http",
            roles=frozenset({"client"}),
            tenant=tenant_of(request),
            method="POST /v3/issuer",
            request_id=_request_id(request),
            digest=sha256(body).digest(),
            encode=_created,
        )
        try:
            wanted = wanted_issuer(_members(body), call.tenant, self._clock.now())
            answer = await self._answer(call, wanted)
        except InvalidArgument as problem:
            raise problem.as_sent(_NAMES_HERE) from None
        self._woken()
        location = f"/v3/issuer/{wanted.issuer_type}"
        return Response(answer, 201, headers={"location": location}, media_type="application/json")

    async def _answer(self, call: Call, wanted: Issuer) -> bytes:
        try:
            return _created(await self._create(call, wanted))
        except Replay as replay:
            return replay.answer


class IssuerPage:
    """GET /v3/issuer/{type}."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        """200 with the issuer, the public key that signs now and every key's window; 404 as problem+json."""
        call = Call(caller="http", roles=frozenset({"client"}), tenant=tenant_of(request), method="GET /v3/issuer")
        cohort = request.query_params.get("cohort", str(DEFAULT_COHORT))
        if not (cohort.isascii() and cohort.isdigit() and 1 <= int(cohort) <= 32767):
            raise InvalidArgument.of("cohort", "a number from 1 to 32767")
        issuer, keys = await cohort_keys(self._world, call, request.path_params["type"], int(cohort))
        document = _document(issuer, keys, int(cohort), self._world.clock.now())
        return Response(orjson.dumps(document), media_type="application/json", headers={"cache-control": "no-cache"})


def _request_id(request: Request) -> str | None:
    given = request.headers.get("idempotency-key")
    if given is not None and not 1 <= len(given) <= 128:
        raise InvalidArgument.of("Idempotency-Key", "1 to 128 characters")
    return given


def _members(body: bytes) -> dict[str, Any]:
    """The body's members; InvalidArgument if it is no JSON object, or has a member twice or an unknown one."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise InvalidArgument.of("body", "a JSON object with each member once")
        return members

    try:
        members = json.loads(body, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise InvalidArgument.of("body", "a JSON object") from None
    if not isinstance(members, dict):
        raise InvalidArgument.of("body", "a JSON object")
    wrong = [
        FieldProblem(name, "a member of this request, see its documentation") for name in members.keys() - _MEMBERS
    ]
    wrong += [FieldProblem(name, "a value: it is required") for name in _REQUIRED if members.get(name) is None]
    if wrong:
        raise InvalidArgument.of_all(sorted(wrong, key=lambda problem: problem.path))
    return members


def wanted_issuer(members: dict[str, Any], tenant: str, now: datetime) -> Issuer:
    """The issuer that a body asks for; InvalidArgument naming the members that are wrong."""
    publish_lead = _optional(members, "publish_lead", str)
    cohort = _optional(members, "cohort", int)
    schedule = Schedule.checked(
        valid_from=_moment(members, "valid_from") or now,
        duration=CalendarDuration.parse(_needed(members, "duration", str)),
        buffer=_needed(members, "buffer", int),
        overlap=_optional(members, "overlap", int) or 0,
        mode=_choice(members, "mode", ScheduleMode) or ScheduleMode.WINDOW,
        expires_at=_moment(members, "expires_at"),
        publish_lead=None if publish_lead is None else _span(publish_lead),
    )
    return Issuer.checked(
        id=new_id(now),
        tenant=tenant,
        issuer_type=_needed(members, "name", str),
        cohorts=() if cohort is None else (cohort,),
        max_tokens=_optional(members, "max_tokens", int),
        schedule=schedule,
        algorithm=_choice(members, "algorithm", KeyAlgorithm),
        purpose=_choice(members, "purpose", KeyPurpose) or KeyPurpose.BLIND_SIGNATURE,
        protection=_choice(members, "protection", Protection),
        verify_for=None,
        destroy_delay=None,
        allow_legacy_protocol=_optional(members, "allow_legacy_protocol", bool) or False,
        now=now,
    )


V = TypeVar("V", str, int, bool)
_NAMES = {str: "a string", int: "a whole number", bool: "true or false"}


def _optional(members: dict[str, Any], name: str, kind: type[V]) -> V | None:
    value = members.get(name)
    if value is None:
        return None
    if type(value) is not kind:
        raise InvalidArgument.of(name, _NAMES[kind])
    return value


def _needed(members: dict[str, Any], name: str, kind: type[V]) -> V:
    value = _optional(members, name, kind)
    if value is None:
        raise InvalidArgument.of(name, _NAMES[kind])
    return value


def _moment(members: dict[str, Any], name: str) -> datetime | None:
    text = _optional(members, name, str)
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text.upper()) if _RFC3339.fullmatch(text) else None
    except ValueError:
        value = None
    if value is None:
        raise InvalidArgument.of(
            name, "an RFC 3339 time with its zone, e.g. 2026-01-01T00:00:00Z", reason=Reason.SCHEDULE_INVALID
        )
    return value


def _span(text: str) -> timedelta:
    lead = CalendarDuration.parse(text, "publish_lead")
    if lead.months:
        raise InvalidArgument.of("publish_lead", "a duration without months and years", reason=Reason.SCHEDULE_INVALID)
    return lead.least


def _choice(members: dict[str, Any], name: str, kind: type[E]) -> E | None:
    text = _optional(members, name, str)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise InvalidArgument.of(name, f"one of {', '.join(kind)}") from None


def _created(value: CreatedIssuer) -> bytes:
    cohort = value.issuer.cohorts[0]
    keys = [key for key in value.keys if key.cohort == cohort]
    return orjson.dumps(_document(value.issuer, keys, cohort, value.issuer.created_at))


def _document(issuer: Issuer, keys: list[IssuerKey], cohort: int, now: datetime) -> dict[str, Any]:
    """An issuer as both routes show it."""
    active = active_keys(keys, max(now, issuer.schedule.valid_from))
    document: dict[str, Any] = {
        "id": str(issuer.id),
        "name": issuer.issuer_type,
        "cohort": cohort,
        "public_key": b64encode(active[-1].public_key).decode() if active else None,
        "max_tokens": issuer.max_tokens,
        "valid_from": moment(issuer.schedule.valid_from),
        "duration": str(issuer.schedule.duration),
        "buffer": issuer.schedule.buffer,
        "overlap": issuer.schedule.overlap,
        "mode": issuer.schedule.mode.value,
        "algorithm": issuer.algorithm.value,
        "purpose": issuer.purpose.value,
        "state": issuer.state.value,
        "keys": [
            {
                "id": str(key.key_id),
                "slot": key.slot,
                "start_at": moment(key.window.start),
                "end_at": moment(key.window.end),
                "state": key.state.value,
                "public_key": b64encode(key.public_key).decode(),
            }
            for key in keys
            if key.key_id is not None
        ],
    }
    if issuer.schedule.expires_at is not None:
        document["expires_at"] = moment(issuer.schedule.expires_at)
    return document
