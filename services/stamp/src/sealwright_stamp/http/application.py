"""The routes of the compatible door, with and without the path base."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import CertificateRef, CertificateState, DeliveryState
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Problem, Reason, Unauthenticated
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.tenants import DEFAULT_TENANT, tenant
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from sealwright_stamp.http import answers, bodies
from sealwright_stamp.ports import CertificateFilter
from sealwright_stamp.usecases.doors import StampUseCases
from sealwright_stamp.usecases.look import PageRequest

Handler = Callable[[Request, Call], Awaitable[Response]]
LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class HttpCallers:
    """Who may call: identities by bearer token. Without tokens everybody who can connect is ``http``."""

    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    """Token -> identity."""

    def identity(self, request: Request) -> str:
        """The caller. Raises Unauthenticated for a missing or unknown token."""
        if not self.tokens:
            return "http"
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        found = ""
        for token, identity in self.tokens.items():
            if hmac.compare_digest(token.encode(), given.strip().encode()):
                found = identity
        if scheme.lower() != "bearer" or not found:
            raise Unauthenticated(
                Reason.CALLER_UNKNOWN, "a bearer token is needed: Authorization: Bearer <token of http_callers>"
            )
        return found


def application(
    usecases: StampUseCases,
    callers: HttpCallers,
    path_base: str,
    withdraw_wait: timedelta,
    reasons: Callable[[], Mapping[str, str]],
) -> Starlette:
    """The ASGI application. ``withdraw_wait``: how long a withdrawal is waited for; ``reasons``: why not ready."""
    door = _Door(usecases, withdraw_wait)

    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            call = Call(
                caller=callers.identity(request),
                roles=frozenset({"client"}),
                tenant=tenant(request.headers.get("sealwright-tenant", DEFAULT_TENANT)),
                method=f"{method} {path}",
                trace=request.headers.get("traceparent", ""),
            )
            try:
                return await handler(request, call)
            except Problem as problem:
                raise bodies.renamed(problem) from problem

        return Route(path, endpoint, methods=[method])

    async def live(request: Request) -> Response:
        return _json({"alive": True})

    async def ready(request: Request) -> Response:
        return _json({"ready": not reasons(), "reasons": dict(reasons())}, 503 if reasons() else 200)

    routes: list[BaseRoute] = [
        route("/v1/recipients", door.create_recipient, "POST"),
        route("/v1/recipients", door.list_recipients),
        route("/v1/recipients/{id}", door.get_recipient),
        route("/v1/certificates", door.issue, "POST"),
        route("/v1/certificates", door.list_certificates),
        route("/v1/certificates/withdrawn", door.list_withdrawn),
        route("/v1/certificates/{registry}/{id}/withdraw", door.withdraw, "POST"),
        route("/v1/certificates/{registry}/{id}/history", door.history),
        route("/v1/certificates/{registry}/{id}", door.get_certificate),
        Route("/health/live", live),
        Route("/health/ready", ready),
    ]
    return Starlette(routes=[*routes, Mount(path_base, routes=routes)] if path_base else routes)


class _Door:
    """The handlers: decode, call, encode."""

    def __init__(self, usecases: StampUseCases, withdraw_wait: timedelta) -> None:
        self._do = usecases
        self._withdraw_wait = withdraw_wait.total_seconds()

    async def create_recipient(self, request: Request, call: Call) -> Response:
        """201 with the id."""
        endpoint = bodies.wallet_endpoint(bodies.parse(await request.body()))
        return _json({"id": str((await self._do.create_recipient(call, endpoint)).id)}, 201)

    async def get_recipient(self, request: Request, call: Call) -> Response:
        """200."""
        return _json(answers.recipient(await self._do.get_recipient(call, parse_id(request.path_params["id"], "id"))))

    async def list_recipients(self, request: Request, call: Call) -> Response:
        """200, a page."""
        query = _Query(request, "pageToken", "pageSize")
        token = query.text("pageToken")
        page = (parse_id(token, "pageToken") if token else None, query.number("pageSize", 100, LONGEST_PAGE, 1))
        found, following = await self._do.list_recipients(call, page)
        token = str(following) if following else ""
        return _json({"result": [answers.recipient(value) for value in found], "nextPageToken": token})

    async def issue(self, request: Request, call: Call) -> Response:
        """202; the same order again 202."""
        await self._do.accept.one(call, bodies.order(bodies.parse(await request.body())))
        return _json({}, 202)

    async def get_certificate(self, request: Request, call: Call) -> Response:
        """200."""
        return _json(answers.certificate(await self._do.get_certificate(call, _ref(request))))

    async def history(self, request: Request, call: Call) -> Response:
        """200."""
        entries = await self._do.history(call, _ref(request))
        return _json({"result": [answers.history_entry(entry) for entry in entries]})

    async def list_certificates(self, request: Request, call: Call) -> Response:
        """200, a page."""
        query = _Query(
            request, "state", "deliveryState", "recipientId", "meteringPointId", "gridArea", "pageToken", "pageSize"
        )
        recipient = query.text("recipientId")
        wanted = CertificateFilter(
            query.choice("state", CertificateState),
            query.choice("deliveryState", DeliveryState),
            parse_id(recipient, "recipientId") if recipient else None,
            query.text("meteringPointId"),
            query.text("gridArea"),
        )
        after = query.number("pageToken", 0, 2**62)
        size = query.number("pageSize", 100, LONGEST_PAGE, 1)
        page = await self._do.list_certificates(call, PageRequest(wanted, after, size))
        token = str(page.next_after) if page.next_after else ""
        return _json({"result": [answers.certificate(value) for value in page.certificates], "nextPageToken": token})

    async def withdraw(self, request: Request, call: Call) -> Response:
        """201 once the registry has committed; 202 with the certificate if that takes longer than this door waits."""
        ref = _ref(request)
        certificate = await self._do.withdraw(call, ref)
        until = asyncio.get_running_loop().time() + self._withdraw_wait
        while asyncio.get_running_loop().time() < until:
            if (row := await self._do.find_withdrawn(call, ref)) is not None:
                return _json(answers.withdrawn(row), 201)
            certificate = await self._do.get_certificate(call, ref)
            if certificate.state is not CertificateState.WITHDRAWING:
                break
            await asyncio.sleep(0.1)
        if (row := await self._do.find_withdrawn(call, ref)) is not None:
            return _json(answers.withdrawn(row), 201)
        return _json(answers.certificate(certificate), 202)

    async def list_withdrawn(self, request: Request, call: Call) -> Response:
        """200: rows after ``lastWithdrawnId``."""
        query = _Query(request, "lastWithdrawnId", "skip", "limit")
        after, skip = query.number("lastWithdrawnId", 0, 2**62), query.number("skip", 0, 2**31 - 1)
        limit = query.number("limit", 2**31 - 1, 2**31 - 1)
        page = await self._do.list_withdrawn(call, (after, skip, limit))
        return _json(answers.feed(page, skip, limit))


class _Query:
    """Query parameters, their names matched without regard to case; unknown ones are refused."""

    def __init__(self, request: Request, *known: str) -> None:
        proper = {name.casefold(): name for name in known}
        self._values: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name.casefold() not in proper:
                raise InvalidArgument.of(name[:64], f"no such parameter; known are {', '.join(known)}")
            self._values[proper[name.casefold()]] = value

    def text(self, name: str) -> str:
        """A parameter, empty if not given."""
        return self._values.get(name, "")

    def number(self, name: str, default: int, most: int, least: int = 0) -> int:
        """A whole number."""
        text = self._values.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
            raise InvalidArgument.of(name, f"a whole number from {least} to {most}")
        return int(text)

    def choice(self, name: str, kind: type[bodies.E]) -> bodies.E | None:
        """One of an enum's names."""
        text = self._values.get(name, "")
        if not text:
            return None
        try:
            return kind(text.upper())
        except ValueError:
            names = ", ".join(member.value.lower() for member in kind)
            raise InvalidArgument.of_all([FieldProblem(name, f"one of {names}")]) from None


def _ref(request: Request) -> CertificateRef:
    return CertificateRef(request.path_params["registry"], parse_id(request.path_params["id"], "certificateId"))


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
