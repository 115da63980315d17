"""The wallets over HTTP: one POST per slice, a few at a time per wallet."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import orjson
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.egress import Egress, EgressRefused, EgressSettings, check_url
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.ports import Item, PostResult, PostVerdict

AT_ONCE = 16
"""Posts at a time to one wallet."""
PASSING = frozenset({408, 425, 429})
"""4xx that are worth another try."""
BUSY = PostResult(PostVerdict.LATER, "the wallet is busy with other slices")


class HttpWallets:
    """Posts slices through the guarded egress."""

    def __init__(self, egress: Egress, settings: EgressSettings, at_once: int = AT_ONCE) -> None:
        self._egress = egress
        self._settings = settings
        self._at_once = at_once
        self._gates: dict[str, asyncio.Semaphore] = {}

    def refusal(self, url: str) -> str | None:
        """What is wrong with a wallet's URL; None if slices may be posted to it."""
        try:
            check_url(url, self._settings)
        except EgressRefused as refused:
            return f"the URL of a public wallet: {refused.message}"
        return None

    def origin(self, url: str) -> str:
        """Scheme, host and port: what the number of posts at a time is counted by."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    async def post(self, items: Sequence[Item], within: timedelta) -> list[PostResult]:
        """Posts each slice once; what cannot be begun in time for its answer to come ``within`` the time is LATER."""
        longest = self._settings.timeout.total_seconds() + 1
        begin_by = asyncio.get_running_loop().time() + within.total_seconds() - longest
        return list(await asyncio.gather(*(self._post(item, begin_by) for item in items)))

    async def _post(self, item: Item, begin_by: float) -> PostResult:
        gate = self._gates.setdefault(self.origin(item.endpoint.url), asyncio.Semaphore(self._at_once))
        async with gate:
            if asyncio.get_running_loop().time() > begin_by:
                return BUSY
            fault_point("stamp.before_post")
            result = await self._send(item)
            fault_point("stamp.after_post")
            return result

    async def _send(self, item: Item) -> PostResult:
        key = {"idempotency-key": f"{item.ref.certificate_id}/{item.position}"}
        try:
            reply = await self._egress.post(item.endpoint.url, slice_json(item), headers=key)
        except EgressRefused as refused:
            return PostResult(PostVerdict.REFUSED, refused.message)
        except Unavailable as away:
            return PostResult(PostVerdict.LATER, away.message)
        return verdict(reply.status, reply.body)


def slice_json(item: Item) -> bytes:
    """The slice as wallets take it: numbers as numbers, bytes as base64."""
    return orjson.dumps(
        {
            "publicKey": base64.b64encode(item.endpoint.key.raw).decode(),
            "position": item.position,
            "certificateId": {"registry": item.ref.registry, "streamId": str(item.ref.certificate_id)},
            "quantity": item.order.quantity,
            "randomR": base64.b64encode(item.blinding).decode(),
            "hashedAttributes": [
                {"key": a.key, "value": a.value, "salt": base64.b64encode(a.salt).decode()} for a in item.hashed
            ],
        }
    )


def verdict(status: int, answer: bytes) -> PostResult:
    """What a wallet's answer means: 2xx accepted, 4xx refused for good but 408, 425 and 429, all else later."""
    if 200 <= status < 300:
        return PostResult(PostVerdict.ACCEPTED)
    text = answer.decode("utf-8", "replace").strip()
    reason = f"HTTP {status}{': ' + text[:300] if text else ''}"
    if 400 <= status < 500 and status not in PASSING:
        return PostResult(PostVerdict.REFUSED, reason)
    return PostResult(PostVerdict.LATER, reason)
