"""Issued credentials: shown, revoked, suspended, resumed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialState, IssuedCredential, StatusKind, StatusPurpose
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason

from sealwright_certify.ports import CertifyWork, StatusList, Store
from sealwright_certify.usecases.events import CredentialStatusChanged


class Credentials:
    """Shows credentials and changes their status."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, call: Call, id_: UUID) -> IssuedCredential:
        """One credential; NotFound."""
        async with self._store.read() as work:
            return (await _all_of(work, call.tenant, [id_], lock=False))[0]

    async def page(
        self, call: Call, holder_did: str, definition_id: str, before: UUID | None, limit: int
    ) -> list[IssuedCredential]:
        """Credentials newest first, those before ``before``."""
        async with self._store.read() as work:
            return await work.credentials.page(call.tenant, holder_did, definition_id, before, limit)

    async def lists(self, call: Call, after: UUID | None, limit: int) -> list[StatusList]:
        """The tenant's status lists, oldest first."""
        async with self._store.read() as work:
            return await work.status.page(call.tenant, after, limit)

    async def change(
        self, call: Call, ids: Sequence[UUID], state: CredentialState, reason: str
    ) -> list[IssuedCredential]:
        """Puts credentials into ``state``, all or none; those already there stay as they are.

        Raises NotFound, or FailedPrecondition for a revoked credential (revocation is final) and for a credential that
        has no place in a list of the needed purpose.
        """
        async with self._store.begin(call) as work:
            found = await _all_of(work, call.tenant, ids, lock=True)
            await apply_state(work, call.tenant, found, state, reason)
            return work.answer(await _all_of(work, call.tenant, ids, lock=False))


async def apply_state(
    work: CertifyWork, tenant: str, credentials: Sequence[IssuedCredential], state: CredentialState, reason: str
) -> None:
    """Sets bits, states, events and audit rows of ``credentials`` that are not in ``state`` yet."""
    changing = [credential for credential in credentials if credential.state is not state]
    for credential in changing:
        _demand_change(credential, state)
    if not changing:
        return
    await work.status.set_values(
        [(place, place.value(state)) for credential in changing for place in credential.status]
    )
    changed = await work.credentials.set_state(tenant, [credential.id for credential in changing], state)
    work.emit(*(CredentialStatusChanged(credential, state, work.now) for credential in changed))
    for credential in changed:
        work.audit(f"credential.{state.lower()}", str(credential.id), reason=reason)


def revocable(credential: IssuedCredential) -> bool:
    """Whether it has a place in a list that can say that it is revoked."""
    return _listed(credential, StatusPurpose.REVOCATION)


def _listed(credential: IssuedCredential, purpose: StatusPurpose) -> bool:
    return any(place.purpose is purpose or place.kind is StatusKind.TOKEN for place in credential.status)


def _demand_change(credential: IssuedCredential, state: CredentialState) -> None:
    if credential.state is CredentialState.REVOKED:
        raise FailedPrecondition(
            Reason.PROCESS_STATE_CONFLICT, f"credential {credential.id} is revoked for good; issue a new one"
        )
    purpose = StatusPurpose.REVOCATION if state is CredentialState.REVOKED else StatusPurpose.SUSPENSION
    if not _listed(credential, purpose):
        raise FailedPrecondition(
            Reason.PROCESS_STATE_CONFLICT,
            f"credential {credential.id} has no place in a {purpose} list; its definition's status_purposes lack it",
        )


async def _all_of(work: CertifyWork, tenant: str, ids: Sequence[UUID], *, lock: bool) -> list[IssuedCredential]:
    found = {credential.id: credential for credential in await work.credentials.get(tenant, ids, lock=lock)}
    if missing := [str(id_) for id_ in ids if id_ not in found]:
        raise NotFound(
            Reason.CREDENTIAL_NOT_FOUND, f"no credential {', '.join(missing[:5])}; ListCredentials shows what there is"
        )
    return [found[id_] for id_ in ids]
