"""``pushed``: claims pushed with an offer; whoever makes the offer vouches for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest


class PushedClaims:
    """Gives back what the offer brought."""

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """Pushed claims have no settings."""
        return ["no members; pushed claims have no settings"] if settings else []

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        """The claims; None for a token that came from no offer."""
        return request.pushed
