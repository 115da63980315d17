"""Documents of others, through the egress guard: key sets, status lists, data sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.egress import Egress, Reply


class OutsideDocuments:
    """Gets documents."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    async def get(self, url: str, headers: Mapping[str, str], timeout: float) -> Reply:
        """Whatever the address answers."""
        return await self._egress.request("GET", url, headers=headers, timeout=timeout)

    async def document(self, url: str) -> Mapping[str, Any]:
        """A JSON object. Unavailable if the address gives none."""
        reply = await self._egress.get(url, headers={"accept": "application/json"})
        document = reply.json() if reply.status == 200 else None
        if not isinstance(document, dict):
            raise Unavailable(
                Reason.PEER_UNAVAILABLE, "an authorization server does not publish its keys now; try again"
            )
        return cast(dict[str, Any], document)

    async def text(self, url: str) -> str:
        """A text such as a status list. Unavailable if the address gives none."""
        reply = await self._egress.get(url)
        if reply.status != 200:
            raise Unavailable(Reason.PEER_UNAVAILABLE, "a status list cannot be had now; try again")
        return reply.body.decode("ascii", "replace").strip()
