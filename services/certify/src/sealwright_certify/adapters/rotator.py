"""The rotator service as a port."""

from __future__ import annotations

from grpc import aio
from sealwright_common.domain.errors import NotFound, Problem, Reason
from sealwright_common.runtime.grpc import metadata

from sealwright_certify.codec import peers
from sealwright_certify.ports import IssuerKey


class RotatorClient:
    """Reads key schedules."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = peers.rotator_stub(channel)

    async def keys(self, tenant: str, issuer: str) -> list[IssuerKey]:
        """All keys of an issuer that exist and sign assertions; NotFound if it has none at all."""
        found: list[IssuerKey] = []
        page_token, known = "", False
        while True:
            request = peers.list_keys_request(issuer, page_token)
            try:
                page = await self._stub.ListKeys(request, metadata=metadata.for_tenant(tenant))
            except Problem as problem:
                raise type(problem)(
                    problem.reason, f"rotator: {problem.message}", retry_after=problem.retry_after
                ) from problem
            known = known or bool(page.keys)
            found += peers.assertion_keys(page.keys)
            page_token = page.next_page_token
            if not page_token:
                break
        if not known:
            raise NotFound(
                Reason.ISSUER_NOT_FOUND, f"rotator has no keys of issuer {issuer}; create it with CreateIssuer"
            )
        return found
