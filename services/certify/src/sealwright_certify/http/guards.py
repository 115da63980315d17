"""Token buckets of the HTTP doors, per source address and per holder; they hold over all instances."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from sealwright_common.runtime.ratelimit import RateLimiter
from starlette.requests import Request

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAMED = 64
"""Bits of an IPv6 address that name a source: whoever has one address of such a network has all of them."""


class Buckets:
    """One bucket per key of one kind: the limiter's rate of that class, bursts of one second's worth."""

    def __init__(self, limiter: RateLimiter, kind: str) -> None:
        self._limiter = limiter
        self._kind = kind

    def demand(self, key: str) -> None:
        """ResourceExhausted if it is known, without asking anybody, that the bucket of ``key`` is empty."""
        self._limiter.demand(self._kind, key)

    async def take(self, key: str) -> None:
        """Takes one token of ``key``; ResourceExhausted with the time until the next one if there is none."""
        await self._limiter.admit(self._kind, key)


class Sources:
    """One bucket per address that requests come from."""

    def __init__(self, buckets: Buckets, proxies: Sequence[Network] = ()) -> None:
        self._buckets = buckets
        self._proxies = proxies

    async def take(self, request: Request) -> None:
        """Takes one token of the request's source; ResourceExhausted (429 with Retry-After) if there is none."""
        await self._buckets.take(source_of(request, self._proxies))


def source_of(request: Request, proxies: Sequence[Network]) -> str:
    """Where a request came from: its peer, or, through proxies of ours, the last address they forwarded for.

    Only what our own proxies wrote into X-Forwarded-For is believed: reading from the right, the first address that is
    none of theirs. Whatever stands left of it, a client may have made up.
    """
    source = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while (address := _address(source)) is not None and any(address in network for network in proxies):
        if not forwarded or _address(forwarded[-1].strip()) is None:
            break
        source = forwarded.pop().strip()
    if isinstance(address := _address(source), ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, NAMED), strict=False))
    return source if address is None else str(address)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
