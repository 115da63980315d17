"""The OpenID4VCI door put together: a piece of the composition root, also used by tests and benches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.together import Commit, each_by_itself
from sealwright_common.runtime.collector import Collector
from starlette.routing import Route

from sealwright_certify.adapters.formats import MAKERS
from sealwright_certify.adapters.formats.certificates import X509Writer
from sealwright_certify.adapters.formats.jose import write_jwt
from sealwright_certify.adapters.oid4vci.checks import CredentialCheck
from sealwright_certify.adapters.oid4vci.content import DatasetContent
from sealwright_certify.adapters.oid4vci.dpop import check_dpop
from sealwright_certify.adapters.oid4vci.foreign_tokens import FetchJson, ServerTokens
from sealwright_certify.adapters.oid4vci.proofs import Proofs
from sealwright_certify.adapters.oid4vci.signing_keys import ScheduledKeys
from sealwright_certify.adapters.oid4vci.wallet_attestations import check_wallet
from sealwright_certify.http.guards import Sources
from sealwright_certify.http.oid4vci import Door, oid4vci_routes
from sealwright_certify.ports import KeyDirectory, SchemaEngine, Signer, TemplateEngine
from sealwright_certify.usecases.oid4vci.certificates import Certificates
from sealwright_certify.usecases.oid4vci.deferred import DecideDeferred, RequestDeferred
from sealwright_certify.usecases.oid4vci.issue import Issuance
from sealwright_certify.usecases.oid4vci.notify import Notify
from sealwright_certify.usecases.oid4vci.offers import CancelOffer, CreateOffer, FetchOffer
from sealwright_certify.usecases.oid4vci.operator import Operator
from sealwright_certify.usecases.oid4vci.ports import (
    ClaimsProvider,
    MessageEncryption,
    Nonces,
    Oid4vciStore,
    ProxyIssuer,
)
from sealwright_certify.usecases.oid4vci.redeem import RedeemCode
from sealwright_certify.usecases.oid4vci.request import ClaimRequests, RecordIssued, RequestCredential
from sealwright_certify.usecases.oid4vci.store_issuer import StoreIssuer
from sealwright_certify.usecases.status_pool import StatusPool

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Oid4vciParts:
    """What the door is made of, from outside."""

    store: Oid4vciStore
    clock: Clock
    signer: Signer
    directory: KeyDirectory
    templates: TemplateEngine
    schemas: SchemaEngine
    providers: Mapping[str, ClaimsProvider]
    proxies: Mapping[str, ProxyIssuer]
    fetch: FetchJson
    public_url: str
    status: StatusPool
    nonces: Nonces
    encryption: MessageEncryption
    sources: Sources
    """How much each address may ask."""


class Oid4vci:
    """The door and the operator's use cases behind it."""

    def __init__(self, parts: Oid4vciParts) -> None:
        self.keys = ScheduledKeys(parts.store, parts.directory, parts.signer)
        content = DatasetContent(parts.templates, parts.schemas)
        foreign = ServerTokens(parts.fetch)
        issuance = Issuance(
            keys=self.keys,
            makers=MAKERS,
            verifier=CredentialCheck(),
            providers=parts.providers,
            proxies=parts.proxies,
            content=content,
            public_url=parts.public_url,
            status=parts.status,
        )
        redeem = together("oid4vci tokens", RedeemCode(parts.store, parts.public_url))
        claim = together("oid4vci claims", ClaimRequests(parts.store, Proofs(), parts.nonces, parts.public_url))
        record = together("oid4vci issuance", RecordIssued(parts.store, issuance))
        self.collectors: tuple[Collector[Any, Any], ...] = (record, claim, redeem)
        """Parts of the app, started in this order."""
        self.door = Door(
            store=parts.store,
            clock=parts.clock,
            public_url=parts.public_url,
            redeem=redeem.submit,
            request_credential=RequestCredential(
                parts.store, issuance, foreign, claim.submit, record.submit, parts.public_url
            ),
            request_deferred=RequestDeferred(parts.store, issuance, foreign, parts.public_url),
            notify=Notify(parts.store, foreign, parts.public_url),
            fetch_offer=FetchOffer(parts.store),
            nonces=parts.nonces,
            encryption=parts.encryption,
            check_dpop=check_dpop,
            check_wallet=check_wallet,
            write_jwt=write_jwt,
            keys=self.keys,
            issuance=issuance,
            sources=parts.sources,
        )

        self.operator = Operator(
            store=parts.store,
            clock=parts.clock,
            public_url=parts.public_url,
            store_issuer=StoreIssuer(parts.store, parts.providers, parts.proxies, content),
            create_offer=CreateOffer(parts.store, parts.public_url),
            cancel_offer=CancelOffer(parts.store),
            decide_deferred=DecideDeferred(parts.store),
            certificates=Certificates(parts.store, self.keys, X509Writer()),
            forget=self.door.forget,
        )

    def routes(self) -> list[Route]:
        """The routes for certify's HTTP server."""
        return oid4vci_routes(self.door)


def together(name: str, commit: Commit[Item, Result]) -> Collector[Item, Result]:
    """Gathers what comes while one commit is under way. One at a time: a second one would wait for the first anyway, at
    the head of the audit log."""
    return Collector(name, each_by_itself(commit), max_wait=timedelta(milliseconds=1), in_flight=1)
