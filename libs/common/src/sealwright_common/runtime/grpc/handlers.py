"""One flat wrapper around each servicer method, built at start.

It does, in this order and without a chain of interceptors: errors, telemetry, authentication and allow-list, deadline,
overload, decoding and field validation, stored answers, the servicer, encoding. Requests are decoded here and not by
gRPC, which would answer malformed bytes with INTERNAL.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from opentelemetry.trace import Span, SpanKind, StatusCode

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import PermissionDenied, Problem, Reason, ResourceExhausted
from sealwright_common.runtime.completion import cancellable
from sealwright_common.runtime.grpc import metadata
from sealwright_common.runtime.grpc.errors import DETAILS_KEY, STATUS, status_of
from sealwright_common.runtime.grpc.gates import Gate
from sealwright_common.runtime.grpc.identity import LOCAL, Identity, authenticate
from sealwright_common.runtime.grpc.policy import Policy
from sealwright_common.runtime.grpc.validation import malformed, validate
from sealwright_common.runtime.idempotency import Replay
from sealwright_common.runtime.incidents import as_problem
from sealwright_common.runtime.ratelimit import RateLimiter
from sealwright_common.runtime.telemetry import metrics
from sealwright_common.runtime.telemetry.calls import call_tracer
from sealwright_common.runtime.telemetry.context import attach, parse, traceparent_of

log = structlog.get_logger(__name__)

Context = aio.ServicerContext[Any, Any]
FindAnswer = Callable[[Call], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the handlers of one server share."""

    plaintext: bool
    """Whether callers have no certificate and get every role (loopback only)."""
    gates: Mapping[str, Gate]
    """Gate of each rate class."""
    find_answer: FindAnswer | None
    """Looks up the stored answer of a repeated request id."""
    limiter: RateLimiter | None
    """Limits rates over all instances."""
    receive_bytes: int
    """Largest request message."""


class Wrapped:
    """The handler of one RPC."""

    def __init__(
        self, method: MethodDescriptor, behaviour: Callable[..., Any], policy: Policy, around: Surroundings
    ) -> None:
        self._path = f"/{method.containing_service.full_name}/{method.name}"
        self._name = self._path[1:]
        self._behaviour = behaviour
        self._policy = policy
        self._around = around
        self._callers = frozenset(policy.callers)
        self._gate = around.gates[policy.rate]
        self._default_deadline = None if policy.deadline is None else policy.deadline.total_seconds()
        self._timer = metrics.CallTimer(metrics.rpc_server, self._path)
        self._request_name = method.input_type.full_name
        self._parse: Callable[[bytes], Message] = GetMessageClass(method.input_type).FromString
        self._has_request_id = "request_id" in method.input_type.fields_by_name and not method.client_streaming
        self._find_answer = around.find_answer if policy.replay_first and self._has_request_id else None
        self._attributes = {"rpc.system.name": "grpc", "rpc.method": self._name}
        self._streams_in = method.client_streaming
        self._streams_out = method.server_streaming

    def handler(self) -> Any:
        """The gRPC handler, taking and giving raw bytes."""
        if self._streams_in:
            build = grpc.stream_stream_rpc_method_handler if self._streams_out else grpc.stream_unary_rpc_method_handler
        else:
            build = grpc.unary_stream_rpc_method_handler if self._streams_out else grpc.unary_unary_rpc_method_handler
        return build(self._handle)

    async def _handle(self, incoming: Any, context: Context) -> bytes | None:
        started = time.perf_counter()
        status = "OK"
        span = remaining = None
        try:
            identity = LOCAL if self._around.plaintext else authenticate(context.auth_context())
            tenant, remote = metadata.read(context.invocation_metadata())
            span = call_tracer.start(self._name, SpanKind.SERVER, self._attributes, parse(remote) if remote else None)
            attach(span)
            if self._callers.isdisjoint(identity.roles):
                raise self._not_allowed(identity)
            remaining = context.time_remaining()
            if remaining is None:
                remaining = self._default_deadline
            gate = self._gate
            if gate.running >= gate.limit:
                raise gate.refuse()
            gate.running += 1
            try:
                return await cancellable(self._work(incoming, context, identity, tenant, remaining, span), remaining)
            finally:
                gate.running -= 1
        except Replay as replay:
            return await self._replay(replay, context)
        except asyncio.CancelledError:
            late = remaining is not None and time.perf_counter() - started >= remaining
            status = "DEADLINE_EXCEEDED" if late else "CANCELLED"
            raise
        except aio.InternalError:
            # The call was over before all of the answer could be written: its caller left.
            status = "CANCELLED"
            raise asyncio.CancelledError from None
        except BaseException as error:  # noqa: BLE001 - total: what escaped here gRPC would send to the caller
            problem = as_problem(error, "grpc", self._path)
            status = problem.code.value
            if status in _REFUSALS:
                log.warning("caller refused", method=self._path, peer=context.peer(), problem=problem.message)
        finally:
            trace_id = 0
            if span is not None and span.is_recording():
                trace_id = span.get_span_context().trace_id
                span.set_attribute("rpc.response.status_code", status)
                if status in _FAULTS:
                    span.set_status(StatusCode.ERROR)
                span.end()
            self._timer.observe(time.perf_counter() - started, status, trace_id)
        # Outside the except clause, so that the cause is not chained to what gRPC logs.
        return await abort(context, problem)

    async def _work(
        self, incoming: Any, context: Context, identity: Identity, tenant: str, remaining: float | None, span: Span
    ) -> bytes | None:
        if self._around.limiter is not None:
            await self._around.limiter.admit(self._policy.rate, identity.uri)
        request: Any = self._requests(incoming) if self._streams_in else self._decode(incoming)
        request_id: str | None = None
        digest = b""
        if self._has_request_id:
            request_id = request.request_id or None
            if request_id is not None:
                digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        call = Call(
            caller=identity.uri,
            roles=identity.roles,
            tenant=tenant,
            method=self._path,
            request_id=request_id,
            digest=digest,
            deadline=None if remaining is None else time.monotonic() + remaining,
            trace=traceparent_of(span),
        )
        if self._find_answer is not None and (found := await self._find_answer(call)) is not None:
            raise Replay(found)
        result = self._behaviour(request, call)
        if not self._streams_out:
            return (await result).SerializeToString()
        # Closed here and now: left to the garbage collector, the servicer's clean-up would run at some later time.
        async with aclosing(result) as responses:
            async for response in responses:
                await context.write(response.SerializeToString())
        return None

    def _decode(self, raw: bytes) -> Any:
        if len(raw) > self._around.receive_bytes:
            raise ResourceExhausted(
                Reason.REQUEST_TOO_LARGE,
                f"a request of {len(raw)} bytes; this service takes {self._around.receive_bytes}",
            )
        try:
            message = self._parse(raw)
        except DecodeError:
            raise malformed(self._request_name) from None
        validate(message)
        return message

    async def _requests(self, incoming: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for raw in incoming:
            yield self._decode(raw)

    async def _replay(self, replay: Replay, context: Context) -> bytes | None:
        if not self._streams_out:
            return replay.answer
        await context.write(replay.answer)
        return None

    def _not_allowed(self, identity: Identity) -> PermissionDenied:
        return PermissionDenied(
            Reason.CALLER_NOT_ALLOWED,
            f"{identity.uri} may not call {self._name}; allowed roles: {', '.join(sorted(self._callers))}",
        )


async def abort(context: Context, problem: Problem) -> NoReturn:
    """End the call with a problem. Raises what gRPC wants to see at the end of an aborted call."""
    status = status_of(problem)
    try:
        await context.abort(STATUS[problem.code], status.message, ((DETAILS_KEY, status.SerializeToString()),))
    except aio.InternalError:
        # The caller has left; there is nobody to tell.
        raise asyncio.CancelledError from None
    raise AssertionError("abort always raises")


_REFUSALS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
"""Statuses that an operator wants to see in the log: somebody tries what it may not."""

_FAULTS = frozenset({"INTERNAL", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Statuses that are the server's fault, by the RPC conventions; the others do not make a span an error."""
