"""The rotator's own issuer, whose keys sign directories and heads of the key log: an issuer like any other."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import AlreadyExists, Code, Problem
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import DEFAULT_COHORT, Issuer, IssuerKey, active_keys
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose
from sealwright_common.domain.schedule import Schedule, ScheduleMode

from sealwright_rotator.ports import World
from sealwright_rotator.usecases.create_issuer import CreateIssuer

AUTHORITY = "sealwright-directory"
"""Name of the issuer, in the default tenant."""

_AWAY = (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.FAILED_PRECONDITION, Code.NOT_FOUND, Code.RESOURCE_EXHAUSTED)


@dataclass(frozen=True, slots=True)
class Seal:
    """A JWS, in parts."""

    header: str
    payload: str
    signature: str

    @property
    def compact(self) -> str:
        """RFC 7515 compact serialisation."""
        return f"{self.header}.{self.payload}.{self.signature}"

    @property
    def detached(self) -> str:
        """RFC 7515 appendix F: without the payload."""
        return f"{self.header}..{self.signature}"


async def ensure_authority(world: World, create: CreateIssuer) -> None:
    """Creates the issuer if it is not there. Unavailable while the signer is away."""
    now = world.clock.now()
    schedule = Schedule.checked(
        valid_from=now,
        duration=CalendarDuration(months=1),
        buffer=2,
        overlap=1,
        mode=ScheduleMode.WINDOW,
        expires_at=None,
        publish_lead=timedelta(days=1),
    )
    call = system_call("authority")
    async with world.store.read(call) as work:
        if await work.issuers.find(call.tenant, AUTHORITY) is not None:
            return
    wanted = Issuer.checked(
        id=new_id(now),
        tenant=call.tenant,
        issuer_type=AUTHORITY,
        cohorts=(DEFAULT_COHORT,),
        max_tokens=None,
        schedule=schedule,
        algorithm=KeyAlgorithm.EDDSA,
        purpose=KeyPurpose.ASSERTION,
        protection=None,
        verify_for=timedelta(days=366),
        destroy_delay=None,
        allow_legacy_protocol=False,
        now=now,
    )
    try:
        await create(call, wanted)
    except AlreadyExists:
        # Another replica was first, or the job is at it.
        return


async def authority_key(world: World) -> IssuerKey | None:
    """The key that signs now; None until there is one."""
    call: Call = system_call("authority")
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, AUTHORITY)
        keys = await work.keys.live(issuer, DEFAULT_COHORT) if issuer is not None else []
    active = active_keys(keys, world.clock.now())
    return active[-1] if active else None


async def seal(world: World, payload: bytes, media_type: str) -> Seal | None:
    """A JWS over ``payload``; None while no key or no signer is to be had."""
    key = await authority_key(world)
    if key is None:
        return None
    header = {"alg": key.issuer.algorithm.value, "kid": str(key.key_id), "typ": media_type}
    protected, body = _b64(json.dumps(header, sort_keys=True, separators=(",", ":")).encode()), _b64(payload)
    try:
        signature = await world.signer.sign(key, f"{protected}.{body}".encode())
    except Problem as problem:
        if problem.code in _AWAY:
            return None
        raise
    return Seal(protected, body, _b64(signature))


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
