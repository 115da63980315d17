"""Making at once the keys that take the place of one that is about to sign no more."""

from __future__ import annotations

from dataclasses import replace

from sealwright_common.domain.errors import Aborted
from sealwright_common.domain.issuers import IssuerKey

from sealwright_rotator.ports import KeyChange, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.recording import of_key, record


async def replacement(world: World, used_up: IssuerKey, name: str) -> list[KeyChange]:
    """The keys that are due when ``used_up`` signs no more, planned and made as the job does it; empty if there are
    enough, or the job is at it. What a crash leaves planned the job takes up. ``name`` says what for."""
    now, issuer = world.clock.now(), used_up.issuer
    planned: list[IssuerKey] = []
    try:
        async with world.store.begin_system(f"{name}.plan", issuer.tenant) as work:
            for due in await work.issuers.lock_due([issuer.id]):
                others = tuple(key for key in due.keys if key.id != used_up.id and key.cohort == used_up.cohort)
                alone = replace(due.issuer, cohorts=(used_up.cohort,))
                fresh = lifecycle.plan(replace(due, issuer=alone, keys=others), now)
                planned = [replace(key, issuer=due.issuer) for key in fresh]
            if planned:
                await work.keys.insert(planned)
                await work.issuers.set_due({issuer.id: now + world.lease}, {issuer.id: 0})
                await record(work, [of_key(key) for key in planned])
    except Aborted:
        return []
    made = await world.signer.make(planned) if planned else []
    return [lifecycle.born(key, new, now) for key, new in zip(planned, made, strict=True)]
