"""What stands around every HTTP application: body limit, errors, telemetry. One flat ASGI wrapper."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sealwright_common.domain.errors import Problem, Reason, ResourceExhausted
from sealwright_common.runtime.completion import cancellable
from sealwright_common.runtime.http.problems import plain_problem, problem_response
from sealwright_common.runtime.incidents import as_problem
from sealwright_common.runtime.telemetry import metrics
from sealwright_common.runtime.telemetry.calls import call_tracer
from sealwright_common.runtime.telemetry.context import attach, parse

ANSWERED = "sealwright.answered"
"""Scope key of an exception whose answer was sent already."""

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyTooLarge(ResourceExhausted):
    """The body is larger than the door takes; answered 413."""


class Door:
    """An ASGI application around another one."""

    def __init__(
        self,
        application: Callable[[Scope, Receive, Send], Awaitable[None]],
        body_bytes: int,
        deadline: timedelta | None = None,
    ) -> None:
        self._application = application
        self._body_bytes = body_bytes
        self._deadline = None if deadline is None else deadline.total_seconds()
        if isinstance(application, Starlette):
            _answer_problems(application)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; WebSockets are refused."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1003})
            return
        started = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"]
        headers = dict(scope["headers"])
        remote = parse(headers.get(b"traceparent", b"").decode("ascii", "replace"))
        span = call_tracer.start(method, SpanKind.SERVER, {"http.request.method": method}, remote)
        attach(span)
        try:
            limited = self._limited(headers, receive)
            await cancellable(_run(self._application, scope, limited, sending), self._deadline)
        except Exception as error:  # noqa: BLE001 - total: uvicorn would log what escaped here
            if scope.get(ANSWERED) is error:
                return
            problem = as_problem(error, "http", method)
            if not status:
                response = problem_response(problem, 413 if isinstance(problem, BodyTooLarge) else None)
                await response(scope, receive, sending)
            else:
                # The response had begun: cutting the connection is the only way left to say that it is not whole.
                raise ConnectionAbortedError("response failed half way") from None
        finally:
            # Starlette leaves the matched route in the scope; a raw path would make a label per id.
            route = getattr(scope.get("route"), "path", None) or "(unmatched)"
            if span.is_recording():
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                if status >= 500:
                    span.set_status(StatusCode.ERROR)
                span.end()
            metrics.http_server.labels(_known(method), route, str(status)).observe(time.perf_counter() - started)

    def _limited(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """``receive`` that raises once more than the limit has come; a longer Content-Length is refused unread."""
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_bytes:
            raise self._too_large()
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self._body_bytes:
                    raise self._too_large()
            return message

        return limited

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(Reason.REQUEST_TOO_LARGE, f"the body may have {self._body_bytes} bytes at most")


def _answer_problems(application: Starlette) -> None:
    """Have Starlette answer problems, its own HTTP exceptions and everything uncaught the way the rest of us does.

    What the application handles itself stays as it is.
    """

    async def on_problem(request: Request, error: Exception) -> Response:
        problem = as_problem(error, "http", request.method)
        return problem_response(problem, 413 if isinstance(problem, BodyTooLarge) else None)

    async def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return plain_problem(status, headers)

    async def on_uncaught(request: Request, error: Exception) -> Response:
        # Starlette raises it again after the answer, for servers that log; ours is logged here.
        request.scope[ANSWERED] = error
        return problem_response(as_problem(error, "http", request.method))

    for kind, handler in ((Problem, on_problem), (HTTPException, on_http), (Exception, on_uncaught)):
        if kind not in application.exception_handlers:
            application.add_exception_handler(kind, handler)


async def _run(application: Any, scope: Scope, receive: Receive, send: Send) -> None:
    await application(scope, receive, send)


def _known(method: str) -> str:
    """The method as a label: whatever a client makes up is one label, not one each."""
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "_OTHER"
