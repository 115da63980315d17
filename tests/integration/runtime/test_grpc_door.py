"""The gRPC door against real sockets: what goes in, what comes out, what is refused and how."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Problem,
    Reason,
    ResourceExhausted,
    Unavailable,
)
from sealwright_common.runtime.completion import point_of_no_return, shielded
from sealwright_common.runtime.config import LimitSettings
from sealwright_common.runtime.grpc import ANYONE, GrpcServer, GrpcService, Policy, answer
from sealwright_common.runtime.grpc.policy import PolicyError
from sealwright_common.runtime.idempotency import Replay

from tests.support.echo import (
    DESCRIPTOR,
    POLICIES,
    SERVICE,
    EchoRequest,
    EchoResponse,
    EchoServicer,
    calling,
    echo,
    serving,
    settings,
)
from tests.support.logs import captured

ECHO = f"/{SERVICE}/Echo"


async def several(*texts: str) -> AsyncIterator[Any]:
    for text in texts:
        yield EchoRequest(text=text)


async def test_all_four_kinds_of_rpc() -> None:
    async with serving() as server, calling(server.address) as stub:
        assert (await stub.Echo(EchoRequest(text="hello"))).text == "hello"
        assert [r.text async for r in stub.EchoMany(EchoRequest(text="x", repeat=3), timeout=5)] == ["x"] * 3
        assert (await stub.EchoAll(several("a", "b"), timeout=5)).text == "a b"
        assert [r.text async for r in stub.EchoEach(several("a", "b"), timeout=5)] == ["a", "b"]


async def test_a_call_says_who_for_whom_and_until_when() -> None:
    seen: list[Call] = []

    async def behaviour(request: Any, call: Call) -> Any:
        seen.append(call)
        return EchoResponse()

    async with serving(behaviour) as server, calling(server.address, tenant="acme") as stub:
        await stub.Echo(EchoRequest(text="x", request_id="one"), timeout=3)
        await stub.Echo(EchoRequest(text="x", request_id="one"), metadata=(("sealwright-tenant", "other"),))
        await stub.Echo(EchoRequest(text="y"))
    first, second, third = seen
    assert (first.tenant, second.tenant) == ("acme", "other")
    assert first.method == ECHO
    assert first.request_id == "one"
    assert first.digest == second.digest != b""
    assert third.request_id is None
    assert first.deadline is not None
    assert first.deadline - time.monotonic() < 3.2


@pytest.mark.parametrize("tenant", ["", "Upper", "a b", "-x", "x" * 64])
async def test_a_tenant_that_is_none_is_refused(tenant: str) -> None:
    async with serving() as server, calling(server.address) as stub:
        with pytest.raises(InvalidArgument) as refused:
            await stub.Echo(EchoRequest(text="x"), metadata=(("sealwright-tenant", tenant),))
    assert refused.value.reason is Reason.TENANT_INVALID


async def test_broken_rules_are_named_with_their_paths() -> None:
    request = EchoRequest(text="", repeat=-1, parts=[{"digest": bytes(32)}, {"digest": b"short"}])
    request.nested.repeat = 10001
    async with serving() as server, calling(server.address) as stub:
        with pytest.raises(InvalidArgument) as refused:
            await stub.Echo(request)
        paths = [field.path for field in refused.value.fields]
        assert paths == ["text", "repeat", "parts[1].digest", "nested.text", "nested.repeat"]
        assert refused.value.fields[2].expected == "must be 32 bytes"
        with pytest.raises(InvalidArgument) as refused:
            await stub.EchoAll(several("fine", ""), timeout=5)
        assert [field.path for field in refused.value.fields] == ["text"]


@pytest.mark.promise(18)
async def test_bytes_that_are_no_message_are_an_invalid_argument() -> None:
    async with serving() as server, aio.insecure_channel(server.address) as channel:
        for raw in (b"\xff", b"\x12\xff\xff\xff\xff\x0f", b"\x12\x02\xc3\x28", b"\x33" * 500):
            for kind in ("unary_unary", "unary_stream"):
                call = getattr(channel, kind)(ECHO if kind == "unary_unary" else f"/{SERVICE}/EchoMany")(raw, timeout=5)
                with pytest.raises(aio.AioRpcError) as refused:
                    await (call if kind == "unary_unary" else call.read())
                assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, raw


@pytest.mark.promise(18)
async def test_a_message_nested_too_deep_is_an_invalid_argument() -> None:
    raw = b""
    for _ in range(200):
        raw = b"\x32" + _varint(len(raw)) + raw
    async with serving() as server, aio.insecure_channel(server.address) as channel:
        with pytest.raises(aio.AioRpcError) as refused:
            await channel.unary_unary(ECHO)(raw, timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


@pytest.mark.promise(18)
async def test_what_is_too_large_is_refused() -> None:
    async with serving() as server, calling(server.address) as stub:
        with pytest.raises(ResourceExhausted):
            await stub.Echo(EchoRequest(text="x", payload=bytes(5_000_000)))
        with pytest.raises(ResourceExhausted):
            await stub.Echo(EchoRequest(text="x"), metadata=(("x-giant", "a" * 20_000),))
        assert (await stub.Echo(EchoRequest(text="x", payload=bytes(500_000)))).text == "x"


async def test_a_problem_travels_whole() -> None:
    problem = FailedPrecondition(
        Reason.KEY_NOT_USABLE, "not now", metadata={"key": "k1"}, retry_after=timedelta(seconds=1.5)
    )

    async def behaviour(request: Any, call: Call) -> Any:
        raise problem

    async with serving(behaviour) as server:
        async with calling(server.address) as stub:
            for call in (
                stub.Echo(EchoRequest(text="x")),
                stub.EchoMany(EchoRequest(text="x", repeat=1), timeout=5).read(),
                stub.EchoAll(several("x"), timeout=5),
                stub.EchoEach(several("x"), timeout=5).read(),
            ):
                with pytest.raises(FailedPrecondition, match="not now") as refused:
                    await call
                assert refused.value.reason is Reason.KEY_NOT_USABLE
                assert refused.value.metadata == {"key": "k1"}
                assert refused.value.retry_after == timedelta(seconds=1.5)
        async with aio.insecure_channel(server.address) as channel:
            with pytest.raises(aio.AioRpcError) as raw:
                await channel.unary_unary(ECHO)(EchoRequest(text="x").SerializeToString(), timeout=5)
    trailing = dict(raw.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])  # pyright: ignore[reportArgumentType]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("KEY_NOT_USABLE", "sealwright")


@pytest.mark.promise(19)
async def test_the_text_of_an_exception_reaches_neither_caller_nor_log() -> None:
    async def behaviour(request: Any, call: Call) -> Any:
        try:
            raise KeyError("marker-inner")
        except KeyError as error:
            raise ValueError("marker-secret-pin") from error

    with captured("INFO") as log:
        async with serving(behaviour) as server, calling(server.address) as stub:
            for call in (
                stub.Echo(EchoRequest(text="x")),
                stub.EchoMany(EchoRequest(text="x", repeat=1), timeout=5).read(),
                stub.EchoAll(several("x"), timeout=5),
                stub.EchoEach(several("x"), timeout=5).read(),
            ):
                with pytest.raises(Problem) as refused:
                    await call
                cause = refused.value.__cause__
                assert isinstance(cause, aio.AioRpcError)
                everything = [cause.details(), cause.debug_error_string(), cause.trailing_metadata(), refused.value]
                assert "marker" not in repr(everything)
                assert refused.value.reason is Reason.INTERNAL_ERROR
                incident = refused.value.metadata["incident"]
                line = next(event for event in log.events if event.get("incident") == incident)
                assert line["exception"][0] == "builtins.ValueError"
    assert "marker" not in log.text


async def test_work_that_is_cut_off_from_within_is_unavailable() -> None:
    async def behaviour(request: Any, call: Call) -> Any:
        raise asyncio.CancelledError

    async with serving(behaviour) as server, calling(server.address) as stub:
        with pytest.raises(Unavailable) as refused:
            await stub.Echo(EchoRequest(text="x"), timeout=10)
    assert refused.value.reason is Reason.STOPPING


async def test_the_deadline_of_the_caller_stops_the_work() -> None:
    stopped = asyncio.Event()

    async def behaviour(request: Any, call: Call) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    async with serving(behaviour) as server, calling(server.address) as stub:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await stub.Echo(EchoRequest(text="x"), timeout=0.2)
        await asyncio.wait_for(stopped.wait(), 0.25)
        assert time.monotonic() - started < 0.5


async def test_the_policy_s_deadline_holds_when_the_caller_gives_none() -> None:
    async def behaviour(request: Any, call: Call) -> Any:
        await asyncio.sleep(60)

    policies = {**POLICIES, ECHO: Policy(ANYONE, rate="write", deadline=timedelta(milliseconds=100))}
    async with serving(behaviour, policies=policies) as server, aio.insecure_channel(server.address) as channel:
        with pytest.raises(aio.AioRpcError) as refused:
            await channel.unary_unary(ECHO)(EchoRequest(text="x").SerializeToString())
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.promise(15)
@pytest.mark.parametrize("how", ["point_of_no_return", "shielded"])
async def test_work_past_its_point_of_no_return_completes(how: str) -> None:
    begun, recorded, finished = asyncio.Event(), asyncio.Event(), []

    async def record() -> None:
        begun.set()
        await asyncio.sleep(0.3)
        finished.append("recorded")
        recorded.set()

    async def behaviour(request: Any, call: Call) -> Any:
        if how == "shielded":
            await shielded(record())
        else:
            async with point_of_no_return():
                await record()
        await asyncio.sleep(60)
        finished.append("went on")

    async with serving(behaviour) as server, calling(server.address) as stub:
        with pytest.raises(DeadlineExceeded):
            await stub.Echo(EchoRequest(text="x"), timeout=0.1)
        assert begun.is_set()
        assert not recorded.is_set()
        await asyncio.wait_for(recorded.wait(), 1)
    assert finished == ["recorded"]


@pytest.mark.promise(16)
async def test_shutdown_finishes_calls_and_waits_for_what_must_complete() -> None:
    begun = asyncio.Event()
    finished: list[str] = []

    async def behaviour(request: Any, call: Call) -> Any:
        begun.set()
        if request.text == "normal":
            await asyncio.sleep(0.3)
        else:
            async with point_of_no_return():
                await asyncio.sleep(0.6)
                finished.append(request.text)
        return EchoResponse(text=request.text)

    limits = LimitSettings(drain_delay=timedelta(0), grace=timedelta(seconds=0.4))
    server_up = serving(behaviour, limits=limits)
    server = await server_up.__aenter__()
    async with calling(server.address) as stub:
        normal = asyncio.create_task(stub.Echo(EchoRequest(text="normal"), timeout=5))
        long = asyncio.create_task(stub.Echo(EchoRequest(text="long"), timeout=5))
        await begun.wait()
        await asyncio.sleep(0.05)
        await server_up.__aexit__(None, None, None)
        assert (await normal).text == "normal"
        assert finished == ["long"]
        with pytest.raises(Problem):
            await long


@pytest.mark.promise(17)
async def test_overload_is_refused_fast_with_a_time_to_retry() -> None:
    release, full = asyncio.Event(), asyncio.Event()
    inside: list[str] = []

    async def behaviour(request: Any, call: Call) -> Any:
        inside.append(request.text)
        if len(inside) == 4:
            full.set()
        await release.wait()
        return EchoResponse(text=request.text)

    limits = LimitSettings(drain_delay=timedelta(0), concurrency={"write": 4})
    async with serving(behaviour, limits=limits) as server, calling(server.address) as stub:
        running = [asyncio.create_task(stub.Echo(EchoRequest(text="x"), timeout=10)) for _ in range(4)]
        await asyncio.wait_for(full.wait(), 5)
        for _ in range(20):
            started = time.perf_counter()
            with pytest.raises(ResourceExhausted) as refused:
                await stub.Echo(EchoRequest(text="x"), timeout=1)
            assert time.perf_counter() - started < 0.05
            assert refused.value.reason is Reason.OVERLOADED
            assert refused.value.retry_after
        assert (await stub.EchoAll(several(), timeout=5)).text == ""  # another class is not full
        release.set()
        await asyncio.gather(*running)


async def test_a_stored_answer_is_sent_as_it_stands() -> None:
    stored = EchoResponse(text="stored").SerializeToString()

    async def behaviour(request: Any, call: Call) -> Any:
        raise Replay(stored)

    async with serving(behaviour) as server, calling(server.address) as stub:
        assert (await stub.Echo(EchoRequest(text="x", request_id="r"))).text == "stored"


async def test_a_stored_answer_may_be_looked_for_first() -> None:
    class Answers:
        """What a database would know: the answer of request id `known`."""

        async def find_answer(self, call: Call) -> bytes | None:
            return EchoResponse(text="found").SerializeToString() if call.request_id == "known" else None

        def connection(self) -> Any: ...

    policies = {**POLICIES, ECHO: Policy(ANYONE, rate="write", replay_first=True)}
    async with serving(policies=policies, database=Answers()) as server, calling(server.address) as stub:
        assert (await stub.Echo(EchoRequest(text="x", request_id="known"))).text == "found"
        assert (await stub.Echo(EchoRequest(text="x", request_id="new"))).text == "x"
        assert (await stub.Echo(EchoRequest(text="x"))).text == "x"


async def test_answer_encodes_once_for_store_and_response() -> None:
    encoded: list[str] = []

    def encode(value: list[str]) -> Any:
        encoded.append("once")
        return EchoResponse(text=" ".join(value))

    async def usecase(call: Call, command: str) -> list[str]:
        value = [command, "done"]
        assert call.encode is not None
        assert EchoResponse.FromString(call.encode(value)).text == "do done"
        return value

    response = await answer(Call(caller="x", request_id="r"), usecase, "do", encode)
    assert response.text == "do done"
    assert encoded == ["once"]


def test_servicers_must_have_exactly_the_methods_of_their_service() -> None:
    class Missing:
        async def Echo(self, request: Any, call: Call) -> Any: ...

    class Surplus(EchoServicer):
        async def Shout(self, request: Any, call: Call) -> Any: ...

    class Wrong(EchoServicer):
        async def EchoMany(self, request: Any, call: Call) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride]

    with pytest.raises(PolicyError, match="has no method EchoAll; has no method EchoEach; has no method EchoMany"):
        GrpcService(DESCRIPTOR, Missing())
    with pytest.raises(PolicyError, match="has a method Shout"):
        GrpcService(DESCRIPTOR, Surplus())
    with pytest.raises(PolicyError, match="EchoMany must be an async generator"):
        GrpcService(DESCRIPTOR, Wrong())


async def test_the_policy_table_must_have_exactly_the_rpcs() -> None:
    short = {name: policy for name, policy in POLICIES.items() if name != ECHO}
    for policies, message in (
        (short, f"no policy row for {ECHO}"),
        ({**POLICIES, f"/{SERVICE}/Shout": Policy(ANYONE)}, "which no service has"),
        ({**POLICIES, ECHO: Policy(ANYONE, deadline=None)}, "needs a default deadline"),
    ):
        with pytest.raises(PolicyError, match=message):
            async with serving(policies=policies):
                pass


async def test_a_second_server_on_the_same_port_fails() -> None:
    async with serving() as server:
        with pytest.raises(Unavailable, match="another process"):
            async with serving(listen=server.address):
                pass


async def test_a_stream_ends_and_is_cleaned_up_when_its_caller_leaves() -> None:
    left = asyncio.Event()

    class Servicer(EchoServicer):
        async def EchoMany(self, request: Any, call: Call) -> AsyncIterator[Any]:
            try:
                while True:
                    yield EchoResponse(text=request.text)
                    await asyncio.sleep(0.001)
            finally:
                left.set()

    given = settings()
    server = GrpcServer(given, [GrpcService(DESCRIPTOR, Servicer())], POLICIES)
    await server.start()
    with captured() as log:
        async with calling(server.address) as stub:
            async for _ in stub.EchoMany(EchoRequest(text="x"), timeout=30):
                break
            await asyncio.wait_for(left.wait(), 2)
        await server.stop()
    assert not [event for event in log.events if event["level"] == "error"]


async def test_an_error_in_mid_stream_follows_what_was_sent() -> None:
    async def behaviour(request: Any, call: Call) -> Any:
        if request.text == "bad":
            raise NotFound(Reason.KEY_NOT_FOUND, "no such key; list keys with ListKeys")
        return await echo(request, call)

    async with serving(behaviour) as server, calling(server.address) as stub:
        got: list[str] = []

        async def read_all() -> None:
            async for response in stub.EchoEach(several("a", "b", "bad", "c"), timeout=5):
                got.append(response.text)

        with pytest.raises(NotFound):
            await read_all()
    assert got == ["a", "b"]


@pytest.mark.promise(35)
async def test_nothing_is_left_behind() -> None:
    """Calls that end in every way leave no task, no running work and no connection."""

    async def behaviour(request: Any, call: Call) -> Any:
        if request.text == "slow":
            await asyncio.sleep(60)
        if request.text == "bad":
            raise ValueError
        return await echo(request, call)

    async def one_round() -> None:
        async with serving(behaviour) as server, calling(server.address) as stub:
            for text in ("fine", "slow", "bad", ""):
                calls = [stub.Echo(EchoRequest(text=text), timeout=0.1) for _ in range(10)]
                streams = [stub.EchoMany(EchoRequest(text=text, repeat=3), timeout=0.1).read() for _ in range(10)]
                await asyncio.gather(*calls, *streams, return_exceptions=True)
            dropped = [asyncio.create_task(stub.Echo(EchoRequest(text="slow"), timeout=9)) for _ in range(10)]
            await asyncio.sleep(0)
            for task in dropped:
                task.cancel()
            await asyncio.gather(*dropped, return_exceptions=True)

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    await one_round()  # what is made once and kept
    tasks, descriptors = len(asyncio.all_tasks()), open_files()
    for _ in range(3):
        await one_round()
    async with asyncio.timeout(5):
        # gRPC closes its sockets on threads of its own, a moment after the channel.
        while len(asyncio.all_tasks()) > tasks or open_files() > descriptors:
            await asyncio.sleep(0.01)
