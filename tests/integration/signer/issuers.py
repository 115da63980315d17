"""Time-aware issuers for tests: their keys, and the event by which the signer learns of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sealwright.common.v1 import interval_pb2, keys_pb2
from sealwright.rotator.v1 import events_pb2 as rotator_events
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.signer.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    resources_pb2,
    token_service_pb2,
    token_service_pb2_grpc,
)
from sealwright_common.runtime.grpc import Channel

from tests.support.bus import Bus

HOUR = timedelta(hours=1)


def window(start: datetime, end: datetime) -> interval_pb2.Interval:
    """An interval."""
    message = interval_pb2.Interval()
    message.start_time.FromDatetime(start)
    message.end_time.FromDatetime(end)
    return message


async def make_keys(
    channel: Channel,
    name: str,
    algorithm: str,
    count: int,
    *,
    start: datetime | None = None,
    spacing: timedelta = HOUR,
    purpose: str = "BLIND_SIGNATURE",
    first_slot: int = 0,
) -> list[resources_pb2.Key]:
    """Published keys of consecutive windows, the first one half over."""
    start = start or datetime.now(UTC) - spacing / 2
    protection = "HSM" if algorithm.startswith("RSABSSA") or purpose != "BLIND_SIGNATURE" else "WRAPPED"
    specs = [
        key_service_pb2.KeySpec(
            algorithm=f"KEY_ALGORITHM_{algorithm}",
            purpose=f"KEY_PURPOSE_{purpose}",
            protection=f"PROTECTION_{protection}",
            state=keys_pb2.KEY_STATE_PUBLISHED,
            slot=resources_pb2.KeySlot(
                issuer_type=name,
                issuer_cohort=1,
                slot=first_slot + k,
                window=window(start + k * spacing, start + (k + 1) * spacing),
            ),
        )
        for k in range(count)
    ]
    stub = key_service_pb2_grpc.KeyServiceStub(channel)
    return list((await stub.CreateKeys(key_service_pb2.CreateKeysRequest(keys=specs), timeout=120)).keys)


async def tell_issuer(
    bus: Bus, name: str, n: int, *, max_tokens: int = 40, legacy: bool = False, version: int = 1, state: str = "ACTIVE"
) -> None:
    """What the rotator says of a new issuer with buffer n and no overlap."""
    message = rotator_events.IssuerCreated(
        issuer=rotator.Issuer(
            tenant="default",
            issuer_type=name,
            cohorts=[1],
            max_tokens=max_tokens,
            schedule=rotator.Schedule(buffer=n, overlap=0, duration="PT1H"),
            allow_legacy_protocol=legacy,
            state=f"ISSUER_STATE_{state}",
            version=version,
        )
    )
    subject = "sealwright.rotator.v1." + ("IssuerCreated" if version == 1 else "IssuerChanged")
    await bus.publish(subject, message, aggregate_id=name, version=version)


async def blind_sign(
    channel: Channel, name: str, tokens: list[bytes], request_id: str, data: bytes = b"data"
) -> list[token_service_pb2.BlindSignResult]:
    """One item's results."""
    item = token_service_pb2.BlindSignItem(issuer_type=name, blinded_tokens=tokens, associated_data=data)
    request = token_service_pb2.BlindSignRequest(request_id=request_id, items=[item])
    answer = await token_service_pb2_grpc.TokenServiceStub(channel).BlindSign(request, timeout=30)
    assert answer.request_id == request_id
    assert all(result.associated_data == data for result in answer.results)
    return list(answer.results)


async def until_known(channel: Channel, name: str) -> None:
    """Returns once the signer knows the issuer: an empty item is then refused for its number of tokens."""
    for attempt in range(400):
        (result,) = await blind_sign(channel, name, [], f"probe {name} {attempt}")
        if result.status != token_service_pb2.BLIND_SIGN_STATUS_UNKNOWN_ISSUER:
            return
    raise AssertionError(f"the signer never learned of {name}")
