"""Grid areas of the sandbox: their issuing keys exist, and the sandbox registry trusts them, the coming ones too.

A real registry learns the keys of an issuing body from its operator; here this follows the rotator's schedule.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

import aiohttp
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service
from sealwright_common.domain.errors import AlreadyExists

from sealwright_client.client import Sealwright

SCHEDULE = rotator.Schedule(duration="P1M", buffer=2, overlap=1)
"""A key a month, each good for two, the next one made ahead."""
PAGE_SIZE = 1000


async def prepare_area(mesh: Sealwright, area: str, issuer: str) -> list[rotator.IssuerKey]:
    """Has the issuing keys of ``area`` made, unless they were, and trusted; the keys, earliest window first."""
    request = rotator_service.CreateIssuerRequest(
        issuer_type=issuer,
        schedule=SCHEDULE,
        algorithm=keys_pb2.KEY_ALGORITHM_EDDSA,
        purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
        protection=keys_pb2.PROTECTION_HSM,
    )
    try:
        keys = list((await mesh.rotator.CreateIssuer(request)).keys)
    except AlreadyExists:
        listed = rotator_service.ListKeysRequest(issuer_type=issuer, page_size=PAGE_SIZE)
        keys = list((await mesh.rotator.ListKeys(listed)).keys)
    await trust(mesh, area, keys)
    return keys


async def follow_area(mesh: Sealwright, area: str, issuer: str) -> None:
    """Tells the registry of every key that joins the schedule; runs until cancelled or the rotator goes away."""
    request = rotator_service.WatchKeysRequest(issuer_types=[issuer])
    async for answer in mesh.rotator.WatchKeys(request):
        await trust(mesh, area, [change.key for change in answer.changes if change.key.public_key])


async def trust(mesh: Sealwright, area: str, keys: Iterable[rotator.IssuerKey]) -> None:
    """Adds ``keys`` to those by which the sandbox registry accepts certificates of ``area``."""
    async with aiohttp.ClientSession() as http:
        for key in keys:
            body = {"public_key": base64.b64encode(key.public_key).decode()}
            async with http.post(f"{mesh.profile.sandbox['registry_admin']}/areas/{area}/keys", json=body) as answer:
                answer.raise_for_status()
