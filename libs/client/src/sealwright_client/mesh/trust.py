"""Tells the sandbox registry which keys issue for which grid area, as the rotator has them: future ones included."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

import aiohttp
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service

from sealwright_client.client import Sealwright

KNOWN_STATES = (
    keys_pb2.KEY_STATE_PUBLISHED,
    keys_pb2.KEY_STATE_ACTIVE,
    keys_pb2.KEY_STATE_VERIFY_ONLY,
)
"""Keys in these states sign, will sign, or signed what must go on to verify."""


class RegistryTrust:
    """Puts issuing keys into the registry, each once."""

    def __init__(self, mesh: Sealwright, admin_url: str, areas: Mapping[str, str]) -> None:
        """`admin_url`: the registry's admin door. `areas`: time-aware issuers by grid area."""
        self._mesh = mesh
        self._admin = admin_url
        self._areas = areas
        self._told: set[str] = set()

    async def update(self) -> list[tuple[str, str]]:
        """Tells the registry about keys it has not been told yet; (area, key id) of each.

        Raises Problem if the rotator, and aiohttp.ClientError if the registry cannot be asked.
        """
        fresh: list[tuple[str, str]] = []
        for area, issuer in self._areas.items():
            request = rotator_service.ListKeysRequest(issuer_type=issuer, states=KNOWN_STATES, page_size=1000)
            keys = (await self._mesh.rotator.ListKeys(request)).keys
            fresh += await self.tell(area, (key for key in keys if key.key_id not in self._told))
        return fresh

    async def tell(self, area: str, keys: Iterable[rotator.IssuerKey]) -> list[tuple[str, str]]:
        """Tells the registry that these keys issue for an area. Raises aiohttp.ClientError."""
        fresh: list[tuple[str, str]] = []
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            for key in keys:
                body = {"public_key": base64.b64encode(key.public_key).decode()}
                async with http.post(f"{self._admin}/areas/{area}/keys", json=body) as answer:
                    answer.raise_for_status()
                self._told.add(key.key_id)
                fresh.append((area, key.key_id))
        return fresh
