"""Heads of the services' audit logs: kept as they were told, and signed by the rotator's own issuer.

Whoever may write a service's database can write its audit log anew as a whole, hashes and all. A head that was signed
and published before shows it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sealwright_common.domain.call import Call, system_call

from sealwright_rotator.ports import AuditHead, World
from sealwright_rotator.usecases.authority import seal
from sealwright_rotator.usecases.recording import moment

AUDIT_HEAD_TYPE = "sealwright-audit-head+jws"
"""``typ`` of the JWS of an audit head."""

BATCH = 50
"""Heads signed in one round."""


@dataclass(frozen=True, slots=True)
class AuditHeadSealed:
    """The event that a head was signed."""

    head: AuditHead


async def sign_audit_heads(world: World) -> bool:
    """Signs heads that are not signed yet; True if there may be more. Without a signing key they wait."""
    async with world.store.read(system_call("sign_audit_heads")) as work:
        heads = await work.audit_heads.unsigned(BATCH)
    signed: list[AuditHead] = []
    for head in heads:
        sealed = await seal(world, audit_head_payload(head), AUDIT_HEAD_TYPE)
        if sealed is None:
            break
        signed.append(replace(head, jws=sealed.compact))
    if signed:
        async with world.store.begin_system("sign_audit_heads") as work:
            work.emit(*(AuditHeadSealed(head) for head in await work.audit_heads.sign(signed)))
    return len(signed) == BATCH


def audit_head_payload(head: AuditHead) -> bytes:
    """What the signature covers: canonical JSON (RFC 8785) of hash, seq, service and time."""
    hashed = urlsafe_b64encode(head.hash).rstrip(b"=").decode()
    body = {"hash": hashed, "seq": head.seq, "service": head.service, "time": moment(head.time)}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


async def list_audit_heads(
    world: World, call: Call, service: str, after: tuple[str, int, bytes] | None, size: int
) -> Sequence[AuditHead]:
    """Up to ``size`` heads of a service ("": of all), signed or not yet, after the one named."""
    async with world.store.read(call) as work:
        return await work.audit_heads.page(service, after, size)
