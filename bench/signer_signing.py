"""Signatures a second through the signer, against loops that do nothing but sign and verify with the same library.

The signer runs as it does in production: mTLS, deadlines, validation, tracing with every trace sampled, its database
and broker; keys in SoftHSM2 (HSM) or wrapped by it (WRAPPED); every signature verified before release. The raw loops
use the same token or library with the same number of threads and verify what they sign as well, with `cryptography`; a
row without verification on their side is given for each, without a goal. Ours pays more than the loops do: its client,
a process of its own on the same processors, writes requests, does TLS and reads the signatures, and the signer's
database and broker run beside it. The bare echo of the unary rows is a server without any of the stack, but for mutual
TLS; both sides are called by the same kind of client, a stub on a bare grpc.aio channel in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvloop
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    resources_pb2,
    signing_service_pb2,
    signing_service_pb2_grpc,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.runtime.config import TlsSettings

from bench import rpc_echo
from bench.framework import Row, alternate, child
from tests.support.signer_mesh import SignerMesh, signer_mesh

BATCH, BATCHES_IN_FLIGHT = 500, 8
UNARY_IN_FLIGHT = 64
SECONDS = 3.0
THREADS = min(4, os.cpu_count() or 2)
ALGORITHMS = {"ES256": KeyAlgorithm.ES256, "EDDSA": KeyAlgorithm.EDDSA}
GOALS = {"HSM": 0.85, "WRAPPED": 0.8}
UNARY_GOAL = 0.45
P99_BOUND = 0.05
"""Seconds within which 99 of 100 calls shall answer at half load."""
RAW = {"HSM": "raw PKCS#11 loop, same token and threads", "WRAPPED": "raw cryptography loop, same threads"}


def bench() -> Iterator[Row]:
    """Every row of signing."""
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        context = signer_mesh()
        mesh = runner.run(context.__aenter__())
        try:
            keys = runner.run(_keys(mesh))
            yield from _batches(mesh, keys)
            yield from _unary(mesh, keys)
        finally:
            runner.run(context.__aexit__(None, None, None))


def _batches(mesh: SignerMesh, keys: dict[tuple[str, str], str]) -> Iterator[Row]:
    for protection, goal in GOALS.items():
        for algorithm in ALGORITHMS:
            key = keys[algorithm, protection]
            figures = alternate(
                {
                    f"SignBatch {algorithm} {protection}": lambda key=key, a=algorithm: _client(mesh, "batch", key, a),
                    "raw, verified": lambda p=protection, a=algorithm, k=key: _raw(mesh, p, a, k, "verify"),
                    "raw, not verified": lambda p=protection, a=algorithm, k=key: _raw(mesh, p, a, k, "bare"),
                }
            )
            ours, verified, bare = figures.values()
            name = f"SignBatch({BATCH}) {algorithm} {protection}"
            yield Row(name, ours, f"{RAW[protection]}, verifying too", verified, goal, "signatures/s")
            yield Row(f"{name}, unverified loop", ours, f"{RAW[protection]}, not verifying", bare, 0, "signatures/s")


def _unary(mesh: SignerMesh, keys: dict[tuple[str, str], str]) -> Iterator[Row]:
    ca = mesh.signer.ca
    ca.issue("client")
    folder = str(ca.folder)
    with rpc_echo._server("mtls", folder) as bare:
        figures = alternate(
            {
                "bare echo": lambda: rpc_echo._calls("mtls", bare, folder),
                "Sign WRAPPED": lambda: _client(mesh, "unary", keys["EDDSA", "WRAPPED"], "EDDSA"),
                "Sign HSM": lambda: _client(mesh, "unary", keys["ES256", "HSM"], "ES256"),
                "SignStream WRAPPED": lambda: _client(mesh, "stream", keys["EDDSA", "WRAPPED"], "EDDSA"),
                "SignStream HSM": lambda: _client(mesh, "stream", keys["ES256", "HSM"], "ES256"),
            }
        )
    echo = figures["bare echo"]
    for protection, algorithm in (("WRAPPED", "EdDSA"), ("HSM", "ES256")):
        unary, stream = figures[f"Sign {protection}"], figures[f"SignStream {protection}"]
        yield Row(f"Sign unary {algorithm} {protection}", unary, "bare grpc.aio echo", echo, UNARY_GOAL, "signatures/s")
        yield Row(f"SignStream {algorithm} {protection}", stream, "Sign unary", unary, 1.0, "signatures/s")
        key = keys[algorithm.upper(), protection]
        at_half = _client(mesh, "latency", key, algorithm.upper(), str(unary / 2))
        # A latency is better the lower it is, so the bound stands on our side of the row.
        name = f"Sign unary {algorithm} {protection} at half load: bound of the p99"
        yield Row(name, P99_BOUND * 1000, "the p99", at_half * 1000, 1.0, "ms")


async def _keys(mesh: SignerMesh) -> dict[tuple[str, str], str]:
    names = [(algorithm, protection) for algorithm in ALGORITHMS for protection in GOALS]
    channel = mesh.signer.channel("operator")
    mesh.signer.ca.issue("signer", file="signer-client")
    specs = [
        key_service_pb2.KeySpec(
            algorithm=f"KEY_ALGORITHM_{algorithm}",
            protection=f"PROTECTION_{protection}",
            purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
            state=keys_pb2.KEY_STATE_ACTIVE,
        )
        for algorithm, protection in names
    ]
    stub = key_service_pb2_grpc.KeyServiceStub(channel)
    made = await stub.CreateKeys(key_service_pb2.CreateKeysRequest(keys=specs), timeout=60)
    await channel.close()
    return {name: key.id for name, key in zip(names, made.keys, strict=True)}


def _client(mesh: SignerMesh, what: str, key: str, algorithm: str, *more: str) -> float:
    """The figure of a client process."""
    ca = str(mesh.signer.ca.folder)
    out, _ = child("signer_signing", what, mesh.signer.target, ca, key, algorithm, *more).communicate()
    return float(out)


def _raw(mesh: SignerMesh, protection: str, algorithm: str, key: str, how: str) -> float:
    """Signatures a second of a process that does nothing else."""
    token = mesh.token
    environment = {**os.environ, **token.environment, "BENCH_PIN": token.pin}
    arguments = ("raw", protection, algorithm, key, how, str(token.module), token.label)
    out, _ = child("signer_signing", *arguments, env=environment).communicate()
    return float(out)


# -- the processes --


def _loop(makers: list[Callable[[], Any]]) -> float:
    """Calls a second of several threads, each with its own function."""
    counts = [0] * len(makers)
    functions = [make() for make in makers]
    start, stop = threading.Event(), threading.Event()

    def work(number: int) -> None:
        function, count = functions[number], 0
        start.wait()
        while not stop.is_set():
            for _ in range(20):
                function()
            count += 20
        counts[number] = count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(makers))]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    start.set()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _raw_process(protection: str, algorithm: str, key: str, how: str, module: str, label: str) -> float:
    """The raw loop: python-pkcs11 or cryptography, and verification if asked for."""
    from sealwright_signer.crypto import signatures

    which, data = ALGORITHMS[algorithm], os.urandom(32)
    if protection == "WRAPPED":
        public, private = signatures.make(which, 0)
        sign = signatures.load_signer(which, private)
        makers: list[Callable[[], Any]] = [lambda: sign] * THREADS
    else:
        from pkcs11 import Attribute, ObjectClass
        from sealwright_signer.adapters.pkcs11 import mechanisms
        from sealwright_signer.adapters.pkcs11.module import Module

        token = Module(module).token(label)
        first = token.open(user_pin=os.environ["BENCH_PIN"])
        (found,) = first.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: key})
        public, mechanism = mechanisms.public_key(found, which), mechanisms.HOW_TO[which].signing

        def one() -> Any:
            session = token.open()
            (private_key,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: key})
            return lambda data: private_key.sign(data, mechanism=mechanism)

        makers = [one] * THREADS
    check = signatures.checker(which, public)
    if which is KeyAlgorithm.EDDSA:
        # Ours is checked by a faster library, which would lift the bar that is set by this one.
        verify = signatures.public_key_object(which, public).verify
        check = lambda data, signature: verify(signature, data) is None  # noqa: E731

    def bare(make: Callable[[], Any]) -> Any:
        sign_one = make()
        return lambda: sign_one(data)

    def verified(make: Callable[[], Any]) -> Any:
        sign_one = make()
        return lambda: check(data, sign_one(data)) or sys.exit("a raw signature does not verify")

    wrap = verified if how == "verify" else bare
    return _loop([lambda make=make: wrap(make) for make in makers])


async def _client_process(what: str, target: str, ca: str, key: str, algorithm: str, *more: str) -> float:
    at = Path(ca)
    tls = TlsSettings(cert=at / "client-operator.pem", key=at / "client-operator-key.pem", ca=at / "ca.pem")
    channel = rpc_echo.bare_channel(target, tls)
    stub = signing_service_pb2_grpc.SigningServiceStub(channel)
    digest = resources_pb2.INPUT_KIND_DIGEST if algorithm == "ES256" else resources_pb2.INPUT_KIND_MESSAGE
    common: dict[str, Any] = {"key_id": key, "purpose": keys_pb2.KEY_PURPOSE_ASSERTION, "input_kind": digest}
    one = signing_service_pb2.SignRequest(input=os.urandom(32), **common)
    await stub.Sign(one, timeout=30)
    if what == "batch":
        batch = signing_service_pb2.SignBatchRequest(inputs=[os.urandom(32) for _ in range(BATCH)], **common)
        rate = BATCH * await _rate(lambda: stub.SignBatch(batch, timeout=60), BATCHES_IN_FLIGHT)
    elif what == "unary":
        rate = await _rate(lambda: stub.Sign(one, timeout=30), UNARY_IN_FLIGHT)
    elif what == "latency":
        rate = await _p99(lambda: stub.Sign(one, timeout=30), float(more[0]))
    else:
        rate = await _stream(stub, signing_service_pb2.SignStreamRequest(input=os.urandom(32), **common))
    await channel.close()
    return rate


async def _rate(call: Callable[[], Any], in_flight: int) -> float:
    """Calls a second with so many in flight, after half a second of warming up."""
    done, end = 0, time.perf_counter() + 0.5 + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    callers = [asyncio.create_task(caller()) for _ in range(in_flight)]
    await asyncio.sleep(0.5)
    before, began = done, time.perf_counter()
    await asyncio.sleep(SECONDS)
    rate = (done - before) / (time.perf_counter() - began)
    await asyncio.gather(*callers)
    return rate


async def _p99(call: Callable[[], Any], rate: float) -> float:
    """Seconds within which 99 of 100 calls answer, when they come at ``rate`` a second."""
    took: list[float] = []
    tasks: set[asyncio.Task[None]] = set()

    async def timed() -> None:
        began = time.perf_counter()
        await call()
        took.append(time.perf_counter() - began)

    began, number = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < SECONDS:
        while number < now * rate:
            tasks.add(asyncio.create_task(timed()))
            number += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    return statistics.quantiles(took, n=100)[98]


async def _stream(stub: Any, request: signing_service_pb2.SignStreamRequest) -> float:
    """Signatures a second over one stream."""
    end, sent, received = time.perf_counter() + SECONDS, 0, 0
    window = asyncio.Semaphore(256)

    async def requests():  # type: ignore[no-untyped-def]
        nonlocal sent
        while time.perf_counter() < end:
            await window.acquire()
            sent += 1
            yield request

    began = time.perf_counter()
    async for answer in stub.SignStream(requests(), timeout=60):
        assert answer.signature, answer.error_message
        received += 1
        window.release()
    assert sent == received
    return received / (time.perf_counter() - began)


if __name__ == "__main__":
    if sys.argv[1] == "raw":
        print(_raw_process(*sys.argv[2:]))
    else:
        print(uvloop.run(_client_process(*sys.argv[1:])))
