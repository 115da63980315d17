"""From claims to signed and checked credentials: the part that immediate and deferred issuance share.

Between two transactions: the first claimed what may be used once; here claims are
fetched, rendered and signed in one batch, each credential is checked by code that did not write it, and the second
transaction records what leaves. The credentials themselves are not kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import (
    CredentialFormat,
    DefinitionRef,
    IssuedCredential,
    StatusPlace,
    StatusPurpose,
)
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, NotFound, Reason
from sealwright_common.domain.formats import Content as CredentialContent
from sealwright_common.domain.formats import CredentialMaker, HolderKey, IssuerKey, StatusReference, VcOptions
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.oid4vci import Configuration, Dataset, Issuer
from sealwright_common.domain.oid4vci_grants import Access, Notification, secret_hash

from sealwright_certify.usecases.oid4vci.errors import request_denied
from sealwright_certify.usecases.oid4vci.events import CredentialsIssued
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import (
    ClaimsProvider,
    ClaimsRequest,
    Content,
    Issued,
    Json,
    Oid4vciWork,
    ProxyIssuer,
    ProxyRequest,
    SigningKeys,
    Verifier,
)
from sealwright_certify.usecases.status_pool import StatusPool

_SOURCE_SECONDS = 10.0
_KINDS = {
    "token": "TokenStatusList",
    "bitstring": "BitstringStatusListEntry",
    "statuslist2021": "StatusList2021Entry",
}
_MDOC = frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384, KeyAlgorithm.EDDSA})
_SUITES = {
    "eddsa-rdfc-2022": frozenset({KeyAlgorithm.EDDSA}),
    "eddsa-jcs-2022": frozenset({KeyAlgorithm.EDDSA}),
    "ecdsa-rdfc-2019": frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384}),
    "ecdsa-jcs-2019": frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384}),
}


def signing_algorithms(configuration: Configuration) -> frozenset[KeyAlgorithm]:
    """The algorithms a configuration may be signed with."""
    match configuration.format:
        case CredentialFormat.MSO_MDOC:
            return _MDOC
        case CredentialFormat.LDP_VC:
            assert isinstance(configuration.options, VcOptions)
            return _SUITES[configuration.options.suite]
        case _:
            return _MDOC | {KeyAlgorithm.PS256, KeyAlgorithm.RS256}


@dataclass(frozen=True, slots=True)
class Reserved:
    """One credential to be: its id and its places in status lists."""

    id: UUID
    status: tuple[StatusPlace, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be issued, after everything was checked and claimed."""

    issuer: Issuer
    configuration: Configuration
    access: Access
    holders: tuple[HolderKey | None, ...]
    """One per credential; None for a credential that is bound to no key."""
    reserved: tuple[Reserved, ...]
    pushed: Mapping[str, Json] | None

    @property
    def dataset(self) -> Dataset:
        """The dataset of the configuration."""
        return self.issuer.datasets[self.configuration.dataset]


@dataclass(frozen=True, slots=True)
class Made:
    """What was made for an order."""

    credentials: tuple[str | Json, ...]
    rows: tuple[IssuedCredential, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """An order that was made and is not yet recorded."""

    call: Call
    order: Order
    made: Made


@dataclass(frozen=True, slots=True)
class Issuance:
    """Makes credentials and records them."""

    keys: SigningKeys
    makers: Mapping[CredentialFormat, CredentialMaker]
    verifier: Verifier
    providers: Mapping[str, ClaimsProvider]
    proxies: Mapping[str, ProxyIssuer]
    content: Content
    status: StatusPool
    public_url: str

    async def reserve(
        self, issuer: Issuer, configuration: Configuration, count: int, now: datetime
    ) -> tuple[Reserved, ...]:
        """Ids and status entries for ``count`` credentials; none for proxied ones, whose issuer has its own."""
        ids = [new_id(now) for _ in range(count)]
        if not configuration.status or issuer.datasets[configuration.dataset].source.proxied:
            return tuple(Reserved(id_, ()) for id_ in ids)
        kind = configuration.format.status_kind
        places = await self.status.take(issuer.tenant, kind, StatusPurpose.REVOCATION, count)
        return tuple(Reserved(id_, (place,)) for id_, place in zip(ids, places, strict=True))

    async def make(self, call: Call, order: Order, now: datetime) -> Made:
        """The credentials of an order. ProtocolError credential_request_denied if there is nothing to issue."""
        issued = self._moment(now, len(order.holders))
        if order.dataset.source.proxied:
            return await self._proxied(call, order, now)
        claims = await self._claims(call, order)
        configuration, issuer = order.configuration, order.issuer
        key = await self.signing_key(issuer, configuration, now)
        maker = self.makers[configuration.format]
        try:
            content = self.content.render(order.dataset, claims)
            unsigned = [
                maker.prepare(
                    self._content(order, entry, content, issued), configuration.options, key, holder, _references(entry)
                )
                for entry, holder in zip(order.reserved, order.holders, strict=True)
            ]
        except InvalidArgument as problem:
            raise request_denied("the data for this credential is incomplete or does not fit it") from problem
        signatures = await self.keys.sign(issuer.tenant, key, [item.message for item in unsigned])
        credentials = tuple(item.assemble(signature) for item, signature in zip(unsigned, signatures, strict=True))
        for credential, holder in zip(credentials, order.holders, strict=True):
            self.verifier.check(credential, configuration.options, key, holder, now)
        return Made(
            credentials,
            tuple(
                self._row(order, entry, holder, key, issued)
                for entry, holder in zip(order.reserved, order.holders, strict=True)
            ),
        )

    async def record(self, work: Oid4vciWork, items: Sequence[Finished]) -> list[Issued]:
        """The second transaction's part: rows, event, audit, and a notification id for each wallet."""
        rows = [(item.order.issuer.tenant, row) for item in items for row in item.made.rows]
        if rows:
            await work.credentials.store(rows)
        answers: list[Issued] = []
        notifications: list[Notification] = []
        for item in items:
            order, secret = item.order, secrets.token_urlsafe(32)
            tenant, ids = order.issuer.tenant, tuple(entry.id for entry in order.reserved)
            notifications.append(Notification(secret_hash(secret), tenant, order.access.grant, ids))
            with work.acting_for(item.call):
                work.emit(CredentialsIssued(ids[0], order.issuer.path, order.configuration.id, ids))
                work.audit(
                    "oid4vci.credential.issue", str(ids[0]), configuration=order.configuration.id, count=len(ids)
                )
            answers.append(Issued(item.made.credentials, secret))
        await work.notifications.insert(notifications)
        return answers

    async def signing_key(self, issuer: Issuer, configuration: Configuration, now: datetime) -> IssuerKey:
        """The key that signs a configuration now, named as its format wants it."""
        name = configuration.key_issuer or issuer.key_issuer
        key = await self.keys.active(issuer.tenant, name, signing_algorithms(configuration), now)
        if configuration.format is CredentialFormat.DC_SD_JWT:
            # SD-JWT VC: iss is a URL with key metadata of its own (section 5), or x5c says who it is.
            return replace(key, issuer=issuer_identifier(self.public_url, issuer.path), method=key.key_id)
        if configuration.format is CredentialFormat.MSO_MDOC and not key.chain:
            raise FailedPrecondition(
                Reason.NO_ACTIVE_KEY, f"no active key of {name} has a certificate; see CreateCertificateRequest"
            )
        return key

    def _moment(self, now: datetime, count: int) -> datetime:
        """The time of issue. A batch is dated to the hour, so that its members are not told to belong together."""
        return now.replace(microsecond=0) if count == 1 else now.replace(minute=0, second=0, microsecond=0)

    async def _claims(self, call: Call, order: Order) -> Json:
        source = order.dataset.source
        remaining = call.remaining()
        request = ClaimsRequest(
            tenant=order.issuer.tenant,
            issuer=order.issuer.path,
            dataset=order.dataset.id,
            configuration_id=order.configuration.id,
            subject=order.access.subject,
            claims=tuple(claim.path for claim in order.dataset.claims),
            settings=source.settings,
            remaining=_SOURCE_SECONDS if remaining is None else min(remaining, _SOURCE_SECONDS),
            pushed=None if order.pushed is None else order.pushed.get(order.dataset.id),
        )
        try:
            claims = await self.providers[source.type].fetch(request)
        except (NotFound, FailedPrecondition) as problem:
            raise request_denied("the source of this credential's data gave none") from problem
        if claims is None:
            raise request_denied("there is no data for this credential")
        for claim in order.dataset.claims:
            if claim.mandatory and not _present(claims, claim.path):
                raise request_denied("the data for this credential is incomplete or does not fit it")
        return claims

    async def _proxied(self, call: Call, order: Order, now: datetime) -> Made:
        source = order.dataset.source
        remaining = call.remaining()
        request = ProxyRequest(
            tenant=order.issuer.tenant,
            issuer=order.issuer.path,
            configuration=order.configuration,
            subject=order.access.subject,
            keys=tuple(holder for holder in order.holders if holder is not None),
            settings=source.settings,
            remaining=_SOURCE_SECONDS if remaining is None else min(remaining, _SOURCE_SECONDS),
        )
        try:
            return Made(tuple(await self.proxies[source.type].issue(request, now)), ())
        except FailedPrecondition as problem:
            raise request_denied("the issuer behind this credential gave none that verifies") from problem

    def _content(self, order: Order, entry: Reserved, content: dict[str, Any], issued: datetime) -> CredentialContent:
        return CredentialContent(
            credential_id=f"urn:uuid:{entry.id}",
            claims=content,
            issued=issued,
            valid_from=issued,
            valid_until=issued + order.dataset.validity,
        )

    def _row(
        self, order: Order, entry: Reserved, holder: HolderKey | None, key: IssuerKey, issued: datetime
    ) -> IssuedCredential:
        configuration = order.configuration
        return IssuedCredential(
            id=entry.id,
            process_id=order.reserved[0].id,
            definition=DefinitionRef(configuration.id, order.issuer.version),
            credential_type=configuration.id,
            format=configuration.format,
            holder_did=(holder.did or "") if holder else "",
            key_id=key.method,
            payload="",
            valid_from=issued,
            valid_until=issued + order.dataset.validity,
            status=entry.status,
        )


def _references(entry: Reserved) -> tuple[StatusReference, ...]:
    return tuple(
        StatusReference(_KINDS[place.kind.value], place.uri, place.index, place.purpose.value) for place in entry.status
    )


def _present(claims: Any, path: Sequence[str | int | None]) -> bool:
    """Whether something stands at a claims path."""
    if not path:
        return claims is not None
    step, rest = path[0], path[1:]
    if isinstance(claims, Mapping):
        return step in claims and _present(claims[step], rest)
    if isinstance(claims, list):
        elements = cast(list[Any], claims)
        if step is None:
            return bool(elements) and all(_present(element, rest) for element in elements)
        return isinstance(step, int) and step < len(elements) and _present(elements[step], rest)
    return False
