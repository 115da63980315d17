"""The call: who asks, for which tenant, until when. What a use case may know of the request that carries it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sealwright_common.domain.tenants import DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a use case sees it."""

    caller: str
    """URI identity of the caller, e.g. ``spiffe://sealwright/stamp``; ``system:<name>`` for background work."""
    roles: frozenset[str] = frozenset()
    """Roles the identity carries: signer, rotator, certify, stamp, operator, client."""
    tenant: str = DEFAULT_TENANT
    """Tenant whose rows the call may see."""
    method: str = ""
    """Full RPC name or HTTP route; part of the idempotency key."""
    request_id: str | None = None
    """The caller's id for a mutation: the same id and body is answered by the stored answer."""
    digest: bytes = b""
    """SHA-256 over the deterministic bytes of the request; tells whether a repeat has the same body."""
    deadline: float | None = None
    """End of the caller's patience on the monotonic clock, in seconds; None means none was given."""
    trace: str = ""
    """W3C ``traceparent`` of the request."""
    encode: Callable[[Any], bytes] | None = None
    """Turns the use case's value into the bytes stored as the answer of ``request_id``."""

    def remaining(self) -> float | None:
        """Seconds until the deadline (never negative); None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def answering(self, encode: Callable[[Any], bytes]) -> Call:
        """The same call with the encoder of its answer."""
        return replace(self, encode=encode)


def system_call(name: str, tenant: str = DEFAULT_TENANT, trace: str = "") -> Call:
    """The call of background work: no request id, no deadline, identity ``system:<name>``."""
    return Call(caller=f"system:{name}", roles=frozenset({"system"}), tenant=tenant, method=name, trace=trace)
