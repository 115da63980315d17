"""Rows to domain values and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from sealwright_common.domain.certificates import (
    Attribute,
    Certificate,
    CertificateOrder,
    CertificateRef,
    CertificateState,
    CertificateType,
    Change,
    DeliveryState,
    EndpointKey,
    HashedAttribute,
    OnClash,
    Recipient,
    WalletEndpoint,
)

from sealwright_stamp.ports import Item, Pending, Slice, Submission, SubmissionKind

Row = Any
"""An asyncpg record, read by column name."""

ORDER_COLUMNS = """c.recipient_id, c.registry, c.certificate_id, c.metering_point_id, c.type, c.quantity, c.start_time,
c.end_time, c.grid_area, c.clear_text, c.hashed, c.on_clash, c.allow_clear_text_quantity"""

NAMED = """unnest($2::text[], $3::uuid[]) as w (registry, certificate_id) cross join lateral (select * from certificate
    where tenant = $1 and certificate_id = w.certificate_id and registry = w.registry limit 1)"""
"""The certificates with names in $2 and $3 of the tenant $1, to be given an alias. One look into the index for each: a
join the planner may begin at the tenant, whose certificates it takes for few."""


# By text: calling an enum costs three times as much as looking it up, and every step does it for every row.
_STATES = {state.value: state for state in CertificateState}
_TYPES = {kind.value: kind for kind in CertificateType}
_CLASHES = {choice.value: choice for choice in OnClash}
_DELIVERIES = {delivery.value: delivery for delivery in DeliveryState}
_KINDS = {kind.value: kind for kind in SubmissionKind}


@lru_cache(maxsize=4096)
def endpoint_key(raw: bytes) -> EndpointKey:
    """The key in stored bytes; its curve point is checked once, not for each certificate."""
    return EndpointKey(raw)


def recipient(row: Row) -> Recipient:
    """A recipient joined with its key."""
    endpoint = WalletEndpoint(row["endpoint_url"], endpoint_key(row["public_key"]))
    return Recipient(row["id"], endpoint, row["create_time"])


def ref(row: Row) -> CertificateRef:
    """The certificate's name."""
    return CertificateRef(row["registry"], row["certificate_id"])


def change(row: Row) -> Change:
    """What an event says of a moved certificate."""
    return Change(ref(row), row["version"], _STATES[row["state"]], row["transaction_id"] or "", row["told_reason"])


def clear_text_json(attributes: Sequence[Attribute]) -> str:
    """Clear-text attributes as the column holds them: [[key, value], ...]."""
    return orjson.dumps([[a.key, a.value] for a in attributes]).decode()


def hashed_json(attributes: Sequence[HashedAttribute]) -> str:
    """Hashed attributes as the column holds them: [[key, value, salt in hex], ...]."""
    return orjson.dumps([[a.key, a.value, a.salt.hex()] for a in attributes]).decode()


def hashed(row: Row) -> tuple[HashedAttribute, ...]:
    """Hashed attributes with their salts."""
    return tuple(HashedAttribute(key, value, bytes.fromhex(salt)) for key, value, salt in orjson.loads(row["hashed"]))


def order(row: Row, salted: tuple[HashedAttribute, ...]) -> CertificateOrder:
    """The order as it was accepted."""
    return CertificateOrder(
        row["recipient_id"],
        row["registry"],
        row["certificate_id"],
        row["metering_point_id"],
        _TYPES[row["type"]],
        row["quantity"],
        row["start_time"],
        row["end_time"],
        row["grid_area"],
        tuple(Attribute(key, value) for key, value in orjson.loads(row["clear_text"])),
        tuple(Attribute(a.key, a.value) for a in salted),
        _CLASHES[row["on_clash"]],
        row["allow_clear_text_quantity"],
    )


def certificate(row: Row) -> Certificate:
    """A certificate with its issuing transaction's id."""
    salted = hashed(row)
    return Certificate(
        order(row, salted),
        salted,
        _STATES[row["state"]],
        row["reason"],
        row["position"],
        row["transaction_id"] or "",
        row["signing_key_id"] or "",
        _DELIVERIES[row["delivery"]],
        row["delivery_reason"],
        row["delivery_attempts"],
        row["version"],
        row["create_time"],
        row["update_time"],
    )


def item(row: Row) -> Item:
    """A certificate as the chain works on it, with the transaction of its present kind."""
    salted = hashed(row)
    return Item(
        row["row_id"],
        row["tenant"],
        ref(row),
        _STATES[row["state"]],
        order(row, salted),
        salted,
        WalletEndpoint(row["endpoint_url"], endpoint_key(row["public_key"])),
        row["position"],
        row["blinding"],
        row["attempts"],
        row["delivery_attempts"],
        row["delivery_deadline"],
        None if row["transaction"] is None else submission(row),
    )


def slice_of(row: Row) -> Slice:
    """What a wallet is to get."""
    return Slice(
        row["row_id"],
        row["tenant"],
        ref(row),
        WalletEndpoint(row["endpoint_url"], endpoint_key(row["public_key"])),
        row["position"],
        row["quantity"],
        row["blinding"],
        hashed(row),
        row["delivery_attempts"],
        row["delivery_deadline"],
    )


def submission(row: Row) -> Submission:
    """A stored transaction."""
    kind = _KINDS[row["kind"]]
    return Submission(kind, row["signing_key_id"], row["transaction_id"], row["transaction"], row["sends"])


def pending(row: Row) -> Pending:
    """A transaction that waits for the registry."""
    kind = _KINDS[row["kind"]]
    return Pending(row["row_id"], row["tenant"], ref(row), kind, row["attempts"], row["transaction_id"])
