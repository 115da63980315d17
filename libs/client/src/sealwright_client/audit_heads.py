"""Signed heads of the services' audit logs: fetched from the rotator, verified, and what does not fit said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.runtime.audit import AuditHead

from sealwright_client.authority import AUTHORITY, Seal, from_base64url
from sealwright_client.client import Sealwright

PAGE = 1000
_TRUSTED = (
    keys_pb2.KEY_STATE_PUBLISHED,
    keys_pb2.KEY_STATE_ACTIVE,
    keys_pb2.KEY_STATE_VERIFY_ONLY,
    keys_pb2.KEY_STATE_DESTROY_SCHEDULED,
    keys_pb2.KEY_STATE_DESTROYED,
)


@dataclass(slots=True)
class Published:
    """What was published of one service's log."""

    heads: dict[int, AuditHead] = field(default_factory=dict[int, AuditHead])
    """Heads by the number of their row."""
    problem: str = ""
    """Why the heads themselves show that something was changed."""

    def add(self, head: AuditHead) -> None:
        """Takes a head in; another one of the same row shows that the log was written anew."""
        known = self.heads.setdefault(head.seq, head)
        if known.hash != head.hash:
            self.problem = f"rewritten: two published heads of row {head.seq} differ"


async def list_heads(mesh: Sealwright, service: str = "") -> list[resources_pb2.AuditHead]:
    """Every head the rotator keeps, of one service or all."""
    heads: list[resources_pb2.AuditHead] = []
    token = ""
    while True:
        page = await mesh.rotator.ListAuditHeads(
            pb.ListAuditHeadsRequest(service=service, page_size=PAGE, page_token=token)
        )
        heads += page.heads
        token = page.next_page_token
        if not token:
            return heads


async def fetch(mesh: Sealwright) -> dict[str, Published]:
    """What was published of each service's log, by service. Heads that are not signed yet, or by a key that is
    compromised, do not count; one whose signature does not verify is a problem."""
    keys: dict[str, bytes] = {}
    token = ""
    while True:
        page = await mesh.rotator.ListKeys(
            pb.ListKeysRequest(issuer_type=AUTHORITY, states=_TRUSTED, page_size=PAGE, page_token=token)
        )
        keys |= {key.key_id: key.public_key for key in page.keys if key.key_id}
        token = page.next_page_token
        if not token:
            return published(await list_heads(mesh), keys)


def published(heads: Iterable[resources_pb2.AuditHead], keys: Mapping[str, bytes]) -> dict[str, Published]:
    """Verifies signed heads by the authority's ``keys`` (raw Ed25519, by id)."""
    found: dict[str, Published] = {}
    for head in heads:
        if not head.jws:
            continue
        of_service = found.setdefault(head.service, Published())
        try:
            seal = Seal.read(head.jws)
            said = seal.said["service"], seal.said["seq"], from_base64url(seal.said["hash"])
        except (ValueError, KeyError, TypeError):
            of_service.problem = f"the published head of row {head.seq} is malformed"
            continue
        if not seal.known(keys):
            continue
        if not seal.verifies(keys) or said != (head.service, head.seq, head.hash):
            of_service.problem = f"the signature of the published head of row {head.seq} does not verify"
            continue
        of_service.add(AuditHead(head.seq, head.hash))
    return found
