"""The wallets over HTTP: one POST per slice, a few at a time per wallet."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.egress import Egress, EgressRefused, EgressSettings, check_url
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.adapters.pace import Pace
from sealwright_stamp.ports import PostResult, PostVerdict, Slice

AT_ONCE = 32
"""Posts at a time to one wallet."""
PASSING = frozenset({408, 425, 429})
"""4xx that are worth another try."""
MOST_SECONDS = 5.0
"""How long a slice may have to wait for others of its wallet, as fast as that is; more come again later, so that a slow
wallet does not fill the postman's hands."""
FIRST_SECONDS = 0.1
"""How long a wallet is expected to take for a post before it has answered any."""
BUSY = PostResult(PostVerdict.LATER, "the wallet is busy with other slices")
SILENT = PostResult(PostVerdict.LATER, "the wallet did not answer the post before")


@dataclass(slots=True)
class _Wallet:
    """The posts to one wallet."""

    gate: asyncio.Semaphore
    pace: Pace
    waiting: int = 0
    """Slices at or before the gate."""
    trying: int = 0
    """Posts under way."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """The first post has come to its end, one way or the other."""
    silent: bool = False
    """The last post was not answered."""


class HttpWallets:
    """Posts slices through the guarded egress, a few at a time per wallet. A wallet that has not answered any post yet,
    or not the last one, gets one at a time until it answers, so that it takes no connection from others."""

    def __init__(self, egress: Egress, settings: EgressSettings, at_once: int = AT_ONCE) -> None:
        self._egress = egress
        self._settings = settings
        self._at_once = at_once
        self._wallets: dict[tuple[str, str], _Wallet] = {}
        self._leaving = False

    def refusal(self, url: str) -> str | None:
        """What is wrong with a wallet's URL; None if slices may be posted to it."""
        try:
            check_url(url, self._settings)
        except EgressRefused as refused:
            return f"the URL of a public wallet: {refused.message}"
        return None

    def leave(self) -> None:
        """Begins no further post: what waits is LATER."""
        self._leaving = True

    async def post(self, slice: Slice, lease_ends: float) -> PostResult:
        """Posts the slice once. LATER if the wallet has too much before it or did not answer the last post, or if the
        answer might come after ``lease_ends`` (the loop's time)."""
        wallet = self._wallet(slice.endpoint.url)
        now = asyncio.get_running_loop().time()
        if not wallet.waiting:
            wallet.pace.begin(now)
        elif wallet.waiting > wallet.pace.most(now, MOST_SECONDS):
            return BUSY
        begin_by = lease_ends - self._settings.timeout.total_seconds() - 1
        wallet.waiting += 1
        try:
            async with wallet.gate:
                if wallet.trying and not wallet.heard.is_set():
                    await wallet.heard.wait()
                if self._leaving or asyncio.get_running_loop().time() > begin_by:
                    return BUSY
                if wallet.silent and wallet.trying:
                    return SILENT
                wallet.trying += 1
                try:
                    return await self._send(slice, wallet)
                finally:
                    wallet.trying -= 1
        finally:
            wallet.waiting -= 1

    def _wallet(self, url: str) -> _Wallet:
        parts = urlsplit(url)
        origin = (parts.scheme, parts.netloc)
        if origin not in self._wallets:
            pace = Pace.expected(self._at_once, FIRST_SECONDS)
            self._wallets[origin] = _Wallet(asyncio.Semaphore(self._at_once), pace)
        return self._wallets[origin]

    async def _send(self, slice: Slice, wallet: _Wallet) -> PostResult:
        fault_point("stamp.before_post")
        key = {"idempotency-key": f"{slice.ref.certificate_id}/{slice.position}"}
        try:
            reply = await self._egress.post(slice.endpoint.url, slice_json(slice), headers=key)
        except EgressRefused as refused:
            return PostResult(PostVerdict.REFUSED, refused.message)
        except Unavailable as away:
            wallet.silent = True
            return PostResult(PostVerdict.LATER, away.message)
        finally:
            wallet.heard.set()
            wallet.pace.end(asyncio.get_running_loop().time(), wallet.trying)
        fault_point("stamp.after_post")
        wallet.silent = False
        return verdict(reply.status, reply.body)


def slice_json(slice: Slice) -> bytes:
    """The slice as wallets take it: numbers as numbers, bytes as base64."""
    return orjson.dumps(
        {
            "publicKey": base64.b64encode(slice.endpoint.key.raw).decode(),
            "position": slice.position,
            "certificateId": {"registry": slice.ref.registry, "streamId": str(slice.ref.certificate_id)},
            "quantity": slice.quantity,
            "randomR": base64.b64encode(slice.blinding).decode(),
            "hashedAttributes": [
                {"key": a.key, "value": a.value, "salt": base64.b64encode(a.salt).decode()} for a in slice.hashed
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
