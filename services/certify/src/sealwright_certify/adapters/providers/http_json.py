"""``http``: a JSON document by subject. ``{"url": "https://.../{subject}", "claims": {claim: path}, "token": NAME}``.

``{subject}`` is put in percent-encoded; paths are dotted as in mappings; NAME is a bearer token of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast
from urllib.parse import quote

from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable
from sealwright_common.domain.json_values import MISSING, Json, find, parse_path

from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest


class Reply(Protocol):
    """An HTTP answer."""

    @property
    def status(self) -> int: ...

    def json(self) -> Any: ...


class HttpGet(Protocol):
    """Gets a URL through the egress guard."""

    async def __call__(self, url: str, headers: Mapping[str, str], timeout: float) -> Reply: ...


class HttpClaims:
    """Answers from an HTTP service."""

    def __init__(self, get: HttpGet, tokens: Mapping[str, str]) -> None:
        self._get = get
        self._tokens = tokens

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """Unknown members, tokens and paths."""
        found = [f"no member {name}" for name in settings.keys() - {"url", "claims", "token"}]
        url = settings.get("url")
        if not isinstance(url, str) or url.count("{subject}") != 1 or not url.startswith(("https://", "http://")):
            found.append("url: an address with {subject} in it")
        elif "{subject}" in url.split("/", 3)[2]:
            found.append("url: {subject} in the path or query, not in the host")
        claims: object = settings.get("claims")
        if not isinstance(claims, Mapping) or not claims:
            return [*found, "claims: an object of claims and their paths in the answer"]
        for claim, path in cast(Mapping[str, Any], claims).items():
            try:
                parse_path(path)
            except (ValueError, TypeError) as error:
                found.append(f"claims.{claim}: {error}")
        if settings.get("token") not in (None, *self._tokens):
            found.append(f"token: one of {', '.join(sorted(self._tokens)) or '(none is configured)'}")
        return found

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        """The mapped claims; None for 404 and 410. Unavailable for 5xx and silence."""
        if request.subject is None:
            return None
        settings = request.settings
        url = settings["url"].replace("{subject}", quote(request.subject, safe=""))
        headers = {"accept": "application/json"}
        if "token" in settings:
            headers["authorization"] = f"Bearer {self._tokens[settings['token']]}"
        reply = await self._get(url, headers, request.remaining)
        if reply.status in (404, 410):
            return None
        if reply.status >= 500 or reply.status == 429:
            raise Unavailable(Reason.PROVIDER_FAILED, "the data source cannot answer now; try again")
        if reply.status != 200:
            raise FailedPrecondition(Reason.PROVIDER_FAILED, f"the data source answers {reply.status}")
        try:
            document = cast(Json, reply.json())
        except ValueError as error:
            raise FailedPrecondition(Reason.PROVIDER_FAILED, "the data source answers no JSON") from error
        found = {claim: find(document, parse_path(path)) for claim, path in settings["claims"].items()}
        return {claim: value for claim, value in found.items() if value is not MISSING}
