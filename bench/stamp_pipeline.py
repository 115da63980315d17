"""Certificates a second from the door to the wallet: signer, PostgreSQL and JetStream for real.

Registry and wallet are small stubs in a process of their own that take everything at once, the same on both sides and
as cheap as can be, so that their work does not stand in for ours; a real registry's blocks come later than its commits,
and BENCH_BLOCKS=0 shows the rates without any.
With proofs: against the same prover processes doing nothing else, in the same run. With proofs made beforehand (the
same canned workshop on both sides: one proof for all, the owner keys real): against a bare script that does the same
I/O, a batch at a time, one wallet POST per slice, without doors, statuses, history, inbox, retries or idempotency.
Beside the rows it prints, per batch size, SQL statements (begin and commit included) and messages a certificate, and
p50 and p99 from the door to the wallet: of the run, in which everything is offered at once, and at a steady load that
calls of every size can carry, half of what single orders reach.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import asyncpg
import grpc
import nats
import uvloop
from nats.aio.msg import Msg
from project_origin.registry.v1 import registry_pb2
from project_origin.registry.v1.registry_pb2_grpc import (
    RegistryServiceServicer,
    RegistryServiceStub,
    add_RegistryServiceServicer_to_server,
)
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.certificates import CertificateState, EndpointKey, WalletEndpoint
from sealwright_common.runtime.grpc import connect
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database, with_database
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_stamp import main as stamp_main
from sealwright_stamp.adapters.proofs.owner_keys import owner_key
from sealwright_stamp.adapters.proofs.workers import ProofWorkers
from sealwright_stamp.adapters.signer import AreaIssuer, SignerClient
from sealwright_stamp.adapters.wallets import slice_json
from sealwright_stamp.codec import transactions as codec
from sealwright_stamp.codec.certificates import order as decode
from sealwright_stamp.codec.transactions import RegistryFormat
from sealwright_stamp.ports import Item, Material

from bench.framework import Row, child, quiet
from tests.support.stamp import AREA, START, Stage, StampClient, StampProcess, open_stage, order, sql

WITH_PROOFS, CANNED = int(os.environ.get("BENCH_CERTIFICATES", "10000")), 12000
BATCH = 250
WARM_UP = 4
"""Batches before those measured, so that connections and prepared statements are those of a running service."""
IN_FLIGHT = 3
STEADY_SECONDS, STEADY_CALLS = 8, 4
"""How long a steady load is offered, and how many calls of it at least."""
SEALS = os.environ.get("BENCH_BLOCKS", "1") == "1"
"""Whether the registry puts what it is sent into a block at once; if not, every status is asked for on its own."""
CORES = os.cpu_count() or 1
COUNTED = {"shared_preload_libraries": "pg_stat_statements"}
"""PostgreSQL counts the statements it is sent."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class CannedProofs:
    """The workshop with its proofs made beforehand: real owner keys, one proof for all."""

    def __init__(self, processes: int = 0) -> None:
        self.name = "provers"

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def make(self, items: Sequence[Item]) -> list[Material]:
        """Owner keys; everything else is the same for all."""
        return [Material(owner_key(item.endpoint.key, item.position), bytes(32), bytes(608)) for item in items]


def bench() -> Iterator[Row]:
    """Both rows."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        proved, prover = runner.run(_with_proofs())
        yield Row(
            "stamp: door to wallet, with range proofs", proved, "the provers alone", prover, 0.8, "certificates/s"
        )
        canned, bare = runner.run(_canned())
        yield Row(
            "stamp: door to wallet, proofs made beforehand", canned, "bare I/O script", bare, 0.5, "certificates/s"
        )


class _Registry(RegistryServiceServicer):
    """Takes every transaction, commits it at once and puts those of a call into a block."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.blocks: list[registry_pb2.Block] = []

    def SendTransactions(self, request: Any, context: Any) -> Any:
        """Takes them over."""
        for transaction in request.transactions:
            data = transaction.SerializeToString(deterministic=True)
            self.known.add(base64.b64encode(hashlib.sha256(data).digest()).decode())
        if SEALS:
            self.blocks.append(registry_pb2.Block(height=len(self.blocks), transactions=request.transactions))
        return registry_pb2.SubmitTransactionResponse()

    def GetTransactionStatus(self, request: Any, context: Any) -> Any:
        """COMMITTED for what was sent."""
        states = registry_pb2.TransactionState
        state = states.COMMITTED if request.id in self.known else states.UNKNOWN
        return registry_pb2.GetTransactionStatusResponse(status=state)

    def GetBlocks(self, request: Any, context: Any) -> Any:
        """Blocks, whole or in name only."""
        found = self.blocks[request.skip : request.skip + request.limit]
        if not request.include_transactions:
            found = [registry_pb2.Block(height=block.height) for block in found]
        return registry_pb2.GetBlocksResponse(blocks=found)


class _Wallet(asyncio.Protocol):
    """Answers 202 to everything, with no more of HTTP than it takes: where a request ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with nothing received."""
        self._transport = cast("asyncio.Transport", transport)
        self._received = bytearray()

    def data_received(self, data: bytes) -> None:
        """Answers each request that is there to its end."""
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._received, 0, head + 2)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            del self._received[:end]
            self._transport.write(ACCEPTED)


async def _serve_wallet(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Wallet, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


def _neighbours(registry_port: int, wallet_port: int) -> None:
    # Threads answer small calls at half the cost of an event loop.
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", 16 * 2**20)])
    add_RegistryServiceServicer_to_server(_Registry(), server)  # type: ignore[abstract]
    server.add_insecure_port(f"127.0.0.1:{registry_port}")
    server.start()
    uvloop.run(_serve_wallet(wallet_port))


@contextmanager
def _neighbourhood(stage: Stage) -> Iterator[None]:
    """Stub registry and wallet in the stage's places."""
    registry_port, wallet_port = free_port(), free_port()
    process = child("stamp_pipeline", "neighbours", str(registry_port), str(wallet_port))
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    stage.registry.address = f"127.0.0.1:{registry_port}"
    stage.wallet_url = f"http://127.0.0.1:{wallet_port}/v1/slices"
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def _standing() -> AsyncIterator[tuple[Stage, PostgresServer]]:
    """A stage on servers of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder) / "postgres", settings=COUNTED) as postgres,
    ):
        await sql(postgres.dsn, "create extension pg_stat_statements")
        with NatsServer(Path(folder) / "nats") as broker:
            dsn = create_database(postgres.dsn, "signer")
            async with open_stage(Path(folder) / "stage", dsn, broker.url) as stage:
                with _neighbourhood(stage):
                    yield stage, postgres


async def _with_proofs() -> tuple[float, float]:
    async with _standing() as (stage, postgres):
        dsn = create_database(postgres.dsn, "stamp")
        stamp = stage.stamp(dsn, {"PROVERS": str(CORES), "EVENT_PATIENCE": "PT10M"})
        stamp.start()
        await stamp.wait_ready()
        quiet(60)
        alone = [await _prover_rate()]
        rate = await _run(stage, StampClient(stamp), dsn, WITH_PROOFS, BATCH)
        stamp.stop()
        alone.append(await _prover_rate())
        return rate, statistics.mean(alone)


async def _prover_rate() -> float:
    """Proofs a second of the same number of processes."""
    workers = ProofWorkers(CORES)
    await workers.start()
    items = [_item(number) for number in range(WITH_PROOFS // 4)]
    await workers.make(items[: 2 * CORES])
    started = time.perf_counter()
    await workers.make(items)
    rate = len(items) / (time.perf_counter() - started)
    await workers.stop()
    return rate


async def _canned() -> tuple[float, float]:
    async with _standing() as (stage, postgres):
        rates: dict[int, float] = {}
        steady = 0.0
        for batch in (1, 25, BATCH):
            dsn = create_database(postgres.dsn, f"stamp{batch}")
            broker = NatsServer(stage.folder / f"nats{batch}")
            with broker:
                stamp = stage.stamp(dsn, {"EVENT_PATIENCE": "PT10M"}, nats=broker.url)
                process = child("stamp_pipeline", "serve", env=stamp.environment)
                stamp.process = process  # type: ignore[assignment]
                await stamp.wait_ready()
                quiet(20)
                count = {1: 300, 25: 3000}.get(batch, CANNED)
                rates[batch] = await _run(stage, StampClient(stamp), dsn, count, batch)
                steady = steady or rates[batch] / 2
                await _steady(stage, StampClient(stamp), dsn, batch, steady)
                stamp.stop()
        bare = await _bare(stage, create_database(postgres.dsn, "bare"))
        return rates[BATCH], bare


async def _run(stage: Stage, client: StampClient, dsn: str, count: int, batch: int) -> float:
    """Certificates a second, from the first order to the last slice delivered, once a few went through before."""
    warm_up = WARM_UP * batch
    recipient = await client.recipient(_endpoint(stage))
    orders = [order(recipient, start=START + timedelta(hours=number)) for number in range(warm_up + count)]
    await _through(client, orders[:warm_up], batch, warm_up)
    before = await _spent(dsn)
    started = time.perf_counter()
    await _through(client, orders[warm_up:], batch, warm_up + count)
    elapsed = time.perf_counter() - started
    spent = [(after - before) / count for after, before in zip(await _spent(dsn), before, strict=True)]
    print(
        f"bench: batches of {batch}: {count / elapsed:,.0f}/s, to the wallet {await _times(dsn, warm_up)}; "
        f"a certificate: {spent[0]:.3f} SQL statements, {spent[1]:.3f} messages",
        file=sys.stderr,
    )
    await client.close()
    return count / elapsed


async def _steady(stage: Stage, client: StampClient, dsn: str, batch: int, rate: float) -> None:
    """Offers ``rate`` certificates a second in calls of ``batch``, each at its time whatever became of those before."""
    recipient = await client.recipient(_endpoint(stage))
    ((before,),) = await sql(dsn, "select max(row_id) from certificate")
    calls = max(STEADY_CALLS, round(STEADY_SECONDS * rate / batch))
    orders = [order(recipient, start=START + timedelta(hours=number), metering_point_id="steady")
              for number in range(calls * batch)]  # fmt: skip
    begin = time.perf_counter()

    async def call(number: int) -> None:
        part = orders[number * batch : (number + 1) * batch]
        await asyncio.sleep(begin + number * batch / rate - time.perf_counter())
        await client.stub.StampCertificates(pb.StampCertificatesRequest(certificates=part), timeout=120)

    await asyncio.gather(*(call(number) for number in range(calls)))
    await _until_delivered(client, before + len(orders))
    print(f"bench: {rate:,.0f}/s in calls of {batch}: to the wallet {await _times(dsn, before)}", file=sys.stderr)
    await client.close()


async def _times(dsn: str, after: int) -> str:
    """p50 and p99 from the door to the wallet of the certificates stored after a row."""
    (times,) = await sql(
        dsn,
        """select percentile_cont(0.5) within group (order by h.time - c.create_time) as p50,
            percentile_cont(0.99) within group (order by h.time - c.create_time) as p99
        from certificate c join certificate_history h on h.row_id = c.row_id and h.event = 'SliceDelivered'
        where c.row_id > $1""",
        after,
    )
    return f"p50 {times['p50'].total_seconds():.2f} s p99 {times['p99'].total_seconds():.2f} s"


async def _through(client: StampClient, orders: Sequence[Any], batch: int, delivered: int) -> None:
    """Orders them, a few calls at a time, and waits until as many slices in all are delivered."""
    parts = [orders[start : start + batch] for start in range(0, len(orders), batch)]

    async def feed(lane: int) -> None:
        for part in parts[lane::IN_FLIGHT]:
            await client.stub.StampCertificates(pb.StampCertificatesRequest(certificates=part), timeout=120)

    await asyncio.gather(*(feed(lane) for lane in range(IN_FLIGHT)))
    await _until_delivered(client, delivered)


async def _until_delivered(client: StampClient, count: int) -> None:
    """Asks when a quarter of the time that is left has passed: answers are work for the service that is measured."""
    began, first = time.perf_counter(), await asyncio.to_thread(_delivered, client.stamp)
    now = first
    while (left := count - now) > 0:
        passed = time.perf_counter() - began
        await asyncio.sleep(min(2.0, max(0.05, passed * left / max(now - first, left) / 4)))
        now = await asyncio.to_thread(_delivered, client.stamp)


def _delivered(stamp: StampProcess) -> float:
    """Slices delivered so far, by stamp's own metrics: questions to its database would be part of the load."""
    found = re.search(r'steps_total\{event="SliceDelivered"\} (\S+)', stamp.get("metrics")[1])
    return float(found[1]) if found else 0


async def _spent(dsn: str) -> tuple[int, int]:
    """Statements sent to this database so far, and messages on the stream."""
    (calls,) = await sql(
        with_database(dsn, "postgres"),
        """select coalesce(sum(s.calls), 0)::bigint as count
        from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1""",
        dsn.rpartition("/")[2],
    )
    (events,) = await sql(dsn, "select count(*) from outbox")
    return calls["count"], events["count"]


DDL = """create table cert (id uuid primary key, body bytea not null, state smallint not null default 0);
create table outbox (seq bigint generated always as identity primary key, id uuid not null, payload bytea not null)"""


async def _bare(stage: Stage, dsn: str) -> float:
    """The same I/O and nothing else: sign, store with outbox, publish, consume, send, post, mark."""
    pool = await asyncpg.create_pool(dsn, min_size=4, max_size=4)
    await pool.execute(DDL)
    with NatsServer(stage.folder / "nats-bare") as broker:
        connection = await nats.connect(broker.url)
        jetstream = connection.jetstream()
        await jetstream.add_stream(name="bare", subjects=["bare.>"])
        consumer = await jetstream.pull_subscribe("bare.issued", durable="worker")
        signer_channel = stage.signer.channel("stamp")
        signer = SignerClient(signer_channel, {AREA: AreaIssuer(AREA)})
        registry_channel = connect(stage.registry.address, "registry")
        registry = RegistryServiceStub(registry_channel)
        endpoint = _endpoint(stage)
        warm_up = WARM_UP * BATCH
        items = [_item(number, endpoint) for number in range(warm_up + CANNED)]
        form, workshop = RegistryFormat(), CannedProofs()
        quiet(20)

        async def issue(part: list[Item]) -> None:
            drafts = [form.issue(item, made, "n") for item, made in zip(part, await workshop.make(part), strict=True)]
            signed = await signer.sign(AREA, [draft.header for draft in drafts], "default")
            sealed = [form.seal(draft, s)[0] for draft, s in zip(drafts, signed.signatures, strict=True)]
            names = [item.ref.certificate_id for item in part]
            async with pool.acquire() as database, database.transaction():
                await database.execute(
                    "insert into cert (id, body) select * from unnest($1::uuid[], $2::bytea[])", names, sealed
                )
                payload = b"".join(name.bytes for name in names)
                await database.execute("insert into outbox (id, payload) values ($1, $2)", uuid.uuid4(), payload)
            await jetstream.publish("bare.issued", payload)

        by_name = {item.ref.certificate_id: item for item in items}

        async def deliver(session: aiohttp.ClientSession, message: Msg) -> None:
            names = [uuid.UUID(bytes=message.data[i : i + 16]) for i in range(0, len(message.data), 16)]
            rows = await pool.fetch("select body from cert where id = any($1)", names)
            await registry.SendTransactions(codec.send_request([row["body"] for row in rows]))

            async def post(name: uuid.UUID) -> None:
                async with session.post(endpoint["endpoint"], data=slice_json(by_name[name].slice())) as answer:
                    assert answer.status == 202

            await asyncio.gather(*(post(name) for name in names))
            await pool.execute("update cert set state = 2 where id = any($1)", names)
            await message.ack()

        async def work(count: int) -> None:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
                left = -(-count // BATCH)
                while left:
                    messages = await consumer.fetch(min(left, IN_FLIGHT), timeout=30)
                    await asyncio.gather(*(deliver(session, message) for message in messages))
                    left -= len(messages)

        async def feed(lane: int, some: list[Item]) -> None:
            for start in range(lane * BATCH, len(some), BATCH * IN_FLIGHT):
                await issue(some[start : start + BATCH])

        async def through(some: list[Item]) -> float:
            started = time.perf_counter()
            await asyncio.gather(work(len(some)), *(feed(lane, some) for lane in range(IN_FLIGHT)))
            return len(some) / (time.perf_counter() - started)

        await through(items[:warm_up])
        rate = await through(items[warm_up:])
        await connection.close()
        await signer_channel.close()
        await registry_channel.close()
    await pool.close()
    return rate


def _endpoint(stage: Stage) -> dict[str, str]:
    """A fresh endpoint at the stub wallet."""
    return {
        "endpoint": stage.wallet_url,
        "publicKey": base64.b64encode(WalletKey().endpoint(0)).decode(),
    }


def _item(number: int, reference: dict[str, str] | None = None) -> Item:
    """A certificate as the chain sees it."""
    wanted = decode(order(str(uuid.UUID(int=1)), start=START + timedelta(hours=number)))
    key = base64.b64decode(reference["publicKey"]) if reference else WalletKey().endpoint(0)
    url = reference["endpoint"] if reference else "http://127.0.0.1/"
    endpoint = WalletEndpoint(url, EndpointKey(key))
    state = CertificateState.STORED
    return Item(number, "default", wanted.ref, state, wanted, (), endpoint, number, bytes(31) + b"\1", 0, 0, None, None)


if __name__ == "__main__" and sys.argv[1:2] == ["neighbours"]:
    _neighbours(int(sys.argv[2]), int(sys.argv[3]))
if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    stamp_main.ProofWorkers = CannedProofs  # type: ignore[assignment,misc]
    sys.argv = ["sealwright-stamp"]
    stamp_main.main()
