"""Tenants: who issues, under which DID, with which keys; and the DID document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, NotFound, Reason
from sealwright_common.domain.json_values import Json, JsonObject
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_certify.ports import CertifyWork, DcpPolicy, Store, Tenant
from sealwright_certify.usecases.events import TenantStored
from sealwright_certify.usecases.keys import KeyCopy, apply_keys, method_of
from sealwright_certify.usecases.remembered import Remembered

Jwk = Callable[[KeyAlgorithm, bytes], JsonObject]
"""The public JWK of a key as the signer encodes it."""

MOST_KEPT = 10_000
"""Tenants that are kept in memory for doors."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoreTenant:
    """The issuing side of the call's tenant."""

    did: str
    """Empty for the one made from certify's public address."""
    key_issuer: str
    display_name: str
    dcp: DcpPolicy


class Tenants:
    """Stores and shows the issuing side of tenants."""

    def __init__(self, store: Store, keys: KeyCopy, clock: Clock, *, default_did: str) -> None:
        self._store = store
        self._keys = keys
        self._default_did = default_did
        self._kept: Remembered[str, Tenant] = Remembered(clock, MOST_KEPT)

    async def store(self, call: Call, command: StoreTenant) -> Tenant:
        """The stored tenant. FailedPrecondition for another DID than before, NotFound without the issuer."""
        did = command.did or f"{self._default_did}:{call.tenant}"
        draft = Tenant(call.tenant, did, command.key_issuer, command.display_name, command.dcp, _NEVER)
        fetched = await self._keys.fetch(draft)
        if not fetched:
            raise FailedPrecondition(
                Reason.NO_ACTIVE_KEY, f"issuer {command.key_issuer} has no published key of purpose assertion yet"
            )
        async with self._store.begin(call) as work:
            known = await work.tenants.get(call.tenant)
            if known is not None and known.did != did:
                raise FailedPrecondition(
                    Reason.CONFLICT, f"tenant {call.tenant} issues as {known.did}, which credentials out there name"
                )
            other = await work.tenants.by_did(did)
            if other is not None and other.name != call.tenant:
                raise InvalidArgument.of("did", "a DID no other tenant has")
            tenant = Tenant(
                call.tenant,
                did,
                command.key_issuer,
                command.display_name,
                command.dcp,
                work.now if known is None else known.create_time,
                1 if known is None else known.version + 1,
            )
            await work.tenants.put(tenant)
            await apply_keys(work, fetched)
            work.emit(TenantStored(tenant))
            work.audit("tenant.store", call.tenant, did=did, key_issuer=command.key_issuer)
            work.answer(tenant)
        self._keys.forget(call.tenant)
        self._kept.forget()
        return tenant

    async def get(self, call: Call) -> Tenant:
        """The call's tenant; NotFound if it was never stored."""
        async with self._store.read() as work:
            tenant = await work.tenants.get(call.tenant)
        if tenant is None:
            raise NotFound(Reason.ISSUER_UNKNOWN, f"tenant {call.tenant} has no DID yet; store it with StoreTenant")
        return tenant

    async def current(self, call: Call) -> Tenant:
        """The call's tenant, at most a second old: what a door asks with every request. NotFound."""
        return await self._kept.get(call.tenant, lambda: self.get(call))

    async def by_did(self, did: str) -> Tenant | None:
        """The tenant that issues as ``did``."""
        async with self._store.read() as work:
            return await work.tenants.by_did(did)


async def tenant_of(work: CertifyWork, name: str) -> Tenant:
    """The tenant's issuing side; FailedPrecondition if it was never stored."""
    tenant = await work.tenants.get(name)
    if tenant is None:
        raise no_issuer(name)
    return tenant


def no_issuer(tenant: str) -> FailedPrecondition:
    """The answer to a request of a tenant that was never stored."""
    return FailedPrecondition(
        Reason.ISSUER_UNKNOWN, f"tenant {tenant} has no DID and keys yet; store them with StoreTenant"
    )


class DidDocuments:
    """The DID documents of tenants, as they stand now."""

    def __init__(self, keys: KeyCopy, jwk: Jwk, *, dcp_base: str) -> None:
        self._keys = keys
        self._jwk = jwk
        self._dcp_base = dcp_base

    async def of(self, tenant: Tenant) -> JsonObject:
        """The document over the keys listed now.

        JsonWebKey2020 methods and plain string relationships, which the strict parsers of dataspaces expect.
        """
        keys = await self._keys.listed(tenant)
        methods: list[Json] = [method_of(tenant, key.key_id) for key in keys]
        return {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": tenant.did,
            "verificationMethod": [
                {
                    "id": method_of(tenant, key.key_id),
                    "type": "JsonWebKey2020",
                    "controller": tenant.did,
                    "publicKeyJwk": self._jwk(key.algorithm, key.public_key),
                }
                for key in keys
            ],
            "assertionMethod": methods,
            "authentication": methods,
            "capabilityInvocation": methods,
            "service": [
                {
                    "id": f"{tenant.did}#issuer",
                    "type": "IssuerService",
                    "serviceEndpoint": f"{self._dcp_base}/{tenant.name}",
                }
            ],
        }
