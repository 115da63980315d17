"""Documents of others, through the egress guard: key sets, status lists, data sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.egress import Egress, Reply

_JWT, _CWT = "application/statuslist+jwt", "application/statuslist+cwt"


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

    async def status_list(self, url: str) -> str | bytes:
        """A status list: text, or bytes for a CWT. Unavailable if the address gives none."""
        reply = await self._egress.get(url, headers={"accept": f"{_JWT}, {_CWT}, */*;q=0.1"})
        if reply.status != 200:
            raise Unavailable(Reason.PEER_UNAVAILABLE, "a status list cannot be had now; try again")
        kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        return reply.body if kind == _CWT else reply.body.decode("ascii", "replace").strip()
