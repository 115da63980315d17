"""The documents wallets and verifiers get: metadata (plain and signed), key sets, type metadata, offers, QR codes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import segno
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.oid4vci import Issuer
from starlette.requests import Request
from starlette.responses import Response

from sealwright_certify.http.negotiation import best_type
from sealwright_certify.http.oid4vci.door import Door, answer
from sealwright_certify.http.oid4vci.languages import localized, wanted_languages
from sealwright_certify.usecases.oid4vci.metadata import (
    issuer_identifier,
    issuer_metadata,
    jwt_vc_issuer,
    key_set,
    server_metadata,
    type_metadata,
)

_CACHED = {"cache-control": "public, max-age=60", "vary": "accept, accept-language"}
_SIGNING = frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384, KeyAlgorithm.EDDSA, KeyAlgorithm.PS256})


class Documents:
    """Handlers of documents."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def issuer_metadata(self, request: Request) -> Response:
        """Section 12.2: JSON, or a signed JWT for those who like ``application/jwt`` better.

        In the language asked for, where the document has it."""
        issuer = await self._door.issuer(request)
        document, languages = await self._metadata(issuer), list[str]()
        if wanted := wanted_languages(request.headers.get("accept-language", "")):
            document, languages = localized(document, wanted)
        headers = {**_CACHED, **({"content-language": ", ".join(languages)} if languages else {})}
        accept = ", ".join(request.headers.getlist("accept"))
        if best_type(accept, ("application/json", "application/jwt")) == "application/jwt":
            return await self._signed(issuer, document, headers)
        return answer(document, headers=headers)

    async def _metadata(self, issuer: Issuer) -> dict[str, Any]:
        algorithms: dict[str, KeyAlgorithm] = {}
        for id_, configuration in issuer.configurations.items():
            try:
                key = await self._door.issuance.signing_key(issuer, configuration, self._door.clock.now())
            except FailedPrecondition as problem:
                if problem.reason is not Reason.NO_ACTIVE_KEY:
                    raise
                # Nothing can be issued by this configuration now, so it is not offered.
                continue
            algorithms[id_] = key.algorithm
        return issuer_metadata(self._door.public_url, issuer, algorithms, self._door.encryption.public)

    async def _signed(self, issuer: Issuer, document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        now = self._door.clock.now()
        key = await self._door.keys.active(issuer.tenant, issuer.key_issuer, _SIGNING, now)
        here = issuer_identifier(self._door.public_url, issuer.path)
        payload = {**document, "sub": here, "iss": here, "iat": int(now.timestamp())}
        named = IssuerKey(key.key_id, key.algorithm, key.jwk, here, key.key_id, key.chain)
        unsigned = self._door.write_jwt("openidvci-issuer-metadata+jwt", named, payload)
        [signature] = await self._door.keys.sign(issuer.tenant, key, [unsigned.message])
        return Response(str(unsigned.assemble(signature)), headers=dict(headers), media_type="application/jwt")

    async def server_metadata(self, request: Request) -> Response:
        """RFC 8414 for our own token endpoint."""
        issuer = await self._door.issuer(request)
        return answer(server_metadata(self._door.public_url, issuer), headers=_CACHED)

    async def jwt_vc_issuer(self, request: Request) -> Response:
        """Keys of the ``iss`` of SD-JWT VCs."""
        issuer = await self._door.issuer(request)
        return answer(jwt_vc_issuer(self._door.public_url, issuer, await self._published(issuer)), headers=_CACHED)

    async def jwks(self, request: Request) -> Response:
        """The same keys as a bare JWK set."""
        issuer = await self._door.issuer(request)
        return answer(key_set(await self._published(issuer)), headers=_CACHED)

    async def _published(self, issuer: Issuer) -> list[IssuerKey]:
        names = {issuer.key_issuer, *(c.key_issuer for c in issuer.configurations.values() if c.key_issuer)}
        now = self._door.clock.now()
        return [key for name in sorted(names) for key in await self._door.keys.published(issuer.tenant, name, now)]

    async def type_metadata(self, request: Request) -> Response:
        """SD-JWT VC type metadata, for types whose ``vct`` is this URL."""
        issuer = await self._door.issuer(request)
        document = type_metadata(issuer, self._door.address(request))
        if document is None:
            raise NotFound(Reason.DEFINITION_NOT_FOUND, "this issuer issues no credential of this type")
        return answer(document, headers=_CACHED)

    async def offer(self, request: Request) -> Response:
        """Section 4.1.3: the offer object by reference; plain JSON, never signed."""
        return answer(await self._offer(request))

    async def _offer(self, request: Request) -> Mapping[str, Any]:
        issuer = await self._door.issuer(request)
        id_ = parse_id(str(request.path_params["offer"]), "offer")
        return await self._door.fetch_offer(issuer.path, id_, self._door.clock.now())

    async def offer_qr(self, request: Request) -> Response:
        """The offer's link as a QR code, SVG or PNG by the path's ending."""
        await self._offer(request)
        kind = str(request.path_params["kind"])
        address = self.offer_link(self._door.address(request).rpartition("/")[0])
        if kind not in ("svg", "png"):
            raise NotFound(Reason.OFFER_NOT_FOUND, "a QR code is svg or png")
        media = "image/svg+xml" if kind == "svg" else "image/png"
        return Response(qr_code(address, kind), headers={"cache-control": "no-store"}, media_type=media)

    @staticmethod
    def offer_link(address: str) -> str:
        """The link a wallet opens for an offer object at ``address``."""
        return f"openid-credential-offer://?credential_offer_uri={quote(address, safe='')}"


def qr_code(text: str, kind: str) -> bytes:
    """A QR code as svg or png."""
    image = io.BytesIO()
    segno.make(text, error="m", micro=False).save(image, kind=kind, scale=6, border=4)
    return image.getvalue()
