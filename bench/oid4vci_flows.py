"""Whole pre-authorized flows a second (token, nonce, credential) per format, with one and two worker processes.

Everything is real but the signer's process: PostgreSQL with fsync, HTTP on loopback, each credential verified before it
leaves; keys are software keys inside the worker. Offers are made before the clock runs. The floor of 124 flows/s for
SD-JWT VC is what a minimal issuer without a database reached on two such cores. Each format is compared with the bare
cryptography of the same flow (proof checked, credential signed, credential checked), and, where it is canonicalized as
RDF, with making and checking the credential alone, which canonicalizes four times; both in a loop on one core. The rows
of latency compare the middle one with the hundredth worst: nobody waits out of turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
import uvloop
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sealwright_certify.adapters.formats import DataIntegrityMaker
from sealwright_certify.usecases.oid4vci.offers import OfferCommand
from sealwright_common.domain.formats import VcOptions
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.keys import from_material
from sealwright_common.verify.trust import Trust
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database
from sealwright_sandbox.oid4vci_wallet import Wallet, WalletKey

from bench.framework import Row, child, quiet
from tests.support.oid4vci import OPERATOR, PERSON, PUBLIC_URL, SoftwareSigner, issuer_document, open_door
from tests.unit.certify_formats.keys import Signer, content, sign

FLOWS = int(os.environ.get("BENCH_FLOWS", "240"))
IN_FLIGHT = 48
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
FLOOR = 124.0
NAMES = {
    "person-sd": "SD-JWT VC",
    "person-jwt": "VC as JWT",
    "person-mdoc": "mdoc",
    "person-ldp-eddsa": "Data Integrity (eddsa-jcs-2022)",
    "person-ldp": "Data Integrity (ecdsa-rdfc-2019)",
}
FORMATS = tuple(name for name in NAMES if name in os.environ.get("BENCH_FORMATS", " ".join(NAMES)).split())
GOALS = {"person-sd": 0.03, "person-jwt": 0.03, "person-mdoc": 0.03, "person-ldp-eddsa": 0.03, "person-ldp": 0.015}
"""Flows by bare cryptography, with one worker."""
ALGORITHMS = (KeyAlgorithm.ES256, KeyAlgorithm.EDDSA)


def bench() -> Iterator[Row]:
    """The rows of the README, and what each step of a flow takes on standard error."""
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres") as server:
        keys = Path(folder) / "keys.json"
        keys.write_text(json.dumps(_new_keys()))
        quiet()
        figures: dict[tuple[str, int], Figures] = {}
        for workers in (1, 2):
            dsn = create_database(server.dsn, f"bench{workers}")
            with contextlib.ExitStack() as stack:
                started = [stack.enter_context(_worker(dsn, keys)) for _ in range(workers)]
                ports, pids = [port for port, _ in started], [pid for _, pid in started]
                for name in FORMATS:
                    before = sum(map(_cpu_seconds, pids))
                    runs = [asyncio.run(_measure(dsn, keys, ports, name)) for _ in range(REPEATS)]
                    rates, latencies, steps = zip(*runs, strict=True)
                    spent = (sum(map(_cpu_seconds, pids)) - before) / (len(runs) * FLOWS)
                    every = sorted(value for run in latencies for value in run)
                    measured = Figures(statistics.median(rates), *(every[len(every) * n // 100] for n in (50, 99)))
                    figures[name, workers] = measured
                    _report(name, workers, measured, steps, spent)
        raw = {name: _raw(name, keys) for name in FORMATS}
    for (name, workers), measured in figures.items():
        label = f"OpenID4VCI flow, {NAMES[name]}, {workers} worker{'s' * (workers > 1)}"
        if name == "person-sd":
            yield Row(label, measured.rate, "floor without a database", FLOOR, 1.0, "flows/s")
        yield Row(f"{label}: all of it", measured.rate, "its bare cryptography", raw[name], GOALS[name], "flows/s")
        if name == "person-ldp":
            alone = "the credential made and checked alone"
            yield Row(f"{label}: beside the credential", measured.rate, alone, _alone(), 0.3, "flows/s")
        yield Row(f"{label}: latency", measured.p50 * 1000, "p99 (ours is p50)", measured.p99 * 1000, 0.3, "ms")


@dataclass(frozen=True)
class Figures:
    """What was measured of a format: flows a second, and how long the middle and the hundredth worst flow took."""

    rate: float
    p50: float
    p99: float


def _report(name: str, workers: int, measured: Figures, steps: Any, cpu: float) -> None:
    split = ", ".join(f"{step} {statistics.median(s[step] for s in steps) * 1000:.1f} ms" for step in steps[0])
    print(
        f"bench: {name}, {workers} worker(s): {measured.rate:,.0f} flows/s, p50 {measured.p50 * 1000:.0f} ms,"
        f" p99 {measured.p99 * 1000:.0f} ms, {cpu * 1000:.1f} ms of worker CPU a flow ({split})",
        file=sys.stderr,
    )


def _cpu_seconds(pid: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _new_keys() -> dict[str, str]:
    signer = SoftwareSigner(*ALGORITHMS)
    return {
        key_id: secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        for key_id, (_, secret) in signer.keys.items()
    }


def _signer(keys: Path) -> SoftwareSigner:
    """The signer with the keys that all processes share."""
    signer = SoftwareSigner(*ALGORITHMS)
    for key_id, text in json.loads(keys.read_text()).items():
        algorithm, _ = signer.keys[key_id]
        signer.keys[key_id] = (algorithm, load_pem_private_key(text.encode(), None))
    return signer


@contextlib.contextmanager
def _worker(dsn: str, keys: Path) -> Iterator[tuple[int, int]]:
    """A worker process; its port and its process id."""
    process = child("oid4vci_flows", "serve", dsn, str(keys))
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


async def _measure(dsn: str, keys: Path, ports: list[int], name: str) -> tuple[float, list[float], dict[str, float]]:
    """Flows a second, the latency of each, and the median of each step."""
    async with open_door(dsn, signer=_signer(keys)) as door:
        command = OfferCommand("demo", (name,), claims={"person": PERSON})
        offers = [await door.oid4vci.operator.create_offer(OPERATOR, command) for _ in range(FLOWS)]
    waiting = iter(offers)
    latencies: list[float] = []
    steps: dict[str, list[float]] = {"token": [], "nonce": [], "proof": [], "credential": []}

    async def wallet_of(port: int) -> None:
        async with Wallet(base=(PUBLIC_URL, f"http://127.0.0.1:{port}")) as wallet:
            opened = await wallet.open_offer(offers[0].by_value)
            for made in waiting:
                opened.offer = made.offer.document
                key = WalletKey()
                marks = [time.perf_counter()]
                await wallet.redeem(opened)
                marks.append(time.perf_counter())
                nonce = await wallet.nonce(opened)
                marks.append(time.perf_counter())
                proof = key.proof(opened.issuer, nonce, wallet.seconds)
                marks.append(time.perf_counter())
                body = {"credential_configuration_id": name, "proofs": {"jwt": [proof]}}
                answer = await wallet.request(opened, body)
                marks.append(time.perf_counter())
                assert len(answer["credentials"]) == 1
                latencies.append(marks[-1] - marks[0])
                for step, begin, end in zip(steps, marks, marks[1:], strict=False):
                    steps[step].append(end - begin)

    started = time.perf_counter()
    await asyncio.gather(*(wallet_of(ports[number % len(ports)]) for number in range(IN_FLIGHT)))
    rate = FLOWS / (time.perf_counter() - started)
    return rate, latencies, {step: statistics.median(values) for step, values in steps.items()}


def _raw(name: str, keys: Path) -> float:
    """Bare cryptography of a flow on one core, flows/s: proof checked, credential signed, credential checked."""
    signer, wallet = _signer(keys), WalletKey()
    algorithm = KeyAlgorithm.EDDSA if name.endswith("eddsa") else KeyAlgorithm.ES256
    _, secret = next(entry for entry in signer.keys.values() if entry[0] is algorithm)
    public, message = from_material(secret.public_key()), b"x" * 1000
    proof = wallet.sign(message)
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        wallet.public.verify(message, proof)
        public.verify(message, sign(secret, algorithm, message))
        count += 1
    return count / (time.perf_counter() - started)


def _alone() -> float:
    """Credentials with ecdsa-rdfc-2019 made and checked a second, on one core."""
    signer, now = Signer(KeyAlgorithm.ES256), datetime.now(UTC)
    options = VcOptions(("PersonCredential",), ({"@vocab": f"{PUBLIC_URL}/demo/vocabulary#"},), "ecdsa-rdfc-2019")
    said = replace(content(**PERSON), issued=now, valid_from=now, valid_until=now + timedelta(days=30))
    trust, count, started = Trust(keys={signer.issuer.method: signer.public}), 0, time.perf_counter()
    while time.perf_counter() - started < 1:
        made = signer.finish(DataIntegrityMaker().prepare(said, options, signer.issuer, None, ()))
        verify_credential(json.dumps(made).encode(), trust, now)
        count += 1
    return count / (time.perf_counter() - started)


async def _serve(dsn: str, keys: str) -> None:
    """A worker, until it is terminated."""
    async with open_door(dsn, signer=_signer(Path(keys))) as door:
        await door.store(issuer_document())
        print(door.server.address.rpartition(":")[2], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.install()
    asyncio.run(_serve(*sys.argv[2:]))
