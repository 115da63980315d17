"""What is said to the signer and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from grpc import aio
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import key_service_pb2, key_service_pb2_grpc, resources_pb2, signing_service_pb2
from sealwright.signer.v1 import signing_service_pb2_grpc as signing_grpc
from sealwright_common.domain.issuers import IssuerKey

from sealwright_rotator.codec.values import ALGORITHM, KEY_STATE, PROTECTION, PURPOSE, duration, interval
from sealwright_rotator.ports import MadeKey


def key_stub(channel: aio.Channel) -> key_service_pb2_grpc.KeyServiceStub:
    """The signer's key service."""
    return key_service_pb2_grpc.KeyServiceStub(channel)


def signing_stub(channel: aio.Channel) -> signing_grpc.SigningServiceStub:
    """The signer's signing service."""
    return signing_grpc.SigningServiceStub(channel)


def slot(key: IssuerKey) -> resources_pb2.KeySlot:
    """The place of a key in its issuer's schedule."""
    return resources_pb2.KeySlot(
        issuer_type=key.issuer.issuer_type, issuer_cohort=key.cohort, slot=key.slot, window=interval(key.window)
    )


def creation(keys: Sequence[IssuerKey], request_id: str) -> key_service_pb2.CreateKeysRequest:
    """Asks for the keys of slots that were planned together: public, their windows with them."""
    return key_service_pb2.CreateKeysRequest(
        request_id=request_id,
        keys=[
            key_service_pb2.KeySpec(
                algorithm=ALGORITHM.proto(key.issuer.algorithm),
                purpose=PURPOSE.proto(key.issuer.purpose),
                protection=PROTECTION.proto(key.issuer.protection),
                labels={"issuer": str(key.issuer.id)},
                slot=slot(key),
                state=keys_pb2.KEY_STATE_PUBLISHED,
            )
            for key in keys
        ],
    )


def made(response: key_service_pb2.CreateKeysResponse) -> list[MadeKey]:
    """The keys the signer made."""
    return [MadeKey(UUID(key.id), key.public_key) for key in response.keys]


def steps(keys: Sequence[IssuerKey]) -> key_service_pb2.ScheduleKeysRequest:
    """Tells states and windows. Without a request id: being told twice changes nothing."""
    return key_service_pb2.ScheduleKeysRequest(
        steps=[
            key_service_pb2.KeyStep(key_id=str(key.key_id), state=KEY_STATE.proto(key.state), slot=slot(key))
            for key in keys
        ]
    )


def destruction(key: IssuerKey, request_id: str) -> key_service_pb2.ScheduleKeyDestructionRequest:
    """Asks for a destruction after the issuer's delay."""
    return key_service_pb2.ScheduleKeyDestructionRequest(
        request_id=request_id, key_id=str(key.key_id), delay_duration=duration(key.issuer.destroy_delay)
    )


def destroyed_at(key: resources_pb2.Key) -> datetime:
    """When the destruction happens."""
    return key.destroy_time.ToDatetime(UTC)


def condemnation(key: IssuerKey, note: str) -> key_service_pb2.MarkKeyCompromisedRequest:
    """Condemns a key. Without a request id: a condemned key stays so."""
    return key_service_pb2.MarkKeyCompromisedRequest(key_id=str(key.key_id), note=note or "marked in the rotator")


def signature_over(key: IssuerKey, message: bytes) -> signing_service_pb2.SignRequest:
    """Asks for a signature of one key."""
    return signing_service_pb2.SignRequest(
        key_id=str(key.key_id),
        purpose=PURPOSE.proto(key.issuer.purpose),
        algorithm=ALGORITHM.proto(key.issuer.algorithm),
        input=message,
    )
