"""Anonymous tokens through a real process: blind signing and redemption in every protocol, over gRPC and the queue."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from sealwright.common.v1 import errors_pb2
from sealwright.signer.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    queue_pb2,
    token_service_pb2,
    token_service_pb2_grpc,
)
from sealwright.signer.v1.token_service_pb2 import BlindSignResult, RedeemOutcome
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.grpc import Channel
from sealwright_signer.crypto import cbp
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Voprf

from tests.integration.signer.issuers import HOUR, blind_sign, make_keys, tell_issuer, until_known
from tests.support import blinding
from tests.support.bus import Bus

VOPRFS = {0x0001: VOPRF_P384, 0x0005: VOPRF_RISTRETTO255}
ALGORITHMS = {0x0001: "VOPRF_P384", 0x0002: "RSABSSA_DETERMINISTIC", 0x0005: "VOPRF_RISTRETTO255"}
OK = token_service_pb2.BLIND_SIGN_STATUS_OK
_LETTERS = "select * from dead_letter where event_id = any($1::uuid[])"


@pytest_asyncio.fixture(scope="module")
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    async with Bus(nats_url) as bus:
        yield bus


@pytest_asyncio.fixture(scope="module")
async def ristretto(channel: Channel, bus: Bus) -> str:
    """A VOPRF issuer with n = 3 and at most 4 tokens a key."""
    await make_keys(channel, "ristretto", "VOPRF_RISTRETTO255", 5)
    await tell_issuer(bus, "ristretto", 3, max_tokens=4)
    await until_known(channel, "ristretto")
    return "ristretto"


def token_input(kind: int, public_key: bytes) -> bytes:
    """The first 98 bytes of a Token (RFC 9577 section 2.2)."""
    return kind.to_bytes(2) + os.urandom(32) + sha256(b"challenge").digest() + sha256(public_key).digest()


async def redeem(channel: Channel, *items: token_service_pb2.RedeemItem, request_id: str = "") -> list[RedeemOutcome]:
    request = token_service_pb2.RedeemBatchRequest(items=items, request_id=request_id)
    return list((await token_service_pb2_grpc.TokenServiceStub(channel).RedeemBatch(request)).outcomes)


def pass_item(name: str, token: bytes, payload: bytes = b"basket", cohort: int = 0) -> token_service_pb2.RedeemItem:
    return token_service_pb2.RedeemItem(
        issuer_type=name,
        privacy_pass=token_service_pb2.PrivacyPassToken(token=token),
        payload=payload,
        associated_data=b"mine",
        issuer_cohort=cohort,
    )


def name_of(outcome: RedeemOutcome) -> str:
    return token_service_pb2.RedeemStatus.Name(outcome.status).removeprefix("REDEEM_STATUS_")


@pytest.mark.parametrize("kind", [0x0001, 0x0002, 0x0005])
async def test_a_privacy_pass_token_from_blinding_to_redemption(channel: Channel, bus: Bus, kind: int) -> None:
    name = f"pass-{kind}"
    keys = await make_keys(channel, name, ALGORITHMS[kind], 2)
    await tell_issuer(bus, name, 2)
    await until_known(channel, name)
    request = key_service_pb2.GetPublicKeyRequest(key_id=keys[0].id, format="PUBLIC_KEY_FORMAT_PRIVACY_PASS")
    public = (await key_service_pb2_grpc.KeyServiceStub(channel).GetPublicKey(request)).public_key
    assert keys[0].token_key_id == sha256(public).digest()
    inputs = [token_input(kind, public) for _ in range(2)]
    later = await key_service_pb2_grpc.KeyServiceStub(channel).GetPublicKey(
        key_service_pb2.GetPublicKeyRequest(key_id=keys[1].id, format="PUBLIC_KEY_FORMAT_PRIVACY_PASS")
    )
    inputs += [token_input(kind, later.public_key) for _ in range(2)]
    if kind == 0x0002:
        publics = [blinding.public_rsa(public), blinding.public_rsa(later.public_key)]
        blinded = [blinding.rsa_blind(publics[n // 2], data) for n, data in enumerate(inputs)]
    else:
        blinded = [blinding.voprf_blind(VOPRFS[kind], data) for data in inputs]
    results = await blind_sign(channel, name, [b.blinded for b in blinded], f"request {name}")
    assert [r.status for r in results] == [OK, OK]
    assert [r.key_id for r in results] == [k.id for k in keys], "earliest window first"
    assert [r.slot for r in results] == [0, 1]
    assert [list(r.blinded_tokens) for r in results] == [
        [b.blinded for b in blinded[:2]],
        [b.blinded for b in blinded[2:]],
    ]
    tokens: list[bytes] = []
    for number, result in enumerate(results):
        part = blinded[2 * number : 2 * number + 2]
        if kind == 0x0002:
            assert result.proof == b""
            outputs = [
                blinding.rsa_unblind(blinding.public_rsa(result.public_key), b, s)
                for b, s in zip(part, result.signed_tokens, strict=True)
            ]
        else:
            voprf: Voprf = VOPRFS[kind]
            assert voprf.verify_proof(
                result.public_key, list(result.blinded_tokens), list(result.signed_tokens), result.proof
            )
            outputs = [blinding.voprf_output(voprf, b, s) for b, s in zip(part, result.signed_tokens, strict=True)]
        tokens += [b.input + output for b, output in zip(part, outputs, strict=True)]

    forged = tokens[1][:-1] + bytes([tokens[1][-1] ^ 1])
    outcomes = await redeem(
        channel,
        pass_item(name, tokens[0]),
        pass_item(name, tokens[0]),
        pass_item(name, tokens[0], b"another basket"),
        pass_item(name, forged),
        pass_item(name, tokens[2]),
        pass_item("nobody", tokens[1]),
        pass_item(name, tokens[1], cohort=2),
        pass_item(name, tokens[1][:-1]),
        pass_item(name, b"\xff\xff" + tokens[1][2:]),
        pass_item(name, tokens[1]),
    )
    assert [name_of(o) for o in outcomes] == [
        "VERIFIED",
        "DUPLICATE",
        "REFUSED",
        "UNVERIFIED",
        "VERIFIED",  # the second key's window begins in half an hour: inside the leeway of an hour
        "UNKNOWN_ISSUER",
        "UNKNOWN_ISSUER",
        "MALFORMED",
        "MALFORMED",
        "VERIFIED",
    ]
    assert outcomes[1].redemption_id == outcomes[0].redemption_id
    assert all(o.associated_data == b"mine" for o in outcomes)
    assert outcomes[2].error_reason == errors_pb2.ERROR_REASON_TOKEN_SPENT


async def test_generic_protocol_tokens(channel: Channel, bus: Bus, ristretto: str) -> None:
    blinded = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(16)) for _ in range(3)]
    results = await blind_sign(channel, ristretto, [b.blinded for b in blinded], "generic")
    output = blinding.voprf_output(VOPRF_RISTRETTO255, blinded[0], results[0].signed_tokens[0])
    item = token_service_pb2.RedeemItem(
        issuer_type=ristretto,
        protocol=token_service_pb2.ProtocolToken(key_id=results[0].key_id, input=blinded[0].input, output=output),
    )
    unknown = token_service_pb2.RedeemItem(
        issuer_type=ristretto,
        protocol=token_service_pb2.ProtocolToken(key_id=str(uuid4()), input=b"x", output=output),
    )
    assert [name_of(o) for o in await redeem(channel, item, unknown)] == ["VERIFIED", "UNKNOWN_ISSUER"]

    keys = await make_keys(channel, "randomized", "RSABSSA_RANDOMIZED", 1)
    await tell_issuer(bus, "randomized", 1)
    await until_known(channel, "randomized")
    prepared = os.urandom(32) + b"message"
    spki = keys[0].public_key
    rsa = blinding.rsa_blind(blinding.public_rsa(spki), prepared)
    (result,) = await blind_sign(channel, "randomized", [rsa.blinded], "randomized")
    signature = blinding.rsa_unblind(blinding.public_rsa(spki), rsa, result.signed_tokens[0])
    item = token_service_pb2.RedeemItem(
        issuer_type="randomized",
        protocol=token_service_pb2.ProtocolToken(key_id=keys[0].id, input=prepared, output=signature),
    )
    assert [name_of(o) for o in await redeem(channel, item)] == ["VERIFIED"]


async def test_legacy_tokens_only_where_allowed(channel: Channel, bus: Bus) -> None:
    for name, allowed in (("legacy", True), ("modern", False)):
        await make_keys(channel, name, "CBP_RISTRETTO255", 1)
        await tell_issuer(bus, name, 1, legacy=allowed)
        await until_known(channel, name)
    blinded = blinding.cbp_blind()
    (refused,) = await blind_sign(channel, "modern", [blinded.blinded], "modern")
    assert refused.error_reason == errors_pb2.ERROR_REASON_LEGACY_PROTOCOL_OFF
    (result,) = await blind_sign(channel, "legacy", [blinded.blinded], "legacy")
    assert cbp.verify_proof(result.public_key, list(result.blinded_tokens), list(result.signed_tokens), result.proof)
    signature = blinding.cbp_sign(blinded, result.signed_tokens[0], b"payload")

    def item(name: str, preimage: bytes, mac: bytes, payload: bytes = b"payload") -> token_service_pb2.RedeemItem:
        legacy = token_service_pb2.LegacyToken(preimage=preimage, signature=mac)
        return token_service_pb2.RedeemItem(issuer_type=name, legacy=legacy, payload=payload)

    # The two halves change places: another preimage of the same element, whose MAC the token's owner can make.
    twin = replace(blinded, input=blinded.input[32:] + blinded.input[:32])
    outcomes = await redeem(
        channel,
        item("legacy", blinded.input, signature),
        item("legacy", blinded.input, signature),
        item("legacy", twin.input, blinding.cbp_sign(twin, result.signed_tokens[0], b"twice"), b"twice"),
        item("legacy", blinded.input, signature, b"other"),
        item("legacy", bytes(64), signature),
        item("modern", blinded.input, signature),
    )
    assert [name_of(o) for o in outcomes] == [
        "VERIFIED",
        "DUPLICATE",
        "REFUSED",
        "UNVERIFIED",
        "MALFORMED",
        "MALFORMED",
    ]
    assert outcomes[5].error_reason == errors_pb2.ERROR_REASON_LEGACY_PROTOCOL_OFF


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        (0, "BLINDED_TOKENS_MISSING"),
        (4, "BLINDED_TOKENS_MODULUS"),
        (15, "BLINDED_TOKENS_LIMIT"),
        ("identity", "BLINDED_TOKEN_IDENTITY"),
        ("short", "BLINDED_TOKEN_LENGTH"),
        ("non-canonical", "BLINDED_TOKEN_INVALID"),
        ("twice", "BLINDED_TOKEN_DUPLICATE"),
    ],
)
async def test_bad_blinded_tokens_have_their_own_reason(
    channel: Channel, ristretto: str, tokens: int | str, reason: str
) -> None:
    def fresh(count: int) -> list[bytes]:
        return [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(count)]

    bad = {"identity": bytes(32), "short": bytes([2]) * 31, "non-canonical": b"\xf3" + b"\xff" * 30 + b"\x7f"}
    if isinstance(tokens, int):
        blinded = fresh(tokens)
    elif tokens == "twice":
        blinded = fresh(2)
        blinded.append(blinded[0])
    else:
        blinded = [*fresh(2), bad[tokens]]
    (result,) = await blind_sign(channel, ristretto, blinded, f"bad {tokens}")
    assert result.status == token_service_pb2.BLIND_SIGN_STATUS_INVALID
    assert result.error_reason == errors_pb2.ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert not result.signed_tokens


async def test_one_bad_item_and_nothing_is_signed(channel: Channel, ristretto: str) -> None:
    good = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(3)]
    request = token_service_pb2.BlindSignRequest(
        request_id="half bad",
        items=[
            token_service_pb2.BlindSignItem(issuer_type=ristretto, blinded_tokens=good, associated_data=b"0"),
            token_service_pb2.BlindSignItem(issuer_type="nobody", blinded_tokens=good, associated_data=b"1"),
        ],
    )
    answer = await token_service_pb2_grpc.TokenServiceStub(channel).BlindSign(request)
    assert [r.status for r in answer.results] == [
        token_service_pb2.BLIND_SIGN_STATUS_NOT_SIGNED,
        token_service_pb2.BLIND_SIGN_STATUS_UNKNOWN_ISSUER,
    ]
    assert [r.associated_data for r in answer.results] == [b"0", b"1"]
    assert not any(r.signed_tokens for r in answer.results)


async def test_disabled_compromised_and_wrong_purpose(channel: Channel, bus: Bus) -> None:
    keys = key_service_pb2_grpc.KeyServiceStub(channel)
    (key, _) = await make_keys(channel, "fragile", "VOPRF_RISTRETTO255", 2)
    await tell_issuer(bus, "fragile", 1)
    await until_known(channel, "fragile")
    blinded = blinding.voprf_blind(VOPRF_RISTRETTO255, token_input(5, key.public_key))
    (first,) = await blind_sign(channel, "fragile", [blinded.blinded], "fragile 1")
    token = blinded.input + blinding.voprf_output(VOPRF_RISTRETTO255, blinded, first.signed_tokens[0])
    await keys.DisableKey(key_service_pb2.DisableKeyRequest(key_id=key.id))
    (disabled,) = await blind_sign(channel, "fragile", [blinded.blinded], "fragile 2")
    assert disabled.error_reason == errors_pb2.ERROR_REASON_KEY_DISABLED
    (outcome,) = await redeem(channel, pass_item("fragile", token))
    assert (name_of(outcome), outcome.error_reason) == ("UNVERIFIED", errors_pb2.ERROR_REASON_KEY_DISABLED)
    await keys.EnableKey(key_service_pb2.EnableKeyRequest(key_id=key.id))
    await keys.MarkKeyCompromised(key_service_pb2.MarkKeyCompromisedRequest(key_id=key.id, note="test"))
    (after,) = await blind_sign(channel, "fragile", [blinded.blinded], "fragile 3")
    assert after.status == OK
    assert after.key_id != key.id, "the next key takes over"
    (outcome,) = await redeem(channel, pass_item("fragile", token))
    assert (name_of(outcome), outcome.error_reason) == ("UNVERIFIED", errors_pb2.ERROR_REASON_KEY_COMPROMISED)

    await make_keys(channel, "assertions", "EDDSA", 1, purpose="ASSERTION")
    await tell_issuer(bus, "assertions", 1)
    await until_known(channel, "assertions")
    (purpose,) = await blind_sign(channel, "assertions", [blinded.blinded], "purpose")
    assert purpose.error_reason == errors_pb2.ERROR_REASON_KEY_PURPOSE_MISMATCH


async def test_tokens_expire_with_their_key(channel: Channel, bus: Bus) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    past, _ = await make_keys(channel, "past", "RSABSSA_DETERMINISTIC", 2, start=long_ago, spacing=3 * HOUR)
    await tell_issuer(bus, "past", 1)
    await until_known(channel, "past")
    token = token_input(2, b"")[:66] + past.token_key_id + bytes(256)
    (outcome,) = await redeem(channel, pass_item("past", token))
    assert name_of(outcome) == "EXPIRED"


async def test_the_same_bytes_again(channel: Channel, ristretto: str) -> None:
    tokens = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(6)]
    first = await blind_sign(channel, ristretto, tokens, "again")
    assert await blind_sign(channel, ristretto, tokens, "again") == first
    other = await blind_sign(channel, ristretto, tokens, "another id")
    assert [r.proof for r in other] == [r.proof for r in first], "proof nonces are derived"


async def test_an_outage_of_keys_is_not_an_answer(channel: Channel, bus: Bus) -> None:
    await make_keys(channel, "short", "VOPRF_RISTRETTO255", 1)
    await tell_issuer(bus, "short", 2)
    await until_unavailable(channel)
    with pytest.raises(Unavailable):
        await blind_sign(channel, "short", [bytes(32), bytes(32)], "too few keys")


async def until_unavailable(channel: Channel) -> None:
    for attempt in range(200):
        try:
            await blind_sign(channel, "short", [], f"probe short {attempt}")
        except Unavailable:
            return


async def _queued(bus: Bus, message: queue_pb2.QueuedBlindSignRequest, answers: asyncio.Queue[bytes]) -> bytes:
    await bus.publish("sealwright.signer.v1.requests.blind_sign", message, aggregate_id=message.request_id)
    while True:
        payload = await asyncio.wait_for(answers.get(), 20)
        if queue_pb2.QueuedBlindSignAnswer.FromString(payload).request_id == message.request_id:
            return payload


async def test_the_work_queue(channel: Channel, bus: Bus, ristretto: str) -> None:
    answers = await bus.listen("sealwright.signer.v1.results.blind_sign")
    tokens = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(6)]
    texts = [base64.b64encode(t).decode() for t in tokens]

    def request(request_id: str, texts: list[str]) -> queue_pb2.QueuedBlindSignRequest:
        item = queue_pb2.QueuedBlindSignItem(issuer_type=ristretto, blinded_tokens=texts, associated_data=b"order 7")
        return queue_pb2.QueuedBlindSignRequest(request_id=request_id, items=[item])

    payload = await _queued(bus, request("queue-1", texts), answers)
    answer = queue_pb2.QueuedBlindSignAnswer.FromString(payload)
    assert [r.slot for r in answer.results] == [0, 1, 2]
    assert {r.associated_data for r in answer.results} == {b"order 7"}
    over_grpc = await blind_sign(channel, ristretto, tokens, "queue-1 over gRPC")
    assert [[base64.b64decode(s) for s in r.signed_tokens] for r in answer.results] == [
        list(r.signed_tokens) for r in over_grpc
    ]
    assert await _queued(bus, request("queue-1", texts), answers) == payload, "identical bytes on redelivery"

    reused = queue_pb2.QueuedBlindSignAnswer.FromString(await _queued(bus, request("queue-1", texts[:3]), answers))
    assert reused.results[0].error_reason == errors_pb2.ERROR_REASON_REQUEST_ID_REUSED
    not_base64, wrong_length = (
        errors_pb2.ERROR_REASON_BLINDED_TOKEN_BASE64,
        errors_pb2.ERROR_REASON_BLINDED_TOKEN_LENGTH,
    )
    bad_texts = {
        texts[0].rstrip("="): not_base64,
        texts[0].replace("=", "") + "==": not_base64,
        "-_" * 21 + "-=": not_base64,
        "é": not_base64,
        "": wrong_length,
    }
    for number, (bad, reason) in enumerate(bad_texts.items()):
        refused = queue_pb2.QueuedBlindSignAnswer.FromString(
            await _queued(bus, request(f"queue-bad-{number}", [*texts[1:3], bad]), answers)
        )
        assert refused.results[0].status == token_service_pb2.BLIND_SIGN_STATUS_INVALID, bad
        assert refused.results[0].error_reason == reason
        assert refused.results[0].associated_data == b"order 7"


async def test_poison_becomes_a_dead_letter_and_holds_up_nobody(
    channel: Channel, bus: Bus, ristretto: str, module_database_dsn: str
) -> None:
    answers = await bus.listen("sealwright.signer.v1.results.blind_sign")
    blinded = blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded
    item = queue_pb2.QueuedBlindSignItem(
        issuer_type=ristretto, blinded_tokens=[base64.b64encode(blinded).decode()] * 3, associated_data=b"anonymous"
    )
    nameless = queue_pb2.QueuedBlindSignRequest(items=[item])
    poison = [b"\xff\xff\xff", nameless.SerializeToString()]
    ids = [await bus.publish("sealwright.signer.v1.requests.blind_sign", payload) for payload in poison]
    after = queue_pb2.QueuedBlindSignRequest(request_id="after the poison", items=[item])
    assert queue_pb2.QueuedBlindSignAnswer.FromString(await _queued(bus, after, answers)).results
    connection = await asyncpg.connect(module_database_dsn)
    try:
        async with asyncio.timeout(20):
            while len(letters := await connection.fetch(_LETTERS, ids)) < len(ids):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
    assert {str(letter["event_id"]): letter["payload"] for letter in letters} == dict(zip(ids, poison, strict=True))
    for letter in letters:
        assert letter["consumer"] == "signer-blind-sign"
        assert letter["type"] == "sealwright.signer.v1.requests.blind_sign"
        assert letter["state"] == "dead"
        assert letter["detail"]


async def test_an_answer_too_large_for_a_message_is_refused(channel: Channel, bus: Bus) -> None:
    await make_keys(channel, "large", "VOPRF_RISTRETTO255", 1)
    await tell_issuer(bus, "large", 1, max_tokens=1000)
    await until_known(channel, "large")
    answers = await bus.listen("sealwright.signer.v1.results.blind_sign")
    base = VOPRF_RISTRETTO255.hash_to_group(b"large")
    tokens = [base]
    while len(tokens) < 1000:
        tokens.append(VOPRF_RISTRETTO255.group.add(tokens[-1], base))
    texts = [base64.b64encode(token).decode() for token in tokens]
    items = [
        queue_pb2.QueuedBlindSignItem(issuer_type="large", blinded_tokens=texts, associated_data=b"%d" % n)
        for n in range(10)
    ]
    request = queue_pb2.QueuedBlindSignRequest(request_id="large", items=items)
    answer = queue_pb2.QueuedBlindSignAnswer.FromString(await _queued(bus, request, answers))
    assert [r.associated_data for r in answer.results] == [b"%d" % n for n in range(10)]
    assert {r.error_reason for r in answer.results} == {errors_pb2.ERROR_REASON_BLINDED_TOKENS_LIMIT}


async def test_redemption_on_the_queue(channel: Channel, bus: Bus, ristretto: str) -> None:
    blinded = [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(16)) for _ in range(3)]
    results: list[BlindSignResult] = await blind_sign(channel, ristretto, [b.blinded for b in blinded], "for the queue")
    output = blinding.voprf_output(VOPRF_RISTRETTO255, blinded[0], results[0].signed_tokens[0])
    item = token_service_pb2.RedeemItem(
        issuer_type=ristretto,
        protocol=token_service_pb2.ProtocolToken(key_id=results[0].key_id, input=blinded[0].input, output=output),
        payload=b"paid",
        associated_data=b"7",
    )
    answers = await bus.listen("sealwright.signer.v1.results.redeem")
    seen: list[queue_pb2.QueuedRedeemAnswer] = []
    for request_id in ("redeem-1", "redeem-1", "redeem-2"):
        message = queue_pb2.QueuedRedeemRequest(request_id=request_id, items=[item])
        await bus.publish("sealwright.signer.v1.requests.redeem", message, aggregate_id=request_id)
        seen.append(queue_pb2.QueuedRedeemAnswer.FromString(await asyncio.wait_for(answers.get(), 20)))
    assert [name_of(a.outcomes[0]) for a in seen] == ["VERIFIED", "VERIFIED", "DUPLICATE"]
    assert seen[0] == seen[1]
    assert seen[2].outcomes[0].redemption_id == seen[0].outcomes[0].redemption_id
    (again,) = await redeem(channel, item)
    assert name_of(again) == "DUPLICATE", "both paths share the records"
