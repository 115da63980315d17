"""The process that verifies signatures: every algorithm, one faulty among good ones, its death and its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.signature_checks import SignatureChecks
from sealwright_common.verify.checker import Signed


@pytest_asyncio.fixture(loop_scope="session")
async def checks() -> AsyncIterator[SignatureChecks]:
    part = SignatureChecks()
    await part.start()
    yield part
    await part.stop()


def es256(message: bytes) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return "ES256", point, message, r.to_bytes(32, "big") + s.to_bytes(32, "big")


def eddsa(message: bytes) -> Signed:
    key = ed25519.Ed25519PrivateKey.generate()
    return "EdDSA", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), message, key.sign(message)


async def test_each_signature_gets_its_own_verdict(checks: SignatureChecks) -> None:
    good = [es256(b"a" * 2000), eddsa(b"b")]
    faulty: list[Signed] = [
        (*good[0][:2], b"another message", good[0][3]),
        (*good[0][:3], good[0][3][:-1]),
        ("EdDSA", *good[0][1:]),
        ("ES256", b"no point", *good[0][2:]),
    ]
    assert await checks.good([*good, *faulty, *good]) == [True] * 2 + [False] * 4 + [True] * 2
    assert await checks.good([]) == []


async def test_batches_that_come_together_get_their_own_answers(checks: SignatureChecks) -> None:
    good, faulty = es256(b"a"), ("EdDSA", *es256(b"b")[1:])
    batches = [[good] * count + [faulty] for count in (500, 1, 40)]
    answers = await asyncio.gather(*map(checks.good, batches))
    assert answers == [[True] * (len(batch) - 1) + [False] for batch in batches]


async def test_a_process_that_died_is_replaced(checks: SignatureChecks) -> None:
    assert await checks.good([es256(b"a")]) == [True]
    assert checks.process_id is not None
    os.kill(checks.process_id, signal.SIGSTOP)
    cut_off = asyncio.create_task(checks.good([es256(b"b")]))
    await asyncio.sleep(0)
    os.kill(checks.process_id, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await cut_off
    assert await checks.good([es256(b"c")]) == [True]


async def test_signals_for_the_parent_do_not_end_it(checks: SignatureChecks) -> None:
    assert await checks.good([es256(b"a")]) == [True]
    assert checks.process_id is not None
    os.kill(checks.process_id, signal.SIGINT)
    os.kill(checks.process_id, signal.SIGTERM)
    assert await checks.good([es256(b"b")]) == [True]


async def test_it_ends_with_its_parent() -> None:
    part = SignatureChecks()
    await part.start()
    assert await part.good([es256(b"a")]) == [True]
    process_id = part.process_id
    await part.stop()
    assert process_id is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    with pytest.raises(Unavailable):
        await part.good([es256(b"b")])
