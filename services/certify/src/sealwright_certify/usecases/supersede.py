"""What a new credential replaces: revoked once the holder has the new one, and not before (R4).

A request whose delivery is refused, or fails for good, leaves the holder's earlier credentials as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sealwright_common.domain.credentials import CredentialState, ReissuePolicy
from sealwright_common.domain.issuance import IssuanceProcess

from sealwright_certify.ports import CertifyWork
from sealwright_certify.usecases.credentials import apply_state, revocable


async def supersede(work: CertifyWork, delivered: Sequence[IssuanceProcess]) -> None:
    """Revokes what the credentials of processes replace, as their definitions say; in the transaction that moves the
    processes to DELIVERED. What is revoked already stays so: doing it again changes nothing."""
    for tenant in sorted({process.tenant for process in delivered}):
        own = [process for process in delivered if process.tenant == tenant]
        refs = sorted({ref for process in own for ref in process.definitions}, key=lambda ref: (ref.id, ref.version))
        definitions = await work.definitions.pinned(tenant, refs)
        replacing = {ref for ref in refs if definitions[ref].on_reissue is ReissuePolicy.REVOKE_PREVIOUS}
        processes = [
            process.parent_id or process.id for process in own if not replacing.isdisjoint(process.definitions)
        ]
        if not processes:
            continue
        issued = await work.credentials.of_processes(tenant, processes)
        replaced = await work.credentials.previous(tenant, [one for one in issued if one.definition in replacing])
        with work.acting_for(replace(work.call, tenant=tenant)):
            await apply_state(work, tenant, list(filter(revocable, replaced)), CredentialState.REVOKED, "superseded")
