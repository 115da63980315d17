"""Event handlers of the chain: decode, then the use case of the hop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

from sealwright_common.domain.certificates import CertificateRef, Step
from sealwright_common.runtime.events import BeginWork, Event, Subscription
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.codec.events import decode_refs, event_type
from sealwright_stamp.ports import Begin, StampWork

Hop = Callable[[str, list[CertificateRef], Begin], Awaitable[None]]
"""A step of the chain: tenant, certificates, and the transaction it is recorded in."""

CHUNK = 500
"""Certificates a hop works on at a time; a larger event is one chunk of its own."""

AT_ONCE = 4
"""Chunks a hop works on side by side, so that the provers work while others wait for the registry or the disk."""
EVENTS = 16
"""Events taken at once."""
TAKINGS = 2
"""Takings in hand: events are taken while earlier ones are worked on, so that the provers never wait for any."""


def chain(submit: Hop, check: Hop, deliver: Hop) -> list[Subscription]:
    """The three hops, each fed by the event of the one before; withdrawals have their own, so that they wait for no
    proofs of an import."""
    return [
        _hop("stamp-submit", submit, Step.STORED),
        _hop("stamp-withdraw", submit, Step.WITHDRAWING),
        _hop("stamp-check", check, Step.SENT),
        _hop("stamp-deliver", deliver, Step.ISSUED),
    ]


def _hop(durable: str, hop: Hop, step: Step) -> Subscription:
    # One gate for all takings: first come, first served, so that what came first is out first.
    gate = asyncio.Semaphore(AT_ONCE)

    async def handle(events: list[Event], begin: BeginWork) -> None:
        async def chunk(tenant: str, some: list[Event], refs: list[CertificateRef]) -> None:
            async with gate:
                fault_point(f"{durable}.begin")
                await hop(tenant, refs, _begin(begin, some))
                fault_point(f"{durable}.end")

        # Chunks are independent: one that fails leaves the others' work done, and only its events come again.
        ends = await asyncio.gather(*(chunk(*part) for part in _chunks(events)), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    return Subscription(
        durable=durable,
        stream="stamp",
        types=[event_type(step)],
        handler=handle,
        batch=EVENTS,
        concurrency=TAKINGS,
    )


def _begin(begin: BeginWork, events: list[Event]) -> Callable[[], AbstractAsyncContextManager[StampWork]]:
    return lambda: begin(events)


def _chunks(events: list[Event]) -> Iterator[tuple[str, list[Event], list[CertificateRef]]]:
    """The events in parts of one tenant and about CHUNK certificates."""
    by_tenant: dict[str, list[Event]] = {}
    for event in events:
        by_tenant.setdefault(event.tenant, []).append(event)
    for tenant, own in by_tenant.items():
        some: list[Event] = []
        refs: list[CertificateRef] = []
        for event in own:
            named = decode_refs(event.type, event.payload)
            if some and len(refs) + len(named) > CHUNK:
                yield tenant, some, refs
                some, refs = [], []
            some.append(event)
            refs += named
        if some:
            yield tenant, some, refs
