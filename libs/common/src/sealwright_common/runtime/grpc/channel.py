"""Client channels: a deadline on every call, retries where repeating is safe, mTLS that follows its files, one trace.

A :class:`Channel` is a ``grpc.aio.Channel`` and goes into generated stubs. Calls made through it raise the
:class:`~sealwright_common.domain.errors.Problem` that the peer answered, never ``AioRpcError``.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from datetime import timedelta
from typing import Any, cast

import grpc
import structlog
from grpc import aio
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import Field

from sealwright_common.domain.errors import Problem, Reason, Unavailable
from sealwright_common.domain.tenants import DEFAULT_TENANT
from sealwright_common.runtime import addresses
from sealwright_common.runtime.config import Duration, Section, TlsSettings
from sealwright_common.runtime.grpc import metadata
from sealwright_common.runtime.grpc.credentials import CertificateFiles, channel_credentials
from sealwright_common.runtime.grpc.errors import problem_from_rpc_error
from sealwright_common.runtime.loading import ConfigError
from sealwright_common.runtime.telemetry import metrics
from sealwright_common.runtime.telemetry.calls import call_tracer
from sealwright_common.runtime.telemetry.context import traceparent_of

log = structlog.get_logger(__name__)

CERTIFICATE_CHECK = timedelta(seconds=1)
"""How often certificate files are looked at."""
DRAIN_OLD = timedelta(seconds=60)
"""Time that calls on a channel with old certificates get to finish."""
MAX_RECEIVE = 16 * 1024 * 1024
"""Largest response, in bytes; a batch of 500 answers fits well."""

SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
)
"""UNAVAILABLE is answered only where repeating is safe, and mutations carry a request_id: any call may be repeated."""


class ChannelSettings(Section):
    """How to reach one peer service."""

    target: str
    """gRPC target, e.g. 127.0.0.1:7101 or dns:///signer:7101."""
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
    """Deadline of unary calls that give none."""
    server_name: str | None = None
    """DNS name the peer's certificate must have; by default the host of the target."""
    plaintext: bool = False
    """No TLS to this peer though we have certificates: for a plugin beside us. Loopback only."""


def connect(
    settings: ChannelSettings | str, name: str, tls: TlsSettings | None = None, *, tenant: str = DEFAULT_TENANT
) -> Channel:
    """A channel to the peer ``name``; give it to stubs and add it to the app, or close it yourself.

    Plaintext when ``tls`` is None, for loopback targets only (ConfigError otherwise). ``tenant`` is the one calls are
    for unless their metadata names another.
    """
    settings = ChannelSettings(target=settings) if isinstance(settings, str) else settings
    if settings.plaintext:
        tls = None
    if tls is None and not _local(settings.target):
        raise ConfigError([f"plaintext calls go to loopback only, and {name} is at {settings.target}: set tls"])
    return Channel(settings, name, tls, tenant)


def _local(target: str) -> bool:
    """Whether all addresses of a gRPC target (``host:port``, ``dns:///host:port``, ``ipv4:a:1,b:2``) are loopback."""
    scheme, _, rest = target.partition(":")
    listed = (rest if scheme in ("dns", "ipv4", "ipv6") else target).rpartition("/")[2]
    try:
        return all(addresses.is_loopback(address) for address in listed.split(","))
    except ValueError:
        return False


class Channel(aio.Channel):
    """Opens with the first call. When the certificate files change, later calls go over a new connection."""

    def __init__(self, settings: ChannelSettings, name: str, tls: TlsSettings | None, tenant: str) -> None:
        self.name = f"channel {name}"
        self.timeout = settings.timeout.total_seconds()
        self.metadata = metadata.for_tenant(tenant)
        self._settings = settings
        self._files = CertificateFiles(tls) if tls is not None else None
        self._inner: aio.Channel | None = None
        self._generation = 0
        self._watcher: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    # -- the part -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Nothing: the connection opens with the first call, so a late peer holds up nobody."""

    async def stop(self) -> None:
        """Close; calls that run are cancelled."""
        await self.close()

    # -- grpc.aio.Channel ---------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Close, giving running calls ``grace`` seconds."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
            self._watcher = None
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)
        if self._inner is not None:
            inner, self._inner = self._inner, None
            self._generation += 1
            await inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """State of the connection that new calls would use."""
        return self.current()[0].get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another one."""
        await self.current()[0].wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return when the peer is connected."""
        await self.current()[0].channel_ready()

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> Any:
        """For generated stubs."""
        return _UnaryCallable(self, "unary_unary", method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> Any:
        """For generated stubs."""
        return _StreamCallable(self, "unary_stream", method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> Any:
        """For generated stubs."""
        return _StreamCallable(self, "stream_unary", method, request_serializer, response_deserializer)

    def stream_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> Any:
        """For generated stubs."""
        return _StreamCallable(self, "stream_stream", method, request_serializer, response_deserializer)

    # -- connections --------------------------------------------------------------------------------------------------

    def current(self) -> tuple[aio.Channel, int]:
        """The connection for new calls and its generation."""
        if self._inner is None:
            self._inner = self._open()
            if self._files is not None and self._watcher is None:
                self._watcher = asyncio.create_task(self._watch(self._files), name=f"{self.name} certificates")
        return self._inner, self._generation

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something small that ends with the channel at the latest."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _open(self) -> aio.Channel:
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", SERVICE_CONFIG),
            ("grpc.enable_retries", 1),
            # Peers are ours: a proxy that the environment names must not come between.
            ("grpc.enable_http_proxy", 0),
            # A peer that starts late is found soon: the default backs off to two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.max_receive_message_length", MAX_RECEIVE),
            # Each generation needs a connection of its own: pooled ones would keep the old certificate.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self._files is None:
            return aio.insecure_channel(self._settings.target, options)
        if self._settings.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self._settings.server_name))
        return aio.secure_channel(self._settings.target, channel_credentials(self._files), options)

    async def _watch(self, files: CertificateFiles) -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_CHECK.total_seconds())
            if files.changed() and self._inner is not None:
                old, self._inner = self._inner, self._open()
                self._generation += 1
                self.background(old.close(DRAIN_OLD.total_seconds()))


class _Callable:
    """One RPC of a stub, bound to whatever connection is current."""

    def __init__(self, channel: Channel, kind: str, method: str, serialize: Any, deserialize: Any) -> None:
        self._channel = channel
        self._kind = kind
        self._path = method
        self._name = method.lstrip("/")
        self._codecs = (serialize, deserialize)
        self._generation = -1
        self._multi: Callable[..., Any] | None = None
        self._timer = metrics.CallTimer(metrics.rpc_client, method)
        self._attributes = {"rpc.system.name": "grpc", "rpc.method": self._name}

    def _current(self) -> Callable[..., Any]:
        inner, generation = self._channel.current()
        if self._multi is None or generation != self._generation:
            # Registered methods save gRPC a look-up per call.
            self._multi = getattr(inner, self._kind)(self._path, *self._codecs, _registered_method=True)
            self._generation = generation
        return cast("Callable[..., Any]", self._multi)

    def _started(self) -> trace.Span:
        parent = trace.get_current_span().get_span_context()
        return call_tracer.start(self._name, SpanKind.CLIENT, self._attributes, parent)

    def _metadata(self, given: Any, span: trace.Span) -> tuple[tuple[str, str | bytes], ...]:
        """What the caller gave; tenant and trace are the channel's only where the caller named none."""
        own = tuple(given) if given else ()
        named = {key for key, _ in own}
        if metadata.TENANT not in named:
            own = (*own, *self._channel.metadata)
        traceparent = "" if metadata.TRACEPARENT in named else traceparent_of(span)
        return (*own, (metadata.TRACEPARENT, traceparent)) if traceparent else own


class _UnaryCallable(_Callable):
    """``await stub.Sign(request, timeout=1)``."""

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        started = time.perf_counter()
        span = self._started()
        status = "OK"
        try:
            return await self._current()(
                request,
                timeout=self._channel.timeout if timeout is None else timeout,
                metadata=self._metadata(metadata, span),
                credentials=credentials,
                wait_for_ready=wait_for_ready,
                compression=compression,
            )
        except aio.AioRpcError as error:
            status = error.code().name
            raise problem_from_rpc_error(error) from error
        except BaseException:
            status = "CANCELLED"
            raise
        finally:
            _end(span, status)
            self._timer.observe(time.perf_counter() - started, status)


class _StreamCallable(_Callable):
    """``async for key in stub.WatchKeys(request, timeout=math.inf)``. A stream says how long it may take."""

    def __call__(
        self,
        request: Any = None,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> Any:
        if timeout is None:
            raise ValueError(f"{self._name} streams and needs a timeout in seconds; math.inf for as long as it lasts")
        span = self._started()
        call = self._current()(
            request,
            timeout=None if math.isinf(timeout) else timeout,
            metadata=self._metadata(metadata, span),
            credentials=credentials,
            wait_for_ready=wait_for_ready,
            compression=compression,
        )
        started = time.perf_counter()

        def done(finished: Any) -> None:
            self._channel.background(self._record(finished, span, started))

        call.add_done_callback(done)
        return _Stream(call)

    async def _record(self, call: Any, span: trace.Span, started: float) -> None:
        status = (await call.code()).name
        _end(span, status)
        self._timer.observe(time.perf_counter() - started, status)


class _Stream:
    """A running stream, with Problems instead of gRPC's errors; the rest is the gRPC call's own."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._iterate()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._answer().__await__()

    async def read(self) -> Any:
        """The next response; ``grpc.aio.EOF`` at the end."""
        return await self._translated(self._call.read())

    async def write(self, request: Any) -> None:
        """Send one request; returns when gRPC took it, which is the flow control."""
        await self._translated(self._call.write(request))

    async def done_writing(self) -> None:
        """No more requests."""
        await self._call.done_writing()

    def cancel(self) -> bool:
        """End the stream."""
        return self._call.cancel()

    async def _iterate(self) -> AsyncIterator[Any]:
        try:
            async for response in self._call:
                yield response
        except aio.AioRpcError as error:
            raise _stream_problem(error) from error
        finally:
            self._call.cancel()

    async def _answer(self) -> Any:
        return await self._translated(self._call)

    async def _translated(self, awaitable: Any) -> Any:
        try:
            return await awaitable
        except aio.AioRpcError as error:
            raise _stream_problem(error) from error
        except aio.UsageError:
            # Writing into a stream that the peer has ended: its status says why.
            if self._call.done() and await self._call.code() is not grpc.StatusCode.OK:
                raise problem_from_rpc_error(await _error_of(self._call)) from None
            raise


def _stream_problem(error: aio.AioRpcError) -> Problem:
    """The problem of a stream that ended.

    gRPC's client forgets the peer's status when it comes while a request is being sent, and says INTERNAL from its
    core: all that is known then is that the stream is over, so it is worth another try.
    """
    if error.code() is grpc.StatusCode.INTERNAL and error.details() == "Internal error from Core":
        return Unavailable(Reason.PEER_UNAVAILABLE, "the peer ended the stream; open it again to learn why")
    return problem_from_rpc_error(error)


async def _error_of(call: Any) -> aio.AioRpcError:
    return aio.AioRpcError(
        await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )


def _end(span: trace.Span, status: str) -> None:
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", status)
        if status != "OK":
            span.set_status(StatusCode.ERROR)
        span.end()
