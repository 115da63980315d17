"""Two signers on one database and token: one signature per request id, one spender per token, kills included."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import (
    queue_pb2,
    signing_service_pb2,
    signing_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)
from sealwright_common.domain.errors import AlreadyExists
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.crypto.voprf import VOPRF_RISTRETTO255

from tests.integration.signer.issuers import blind_sign, make_keys, tell_issuer, until_known
from tests.integration.signer.test_keys_and_signing import create, spec
from tests.support import blinding
from tests.support.bus import Bus
from tests.support.signer import SignerProcess

NONCE_RUNS, NONCE_BATCHES, NONCE_BATCH = 3, 9, 1000
"""108,000 signatures: two instances, two keys, and a restart between the runs."""


@pytest_asyncio.fixture(scope="module")
async def two(
    tmp_path_factory: pytest.TempPathFactory, module_database_dsn: str, nats_url: str, token: Token
) -> AsyncIterator[list[SignerProcess]]:
    folder = Path(tmp_path_factory.mktemp("two"))
    signers = [SignerProcess(folder / name, module_database_dsn, nats_url, token) for name in ("one", "two")]
    for signer in signers:
        signer.environment["SEALWRIGHT_SIGNER_PKCS11__LOCK_DIR"] = str(folder)
        signer.start()
    try:
        for signer in signers:
            await signer.wait_ready(60)
        yield signers
    finally:
        for signer in signers:
            await asyncio.to_thread(signer.stop)


@pytest.mark.promise(10)
async def test_one_released_signature_per_request_id(two: list[SignerProcess]) -> None:
    channels = [signer.channel() for signer in two]
    (key,) = await create(channels[0], spec("ES256"))
    stubs = [signing_service_pb2_grpc.SigningServiceStub(channel) for channel in channels]
    request = signing_service_pb2.SignRequest(
        request_id="a hundred times", key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"once"
    )
    answers = await asyncio.gather(*(stubs[n % 2].Sign(request, timeout=60) for n in range(100)))
    assert len({answer.signature for answer in answers}) == 1, "ECDSA is random: equal bytes are one signature"
    request.input = b"another"
    for stub in stubs:
        with pytest.raises(AlreadyExists):
            await stub.Sign(request)
    for channel in channels:
        await channel.close()


async def test_a_token_is_spent_once_however_many_try(two: list[SignerProcess], nats_url: str) -> None:
    channels = [signer.channel() for signer in two]
    async with Bus(nats_url) as bus:
        await make_keys(channels[0], "rush", "VOPRF_RISTRETTO255", 1)
        await tell_issuer(bus, "rush", 1)
        await until_known(channels[0], "rush")
    blinded = blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(98))
    (result,) = await blind_sign(channels[0], "rush", [blinded.blinded], "rush")
    output = blinding.voprf_output(VOPRF_RISTRETTO255, blinded, result.signed_tokens[0])

    def request(payload: bytes) -> token_service_pb2.RedeemRequest:
        protocol = token_service_pb2.ProtocolToken(key_id=result.key_id, input=blinded.input, output=output)
        item = token_service_pb2.RedeemItem(issuer_type="rush", protocol=protocol, payload=payload)
        return token_service_pb2.RedeemRequest(item=item)

    stubs = [token_service_pb2_grpc.TokenServiceStub(channel) for channel in channels]
    answers = await asyncio.gather(
        *(stubs[n % 2].Redeem(request(b"mine" if n % 3 else b"theirs"), timeout=60) for n in range(60))
    )
    statuses = Counter(
        token_service_pb2.RedeemStatus.Name(a.outcome.status).removeprefix("REDEEM_STATUS_") for a in answers
    )
    assert statuses["VERIFIED"] == 1
    assert statuses["VERIFIED"] + statuses["DUPLICATE"] + statuses["REFUSED"] == 60
    assert statuses["REFUSED"] in (20, 40)
    assert len({a.outcome.redemption_id for a in answers if a.outcome.redemption_id}) == 1
    for channel in channels:
        await channel.close()


@pytest.mark.promise(25)
async def test_no_nonce_is_used_twice(two: list[SignerProcess]) -> None:
    """The same digest signed over and over: equal values of r would be equal nonces, and give the key away."""
    channels = [signer.channel() for signer in two]
    keys = await create(channels[0], spec("ES256"), spec("ES256", "WRAPPED"))
    requests = [
        signing_service_pb2.SignBatchRequest(
            key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, inputs=[b"the same"] * NONCE_BATCH
        )
        for key in keys
    ]
    seen: set[bytes] = set()
    for run in range(NONCE_RUNS):
        if run:
            # Once as in a crash, once in good order: a generator that starts anew must not start alike.
            for signer in two:
                await asyncio.to_thread(signer.kill if run % 2 else signer.stop)
                signer.start()
            for signer in two:
                await signer.wait_ready(60)
        stubs = [signing_service_pb2_grpc.SigningServiceStub(channel) for channel in channels]
        answers = await asyncio.gather(
            *(s.SignBatch(r, timeout=60, wait_for_ready=True) for s in stubs for r in requests * NONCE_BATCHES)
        )
        seen.update(signature[:32] for answer in answers for signature in answer.signatures)
    assert len(seen) == NONCE_RUNS * NONCE_BATCHES * NONCE_BATCH * len(two) * len(keys)
    for channel in channels:
        await channel.close()


@pytest.mark.promise(1)
async def test_kills_lose_no_request_of_the_queue(two: list[SignerProcess], nats_url: str) -> None:
    channel = two[0].channel()
    async with Bus(nats_url) as bus:
        await make_keys(channel, "killed", "VOPRF_RISTRETTO255", 2)
        await tell_issuer(bus, "killed", 2)
        await until_known(channel, "killed")
        await channel.close()
        answers = await bus.listen("sealwright.signer.v1.results.blind_sign")
        names = [f"kill-{number}" for number in range(60)]
        seen: dict[str, set[bytes]] = {}

        async def collect(count: int) -> None:
            while len(seen) < count:
                payload = await asyncio.wait_for(answers.get(), 60)
                answer = queue_pb2.QueuedBlindSignAnswer.FromString(payload)
                if answer.request_id.startswith("kill-"):
                    assert all(result.signed_tokens for result in answer.results)
                    seen.setdefault(answer.request_id, set()).add(payload)

        for number, name in enumerate(names):
            tokens = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(2)]
            texts = [base64.b64encode(token).decode() for token in tokens]
            item = queue_pb2.QueuedBlindSignItem(issuer_type="killed", blinded_tokens=texts)
            message = queue_pb2.QueuedBlindSignRequest(request_id=name, items=[item])
            await bus.publish("sealwright.signer.v1.requests.blind_sign", message, aggregate_id=name)
            if number % 20 == 10:
                victim = two[number // 20 % 2]
                await asyncio.to_thread(victim.kill)
                victim.start()
        await collect(len(names))
    assert set(seen) == set(names)
    assert all(len(payloads) == 1 for payloads in seen.values()), "identical bytes, however often they were published"
    for signer in two:
        await signer.wait_ready(60)
