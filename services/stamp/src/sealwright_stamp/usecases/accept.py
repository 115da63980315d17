"""Accepts orders at the door: judged one by one, stored together, each with its position and its secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import (
    Certificate,
    CertificateOrder,
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    Change,
    DoorRules,
    HashedAttribute,
    OnClash,
    Step,
    certificate_exists,
    check_order,
    lanes,
    position_of,
)
from sealwright_common.domain.errors import (
    Aborted,
    AlreadyExists,
    FieldProblem,
    PermissionDenied,
    Problem,
    Reason,
    ResourceExhausted,
)

from sealwright_stamp.ports import KnownCertificate, NewCertificate, StampWork, Storage
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.look import current
from sealwright_stamp.usecases.recipients import recipient_not_found

RACES = 8
"""How often a batch is judged again when another transaction took a name, period or position in between."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order that is stored, now or by an equal order before."""

    ref: CertificateRef
    state: CertificateState
    repeated: bool
    position: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that is not stored, and why."""

    ref: CertificateRef
    problem: Problem


Outcome = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the randomness of certificates comes from."""

    salt: Callable[[], bytes]
    """16 random bytes."""
    blinding: Callable[[], bytes]
    """A random scalar of ristretto255, 32 bytes little-endian."""


@dataclass(frozen=True, slots=True)
class AcceptOrders:
    """Stores a batch of orders and tells CertificateStored; what is refused does not hold up the rest."""

    storage: Storage
    rules: DoorRules
    secrets: Secrets
    patience: Patience

    async def __call__(self, call: Call, orders: Sequence[CertificateOrder | Refused]) -> list[Outcome]:
        """One outcome per order, in order. Orders that could not even be read come in as Refused and stay so."""
        for attempt in range(RACES):
            try:
                async with self.storage.begin(call) as work:
                    return work.answer(await self.store(work, call, orders, hopeful=attempt == 0))
            except Aborted as race:
                if race.reason is not Reason.CONFLICT:
                    raise
        raise Aborted(Reason.CONFLICT, "other calls store the same certificates; repeat the call")

    async def one(self, call: Call, order: CertificateOrder) -> Certificate:
        """Stores a single order and returns the certificate, raising what a batch would report."""
        for attempt in range(RACES):
            try:
                async with self.storage.begin(call) as work:
                    (outcome,) = await self.store(work, call, [order], hopeful=attempt == 0)
                    if isinstance(outcome, Refused):
                        raise outcome.problem
                    return work.answer(await current(work, call.tenant, order.ref))
            except Aborted as race:
                if race.reason is not Reason.CONFLICT:
                    raise
        raise Aborted(Reason.CONFLICT, "other calls store the same certificate; repeat the call")

    async def store(
        self, work: StampWork, call: Call, orders: Sequence[CertificateOrder | Refused], *, hopeful: bool = False
    ) -> list[Outcome]:
        """Judges and stores within a transaction of the caller's. ``hopeful`` stores what looks new without looking for
        it first, which is how nearly all orders are; Aborted (CONFLICT) if something is stored already."""
        outcomes: dict[int, Outcome] = {}
        firsts: dict[CertificateRef, int] = {}
        candidates: dict[int, CertificateOrder] = {}
        for index, order in enumerate(orders):
            if isinstance(order, Refused):
                outcomes[index] = order
            elif (problem := check_order(order, self.rules) or _forbidden(order, call, self.rules)) is not None:
                outcomes[index] = Refused(order.ref, problem)
            elif firsts.setdefault(order.ref, index) == index:
                candidates[index] = order
        if candidates:
            outcomes.update(await self._store(work, call.tenant, candidates, hopeful))
        for index, order in enumerate(orders):
            if index not in outcomes and not isinstance(order, Refused):
                outcomes[index] = _second(order, candidates[firsts[order.ref]], outcomes[firsts[order.ref]])
        return [outcomes[index] for index in range(len(orders))]

    async def _store(
        self, work: StampWork, tenant: str, candidates: dict[int, CertificateOrder], hopeful: bool
    ) -> dict[int, Outcome]:
        # The lock comes first: after it no other transaction chooses positions below the same keys.
        orders = list(candidates.values())
        keys = await work.certificates.lock_keys(tenant, sorted({order.recipient_id for order in orders}))
        if hopeful and _unlike(orders, keys):
            first = {index: _accepted(order, position_of(order.start) or 0) for index, order in candidates.items()}
            await self._insert(work, tenant, keys, [(candidates[index], outcome) for index, outcome in first.items()])
            return first
        known = await work.certificates.known(tenant, [order.ref for order in orders])
        measured = await work.certificates.measured(tenant, orders)
        holders = {_period(orders[place]): ref for place, ref in measured.items()}
        outcomes: dict[int, Outcome] = {}
        fresh: dict[int, CertificateOrder] = {}
        for index, order in candidates.items():
            earlier = known.get(order.ref)
            if earlier is not None and _repeats(order, earlier):
                outcomes[index] = Accepted(order.ref, earlier.state, True, earlier.position)
            elif (problem := _conflict(order, earlier, holders, keys)) is not None:
                outcomes[index] = Refused(order.ref, problem)
            else:
                holders[_period(order)] = order.ref
                fresh[index] = order
        positions = await _choose_positions(work, fresh, keys)
        for index, order in fresh.items():
            position = positions[index]
            outcomes[index] = (
                Refused(order.ref, position) if isinstance(position, Problem) else _accepted(order, position)
            )
        await self._insert(work, tenant, keys, [(fresh[i], o) for i, o in outcomes.items() if i in fresh])
        return outcomes

    async def _insert(
        self,
        work: StampWork,
        tenant: str,
        keys: dict[UUID, int],
        judged: Sequence[tuple[CertificateOrder, Outcome]],
    ) -> None:
        new = [
            NewCertificate(
                order,
                order.digest(),
                tuple(HashedAttribute(a.key, a.value, self.secrets.salt()) for a in order.hashed),
                outcome.position,
                self.secrets.blinding(),
            )
            for order, outcome in judged
            if isinstance(outcome, Accepted)
        ]
        if not new:
            return
        key_rows = [keys[certificate.order.recipient_id] for certificate in new]
        await work.certificates.insert(tenant, key_rows, new, work.now + self.patience.event)
        changes = (Change(certificate.order.ref, 1, CertificateState.STORED) for certificate in new)
        work.emit(CertificatesChanged(Step.STORED, tuple(changes)))


async def _choose_positions(
    work: StampWork, fresh: dict[int, CertificateOrder], keys: dict[UUID, int]
) -> dict[int, int | Problem]:
    """The first free lane of each order's period below its endpoint key; a refusal where none may be had."""
    minutes = {index: position_of(order.start) or 0 for index, order in fresh.items()}
    key_of = {index: keys[order.recipient_id] for index, order in fresh.items()}
    taken = await work.certificates.taken([(key_of[index], minutes[index]) for index in fresh])
    seen: set[tuple[int, int]] = set()
    clashing: set[tuple[int, int]] = set()
    for index, order in fresh.items():
        place = (key_of[index], minutes[index])
        if (place in taken or place in seen) and order.on_clash is OnClash.OTHER_LANE:
            clashing.add(place)
        seen.add(place)
    if clashing:
        taken |= await work.certificates.taken([(key, lane) for key, first in clashing for lane in lanes(first)])
    chosen: dict[int, int | Problem] = {}
    for index, order in fresh.items():
        key, first = key_of[index], minutes[index]
        candidates = [first] if order.on_clash is OnClash.REJECT else lanes(first)
        position = next((lane for lane in candidates if (key, lane) not in taken), None)
        if position is None:
            chosen[index] = _no_position(order)
        else:
            taken.add((key, position))
            chosen[index] = position
    return chosen


def _accepted(order: CertificateOrder, position: int) -> Outcome:
    return Accepted(order.ref, CertificateState.STORED, False, position)


def _unlike(orders: Sequence[CertificateOrder], keys: Mapping[UUID, int]) -> bool:
    """Whether nothing in the orders themselves speaks against storing each at the first position of its period."""
    if any(order.recipient_id not in keys for order in orders):
        return False
    positions = {(keys[order.recipient_id], order.start) for order in orders}
    return len(positions) == len(orders) == len({_period(order) for order in orders})


def _period(order: CertificateOrder) -> tuple[str, datetime, datetime]:
    return order.metering_point_id, order.start, order.end


def _repeats(order: CertificateOrder, earlier: KnownCertificate) -> bool:
    return earlier.digest == order.digest() and earlier.state is not CertificateState.WITHDRAWN


def _second(order: CertificateOrder, first: CertificateOrder, outcome: Outcome) -> Outcome:
    """What becomes of an order whose certificate id another order of the same batch had before it."""
    if order.digest() != first.digest():
        return Refused(order.ref, certificate_exists(order.ref))
    return replace(outcome, repeated=True) if isinstance(outcome, Accepted) else outcome


def _forbidden(order: CertificateOrder, call: Call, rules: DoorRules) -> Problem | None:
    allowed = rules.grid_areas[order.grid_area]
    if not allowed or call.caller in allowed or "operator" in call.roles:
        return None
    return PermissionDenied(
        Reason.CALLER_NOT_ALLOWED,
        f"{call.caller} may not issue in grid area {order.grid_area}; ask its operator to list the identity",
        fields=(FieldProblem("grid_area", "an area the caller may issue in"),),
    )


def _conflict(
    order: CertificateOrder,
    earlier: KnownCertificate | None,
    holders: Mapping[tuple[str, datetime, datetime], CertificateRef],
    keys: Mapping[UUID, int],
) -> Problem | None:
    """What stored rows say against an order, in the order the compatible door promises."""
    if (holder := holders.get(_period(order))) is not None and holder != order.ref:
        return AlreadyExists(
            Reason.MEASUREMENT_EXISTS,
            f"metering point and period belong to certificate {holder.certificate_id}; withdraw that one first",
            fields=(FieldProblem("metering_point_id", "a metering point without a certificate for the period"),),
        )
    if order.recipient_id not in keys:
        return recipient_not_found(order.recipient_id)
    if earlier is None:
        return None
    if earlier.state is CertificateState.WITHDRAWN:
        return AlreadyExists(
            Reason.CERTIFICATE_WITHDRAWN,
            f"certificate {order.certificate_id} was withdrawn from {order.registry}; issue the period under a new id",
            fields=(FieldProblem("certificate_id", "an id not used before"),),
        )
    return certificate_exists(order.ref)


def _no_position(order: CertificateOrder) -> Problem:
    if order.on_clash is OnClash.REJECT:
        return AlreadyExists(
            Reason.POSITION_TAKEN,
            "the wallet position of the period is taken by another certificate of the endpoint; "
            "use another endpoint, or on_clash OTHER_LANE",
            fields=(FieldProblem("start_time", "a period whose wallet position is free"),),
        )
    return ResourceExhausted(
        Reason.POSITION_UNAVAILABLE,
        "all 128 wallet positions of the period are taken below this endpoint; use another endpoint",
    )
