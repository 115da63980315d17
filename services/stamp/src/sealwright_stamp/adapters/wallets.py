"""The wallets over HTTP: one POST per slice, a few at a time per wallet."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import orjson
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.ports import Item, PostResult, PostVerdict

AT_ONCE = 16
"""Posts at a time to one wallet."""
TIMEOUT = timedelta(seconds=10)
PASSING = frozenset({408, 425, 429})
"""4xx that are worth another try."""
MOST_ANSWER = 2000
"""Bytes of a refusal that are read to tell why."""
BUSY = PostResult(PostVerdict.LATER, "the wallet is busy with other slices")


class HttpWallets:
    """Posts slices. A part of the app."""

    def __init__(self, *, at_once: int = AT_ONCE, timeout: timedelta = TIMEOUT) -> None:
        self.name = "wallets"
        self._at_once = at_once
        self._timeout = timeout.total_seconds()
        self._session: aiohttp.ClientSession | None = None
        self._gates: dict[str, asyncio.Semaphore] = {}

    async def start(self) -> None:
        """Opens no connection yet."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout), connector=aiohttp.TCPConnector(limit=0)
        )

    async def stop(self) -> None:
        """Closes connections."""
        if self._session is not None:
            await self._session.close()

    def refusal(self, url: str) -> str | None:
        """What is wrong with a wallet's URL; None if slices may be posted to it."""
        parts = urlsplit(url)
        return None if parts.scheme in ("http", "https") and parts.hostname else "an http or https URL"

    def origin(self, url: str) -> str:
        """Scheme, host and port: what the number of posts at a time is counted by."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}"

    async def post(self, items: Sequence[Item], within: timedelta) -> list[PostResult]:
        """Posts each slice once; what cannot be begun in time for its answer to come ``within`` the time is LATER."""
        begin_by = asyncio.get_running_loop().time() + within.total_seconds() - self._timeout - 1
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
        if self._session is None:
            raise RuntimeError("the wallets' client is not started")
        headers = {"content-type": "application/json", "idempotency-key": f"{item.ref.certificate_id}/{item.position}"}
        try:
            async with self._session.post(
                item.endpoint.url, data=slice_json(item), headers=headers, allow_redirects=False
            ) as response:
                return verdict(response.status, await response.content.read(MOST_ANSWER))
        except TimeoutError:
            return PostResult(PostVerdict.LATER, f"no answer within {self._timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return PostResult(PostVerdict.LATER, f"not reachable: {type(error).__name__}")


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
