"""Everything an operator does with this door, in one value for the gRPC servicer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sealwright_common.domain.clock import Clock

from sealwright_certify.usecases.oid4vci.certificates import Certificates
from sealwright_certify.usecases.oid4vci.deferred import DecideDeferred
from sealwright_certify.usecases.oid4vci.offers import CancelOffer, CreateOffer
from sealwright_certify.usecases.oid4vci.ports import Oid4vciStore
from sealwright_certify.usecases.oid4vci.store_issuer import StoreIssuer


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator's use cases."""

    store: Oid4vciStore
    clock: Clock
    public_url: str
    store_issuer: StoreIssuer
    create_offer: CreateOffer
    cancel_offer: CancelOffer
    decide_deferred: DecideDeferred
    certificates: Certificates
    forget: Callable[[str], None]
    """Drops what is cached of an issuer, by its path."""
