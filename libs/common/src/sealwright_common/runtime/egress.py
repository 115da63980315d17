"""Outgoing HTTP to addresses that others chose: wallets, DID documents, metadata. Closed against SSRF.

A URL may only lead to a public address: the host is resolved once, every address it has must be allowed, and the
connection goes to one of those addresses and nowhere else, so that a name cannot change its meaning between check and
use. Redirects are not followed. Bodies and times have caps. Development allows its own hosts by settings.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

import aiohttp
import orjson
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic import Field
from yarl import URL

from sealwright_common.domain.errors import FailedPrecondition, Problem, Reason, Unavailable
from sealwright_common.runtime.config import Duration, Section
from sealwright_common.runtime.telemetry.context import current_traceparent

log = structlog.get_logger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EMBEDDING = (
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
)
"""IPv6 ranges that carry an IPv4 address, and how far from the right it stands: NAT64 and 6to4."""

REMEMBERED = 4096
"""URLs whose form is remembered to be fine."""
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII
)
"""Fully qualified names: a last label of digits would be an address in a spelling of long ago."""


class EgressSettings(Section):
    """Which outside addresses may be called."""

    allow_hosts: list[str] = Field(default_factory=list)
    """Hosts, or host:port, that may be called although they are private: a wallet inside the cluster, the sandbox."""
    allow_http: bool = False
    """Whether http:// may be called; allowed hosts may be in any case."""
    timeout: Duration = Field(default=timedelta(seconds=5), gt=timedelta(0), le=timedelta(minutes=1))
    """Time for one request, connecting and reading included."""
    max_bytes: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest response body, in bytes."""
    connections: int = Field(default=512, ge=1, le=4096)
    """Connections open at a time."""
    nameservers: list[str] = Field(default_factory=list)
    """DNS servers, address or address:port, to ask instead of the system's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; any status, 3xx included."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Response headers; names without regard to case."""
    body: bytes
    """The body, within the cap."""

    def json(self) -> Any:
        """The body as JSON. Raises ValueError if it is none."""
        return orjson.loads(self.body)


class EgressRefused(FailedPrecondition):
    """The address must not be called; the message says why, without saying what was found there."""


class Egress:
    """The one HTTP client for addresses that are not ours; a part of the app."""

    def __init__(
        self,
        settings: EgressSettings,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        name: str = "egress",
    ) -> None:
        self.name = name
        self._settings = settings
        self._resolver = resolver
        self._guard: AbstractResolver | None = None
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        # The form of a URL is as good the next time.
        self._checked = lru_cache(maxsize=REMEMBERED)(lambda url: check_url(url, settings))

    async def start(self) -> None:
        """Open the session; connections open when needed."""
        self._guard = _GuardedResolver(self._resolver or _resolver(self._settings), self._settings.allow_hosts)
        connector = aiohttp.TCPConnector(
            resolver=self._guard,
            limit=self._settings.connections,
            # A cached answer is one that was checked; 0 would resolve per connection, which is as safe but slower.
            ttl_dns_cache=10,
            ssl=self._tls or True,
        )
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout.total_seconds())
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            # No proxy, cookies or .netrc: nothing of the environment decides where a request goes.
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # Encoded answers would have to be inflated beyond the cap to be read.
            headers={"user-agent": "sealwright", "accept-encoding": "identity"},
        )

    async def stop(self) -> None:
        """Close all connections and give up look-ups."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()
        if self._guard is not None:
            guard, self._guard = self._guard, None
            await guard.close()

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None) -> Reply:
        """GET ``url``; see :meth:`request`."""
        return await self.request("GET", url, headers=headers, max_bytes=max_bytes)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        whole: bool = True,
    ) -> Reply:
        """POST ``body`` to ``url``; see :meth:`request`."""
        sent = {"content-type": content_type, **(headers or {})}
        return await self.request("POST", url, body=body, headers=sent, whole=whole)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        timeout: float | None = None,
        whole: bool = True,
    ) -> Reply:
        """Call ``url`` once and read the whole answer; redirects come back as they are.

        Without ``whole`` the status is what counts: of an answer that is too large nothing is read.
        Raises EgressRefused when the address must not be called or the answer is larger than ``max_bytes`` (by default
        the settings'), Unavailable when it cannot be reached or does not answer within ``timeout`` seconds.
        """
        if self._session is None:
            raise RuntimeError(f"{self.name} has not started")
        target = self._checked(url)
        cap = self._settings.max_bytes if max_bytes is None else max_bytes
        trace = current_traceparent()
        sent = {**(headers or {}), "traceparent": trace} if trace else headers
        limit = aiohttp.ClientTimeout(total=timeout) if timeout is not None else None
        options: dict[str, Any] = {"timeout": limit} if limit else {}
        try:
            async with self._session.request(
                method, target, data=body, headers=sent, allow_redirects=False, **options
            ) as response:
                return Reply(response.status, response.headers, await _read(response, cap, whole))
        except Problem:
            raise
        except aiohttp.ClientConnectorDNSError as error:
            raise _refusal_within(error) or _unreachable(target, "its name does not resolve") from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise _unreachable(target, "its certificate is not trusted") from None
        except TimeoutError:
            raise _unreachable(target, "it did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _refusal_within(error) or _unreachable(target, type(error).__name__) from None


def check_url(url: str, settings: EgressSettings) -> URL:
    """The URL, if its form may be called at all; addresses behind names are checked when they are resolved.

    Raises EgressRefused for other schemes than https (and http where allowed), credentials in the URL, hosts that are
    no plain name or address, and addresses that are not public.
    """
    if len(url) > 2048 or not url.isascii() or any(character <= " " or character == "\\" for character in url):
        raise EgressRefused(Reason.EGRESS_REFUSED, "the address is no plain URL")
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        raise EgressRefused(Reason.EGRESS_REFUSED, "the address is no URL") from None
    if parsed.scheme not in {"https", "http"} or not host or port is None:
        raise EgressRefused(Reason.EGRESS_REFUSED, "the address must be an https:// URL with a host")
    if parsed.user is not None or parsed.password is not None or "@" in url.partition("://")[2].partition("/")[0]:
        raise EgressRefused(Reason.EGRESS_REFUSED, "the address must not carry credentials")
    if is_allowed(host, port, settings.allow_hosts):
        return parsed
    if parsed.scheme != "https" and not settings.allow_http:
        raise EgressRefused(Reason.EGRESS_REFUSED, "the address must be https://")
    address = _literal(host)
    if address is not None:
        if not is_public(address):
            raise EgressRefused(
                Reason.EGRESS_REFUSED, "the address is not public; egress.allow_hosts can allow its host"
            )
    elif not _HOST_NAME.fullmatch(host):
        raise EgressRefused(
            Reason.EGRESS_REFUSED, "the host is neither a full domain name nor an address in its usual form"
        )
    return parsed


def is_allowed(host: str, port: int, allowed: list[str]) -> bool:
    """Whether the settings name this host, or this host and port."""
    shown = f"[{host}]" if ":" in host else host
    return any(entry.lower() in (host, shown, f"{shown}:{port}") for entry in allowed)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, also when it wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address.scope_id is not None or address in ipaddress.ip_network("::/96"):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    for network, shift in _EMBEDDING:
        if address in network:
            return ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _resolver(settings: EgressSettings) -> AbstractResolver:
    """DNS without threads: the system's look-up holds one of a handful for as long as a server is silent, and a few
    names whose servers never answer would keep every other name waiting. Asks twice within the time of a request."""
    timeout = settings.timeout.total_seconds() / 2
    return aiohttp.AsyncResolver(nameservers=settings.nameservers or None, timeout=timeout, tries=2)


class _GuardedResolver(AbstractResolver):
    """Resolves a name once; all of its addresses have to be public, and the connection uses just these."""

    def __init__(self, inner: AbstractResolver, allowed: list[str]) -> None:
        self._inner = inner
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses to connect to. Raises EgressRefused if one of them is not public."""
        results = await self._inner.resolve(host, port, family)
        if not is_allowed(host, port, self._allowed):
            for result in results:
                address = _literal(result["host"])
                if address is None or not is_public(address):
                    log.warning("egress refused", host=host, address=result["host"])
                    raise _RefusedByResolver
        return results

    async def close(self) -> None:
        """Close the resolver underneath."""
        await self._inner.close()


class _RefusedByResolver(OSError):
    """Passes through aiohttp, which wraps it as a failure of DNS."""


def _refusal_within(error: BaseException) -> EgressRefused | None:
    """The refusal by the resolver, if that is what aiohttp wrapped."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, _RefusedByResolver):
            return EgressRefused(
                Reason.EGRESS_REFUSED, "the host has an address that is not public; egress.allow_hosts can allow it"
            )
        link = link.__cause__ or link.__context__
    return None


def _unreachable(target: URL, why: str) -> Unavailable:
    return Unavailable(
        Reason.PEER_UNAVAILABLE, f"{target.host} cannot be reached: {why}", retry_after=timedelta(seconds=5)
    )


async def _read(response: aiohttp.ClientResponse, cap: int, whole: bool) -> bytes:
    if response.content_length is not None and response.content_length > cap:
        return _too_large(response, cap, whole)
    if response.content_length is not None:
        return await response.read()  # which ends where the length says
    parts: list[bytes] = []
    taken = 0
    async for part in response.content.iter_chunked(64 * 1024):
        taken += len(part)
        if taken > cap:
            return _too_large(response, cap, whole)
        parts.append(part)
    return b"".join(parts)


def _too_large(response: aiohttp.ClientResponse, cap: int, whole: bool) -> bytes:
    response.close()
    if whole:
        raise EgressRefused(Reason.EGRESS_REFUSED, f"the answer is larger than {cap} bytes")
    return b""
