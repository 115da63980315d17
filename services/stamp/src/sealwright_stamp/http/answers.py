"""Domain values as this door's JSON: camelCase, times in ISO 8601 where they are not part of a certificate."""

from __future__ import annotations

import base64
from typing import Any

from sealwright_common.domain.certificates import Certificate, DeliveryState, HistoryEntry, Recipient, Withdrawn

from sealwright_stamp.usecases.withdraw import FeedPage


def recipient(value: Recipient) -> dict[str, Any]:
    """A recipient."""
    return {
        "id": str(value.id),
        "walletEndpointReference": {
            "version": 1,
            "endpoint": value.endpoint.url,
            "publicKey": base64.b64encode(value.endpoint.key.raw).decode(),
        },
        "createdDate": value.create_time.isoformat(),
    }


def certificate(value: Certificate) -> dict[str, Any]:
    """A certificate and where it stands."""
    order = value.order
    return {
        "recipientId": str(order.recipient_id),
        "registryName": order.registry,
        "meteringPointId": order.metering_point_id,
        "certificate": {
            "id": str(order.certificate_id),
            "type": order.type.value.lower(),
            "quantity": order.quantity,
            "start": int(order.start.timestamp()),
            "end": int(order.end.timestamp()),
            "gridArea": order.grid_area,
            "clearTextAttributes": {a.key: a.value for a in order.clear_text},
            "hashedAttributes": [{"key": a.key, "value": a.value} for a in order.hashed],
        },
        "state": value.state.value.lower(),
        "reason": value.reason,
        "walletPosition": value.position,
        "transactionId": value.transaction_id,
        "signingKeyId": value.signing_key_id,
        "deliveryState": "" if value.delivery is DeliveryState.NONE else value.delivery.value.lower(),
        "deliveryReason": value.delivery_reason,
        "deliveryAttempts": value.delivery_attempts,
        "version": value.version,
        "createdDate": value.create_time.isoformat(),
        "updatedDate": value.update_time.isoformat(),
    }


def history_entry(value: HistoryEntry) -> dict[str, Any]:
    """One step."""
    return {
        "version": value.version,
        "state": value.state.value.lower(),
        "event": value.event,
        "reason": value.reason,
        "date": value.time.isoformat(),
    }


def withdrawn(value: Withdrawn) -> dict[str, Any]:
    """A row of the feed."""
    return {
        "id": value.id,
        "registryName": value.ref.registry,
        "certificateId": str(value.ref.certificate_id),
        "withdrawnDate": value.time.isoformat(),
    }


def feed(page: FeedPage, skip: int, limit: int | None) -> dict[str, Any]:
    """A page of the feed; ``total`` counts the rows after the cursor."""
    rows = [withdrawn(row) for row in page.rows]
    return {
        "result": rows,
        "metadata": {"count": len(rows), "offset": skip, "limit": limit or 2**31 - 1, "total": page.total},
    }
