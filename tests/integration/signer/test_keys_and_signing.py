"""Keys and signatures through a real process: gRPC with mTLS, PostgreSQL, NATS, SoftHSM2."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha384

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sealwright.common.v1 import interval_pb2, keys_pb2
from sealwright.signer.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    resources_pb2,
    signing_service_pb2,
    signing_service_pb2_grpc,
)
from sealwright_common.domain.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Reason
from sealwright_common.runtime.grpc import Channel

from tests.support.signer import SignerProcess

ALGORITHMS = ["ES256", "ES384", "EDDSA", "PS256", "RS256"]


def keys_of(channel: Channel) -> key_service_pb2_grpc.KeyServiceStub:
    return key_service_pb2_grpc.KeyServiceStub(channel)


def signing_of(channel: Channel) -> signing_service_pb2_grpc.SigningServiceStub:
    return signing_service_pb2_grpc.SigningServiceStub(channel)


def spec(algorithm: str, protection: str = "HSM", **more: object) -> key_service_pb2.KeySpec:
    fields: dict[str, object] = {"state": keys_pb2.KEY_STATE_ACTIVE, "purpose": keys_pb2.KEY_PURPOSE_ASSERTION} | more
    return key_service_pb2.KeySpec(
        algorithm=f"KEY_ALGORITHM_{algorithm}",
        protection=f"PROTECTION_{protection}",
        **fields,  # type: ignore[arg-type]
    )


async def create(channel: Channel, *specs: key_service_pb2.KeySpec, request_id: str = "") -> list[resources_pb2.Key]:
    request = key_service_pb2.CreateKeysRequest(request_id=request_id, keys=specs)
    return list((await keys_of(channel).CreateKeys(request, timeout=60)).keys)


def verify(key: resources_pb2.Key, message: bytes, signature: bytes) -> None:
    """An independent check; raises InvalidSignature."""
    algorithm = keys_pb2.KeyAlgorithm.Name(key.algorithm).removeprefix("KEY_ALGORITHM_")
    if algorithm == "EDDSA":
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
        return
    if algorithm in ("ES256", "ES384"):
        curve, digest, how = (
            (ec.SECP256R1(), sha256(message).digest(), hashes.SHA256())
            if algorithm == "ES256"
            else (ec.SECP384R1(), sha384(message).digest(), hashes.SHA384())
        )
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.public_key)
        public.verify(der, digest, ec.ECDSA(Prehashed(how)))
        return
    rsa = load_der_public_key(key.public_key)
    assert isinstance(rsa, RSAPublicKey)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if algorithm == "PS256" else padding.PKCS1v15()
    rsa.verify(signature, message, scheme, hashes.SHA256())


@pytest.mark.parametrize("protection", ["HSM", "WRAPPED"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_algorithm_signs(channel: Channel, algorithm: str, protection: str) -> None:
    (key,) = await create(channel, spec(algorithm, protection))
    one = await signing_of(channel).Sign(
        signing_service_pb2.SignRequest(key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"hello")
    )
    assert one.key_id == key.id
    verify(key, b"hello", one.signature)
    messages = [b"message %d" % number for number in range(50)]
    many = await signing_of(channel).SignBatch(
        signing_service_pb2.SignBatchRequest(key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, inputs=messages)
    )
    assert len(many.signatures) == 50
    for message, signature in zip(messages, many.signatures, strict=True):
        verify(key, message, signature)


async def test_an_issuer_signs_with_its_active_key(channel: Channel) -> None:
    now = datetime.now(UTC)

    def place(slot: int, start: datetime) -> resources_pb2.KeySlot:
        window = interval_pb2.Interval()
        window.start_time.FromDatetime(start)
        window.end_time.FromDatetime(start + timedelta(hours=2))
        return resources_pb2.KeySlot(issuer_type="DK1", issuer_cohort=1, slot=slot, window=window)

    made = await create(
        channel,
        *(
            spec("EDDSA", state=keys_pb2.KEY_STATE_PUBLISHED, slot=place(n, now + timedelta(hours=n - 1)))
            for n in range(4)
        ),
    )
    assert [key.state for key in made] == [keys_pb2.KEY_STATE_ACTIVE] * 2 + [keys_pb2.KEY_STATE_PUBLISHED] * 2
    request = signing_service_pb2.SignRequest(
        issuer=resources_pb2.IssuerRef(issuer_type="DK1"), purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"x"
    )
    answer = await signing_of(channel).Sign(request)
    assert answer.key_id == made[1].id, "of two active keys the one whose window began last signs"
    assert answer.window == made[1].slot.window
    verify(made[1], b"x", answer.signature)

    with pytest.raises(FailedPrecondition) as ahead:
        await signing_of(channel).Sign(
            signing_service_pb2.SignRequest(key_id=made[2].id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"x")
        )
    assert ahead.value.reason is Reason.KEY_OUT_OF_WINDOW
    with pytest.raises(AlreadyExists) as taken:
        await create(channel, spec("EDDSA", state=keys_pb2.KEY_STATE_PUBLISHED, slot=place(0, now)))
    assert taken.value.reason is Reason.SLOT_TAKEN
    request.issuer.issuer_type = "nobody"
    with pytest.raises(NotFound) as unknown:
        await signing_of(channel).Sign(request)
    assert unknown.value.reason is Reason.ISSUER_UNKNOWN


async def test_same_request_id_same_bytes(channel: Channel) -> None:
    (key,) = await create(channel, spec("ES256"))
    request = signing_service_pb2.SignRequest(
        request_id="same", key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"once"
    )
    first = await signing_of(channel).Sign(request)
    assert (await signing_of(channel).Sign(request)).signature == first.signature
    request.input = b"another"
    with pytest.raises(AlreadyExists) as reused:
        await signing_of(channel).Sign(request)
    assert reused.value.reason is Reason.REQUEST_ID_REUSED


async def test_the_life_of_a_key(channel: Channel) -> None:
    keys = keys_of(channel)
    (key,) = await create(channel, spec("ES256", state=keys_pb2.KEY_STATE_PENDING, labels={"team": "grid"}))
    assert key.state == keys_pb2.KEY_STATE_PENDING
    assert key.labels == {"team": "grid"}
    request = signing_service_pb2.SignRequest(key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"x")

    async def refused() -> Reason:
        with pytest.raises(FailedPrecondition) as error:
            await signing_of(channel).Sign(request)
        return error.value.reason

    assert await refused() is Reason.KEY_NOT_USABLE
    step = key_service_pb2.KeyStep(key_id=key.id, state=keys_pb2.KEY_STATE_ACTIVE)
    await keys.ScheduleKeys(key_service_pb2.ScheduleKeysRequest(steps=[step]))
    await signing_of(channel).Sign(request)
    await keys.DisableKey(key_service_pb2.DisableKeyRequest(key_id=key.id))
    assert await refused() is Reason.KEY_DISABLED
    await keys.EnableKey(key_service_pb2.EnableKeyRequest(key_id=key.id))
    await signing_of(channel).Sign(request)

    scheduled = (await keys.ScheduleKeyDestruction(key_service_pb2.ScheduleKeyDestructionRequest(key_id=key.id))).key
    assert scheduled.state == keys_pb2.KEY_STATE_DESTROY_SCHEDULED
    wait = scheduled.destroy_time.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < wait <= timedelta(days=30)
    assert await refused() is Reason.KEY_NOT_USABLE
    back = (await keys.CancelKeyDestruction(key_service_pb2.CancelKeyDestructionRequest(key_id=key.id))).key
    assert back.state == keys_pb2.KEY_STATE_ACTIVE
    await signing_of(channel).Sign(request)
    short = key_service_pb2.ScheduleKeyDestructionRequest(key_id=key.id)
    short.delay_duration.FromTimedelta(timedelta(days=6))
    with pytest.raises(InvalidArgument):
        await keys.ScheduleKeyDestruction(short)
    note = key_service_pb2.MarkKeyCompromisedRequest(key_id=key.id, note="seen in the wild")
    assert (await keys.MarkKeyCompromised(note)).key.state == keys_pb2.KEY_STATE_COMPROMISED
    assert await refused() is Reason.KEY_COMPROMISED
    with pytest.raises(FailedPrecondition) as conflict:
        await keys.CancelKeyDestruction(key_service_pb2.CancelKeyDestructionRequest(key_id=key.id))
    assert conflict.value.reason is Reason.KEY_STATE_CONFLICT


async def test_list_pages_and_filters(channel: Channel) -> None:
    made = await create(channel, *(spec("EDDSA", "WRAPPED", purpose=keys_pb2.KEY_PURPOSE_TOKEN) for _ in range(7)))
    seen: list[str] = []
    token = ""
    while True:
        page = await keys_of(channel).ListKeys(
            key_service_pb2.ListKeysRequest(page_size=3, page_token=token, purpose=keys_pb2.KEY_PURPOSE_TOKEN)
        )
        seen += [key.id for key in page.keys]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted((key.id for key in made), reverse=True)
    state = key_service_pb2.ListKeysRequest(purpose=keys_pb2.KEY_PURPOSE_TOKEN, state=keys_pb2.KEY_STATE_VERIFY_ONLY)
    assert not (await keys_of(channel).ListKeys(state)).keys
    with pytest.raises(InvalidArgument) as bad:
        await keys_of(channel).ListKeys(key_service_pb2.ListKeysRequest(page_token="nonsense"))
    assert bad.value.reason is Reason.PAGE_TOKEN_INVALID


async def test_public_key_formats(channel: Channel) -> None:
    (key,) = await create(channel, spec("EDDSA"))

    async def public(form: str) -> bytes:
        request = key_service_pb2.GetPublicKeyRequest(key_id=key.id, format=f"PUBLIC_KEY_FORMAT_{form}")
        return (await keys_of(channel).GetPublicKey(request)).public_key

    jwk = json.loads(await public("JWK"))
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["kid"]) == ("OKP", "Ed25519", "EdDSA", key.id)
    assert (await public("SPKI_PEM")).startswith(b"-----BEGIN PUBLIC KEY-----")
    loaded = load_der_public_key(await public("SPKI_DER"))
    assert isinstance(loaded, Ed25519PublicKey)
    assert loaded.public_bytes_raw() == key.public_key == await public("RAW")
    assert (await public("MULTIKEY")).startswith(b"z6Mk")
    with pytest.raises(FailedPrecondition) as none:
        await public("PRIVACY_PASS")
    assert none.value.reason is Reason.KEY_ALGORITHM_MISMATCH


async def test_other_tenants_see_nothing(signer: SignerProcess, channel: Channel) -> None:
    (key,) = await create(channel, spec("EDDSA", "WRAPPED"))
    other = signer.channel(tenant="other")
    with pytest.raises(NotFound) as unseen:
        await keys_of(other).GetKey(key_service_pb2.GetKeyRequest(key_id=key.id))
    assert unseen.value.reason is Reason.KEY_NOT_FOUND
    with pytest.raises(NotFound):
        await signing_of(other).Sign(
            signing_service_pb2.SignRequest(key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=b"x")
        )
    await other.close()


async def test_wrong_purpose_algorithm_and_digest(channel: Channel) -> None:
    (key,) = await create(channel, spec("ES256"))
    request = signing_service_pb2.SignRequest(key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_TRANSACTION, input=b"x")
    with pytest.raises(FailedPrecondition) as purpose:
        await signing_of(channel).Sign(request)
    assert purpose.value.reason is Reason.KEY_PURPOSE_MISMATCH
    request.purpose = keys_pb2.KEY_PURPOSE_ASSERTION
    request.algorithm = keys_pb2.KEY_ALGORITHM_ES384
    with pytest.raises(FailedPrecondition) as algorithm:
        await signing_of(channel).Sign(request)
    assert algorithm.value.reason is Reason.KEY_ALGORITHM_MISMATCH
    request.algorithm = keys_pb2.KEY_ALGORITHM_UNSPECIFIED
    request.input_kind = resources_pb2.INPUT_KIND_DIGEST
    with pytest.raises(InvalidArgument):
        await signing_of(channel).Sign(request)
    request.input = sha256(b"x").digest()
    request.format = resources_pb2.SIGNATURE_FORMAT_DER
    der = (await signing_of(channel).Sign(request)).signature
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public_key)
    public.verify(der, b"x", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidArgument) as combination:
        await create(channel, spec("VOPRF_P384", "HSM", purpose=keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE))
    assert combination.value.fields[0].path == "keys[0].protection"


async def test_the_stream_answers_in_order(channel: Channel) -> None:
    (key,) = await create(channel, spec("EDDSA", "WRAPPED"))

    async def requests():  # type: ignore[no-untyped-def]
        for number in range(300):
            yield signing_service_pb2.SignStreamRequest(
                key_id=key.id,
                purpose=keys_pb2.KEY_PURPOSE_TOKEN if number == 7 else keys_pb2.KEY_PURPOSE_ASSERTION,
                input=b"%d" % number,
                correlation_id=str(number),
            )

    number = 0
    async for answer in signing_of(channel).SignStream(requests(), timeout=60):
        assert answer.correlation_id == str(number)
        if number == 7:
            assert not answer.signature
            assert "purpose" in answer.error_message or "is for" in answer.error_message
        else:
            verify(key, b"%d" % number, answer.signature)
        number += 1
    assert number == 300
