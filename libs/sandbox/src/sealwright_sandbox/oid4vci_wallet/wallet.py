"""The wallet: follows an offer to credentials, as OpenID4VCI 1.0 says, and verifies what it gets."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
from joserfc import jwe
from joserfc.jwk import ECKey
from sealwright_common.domain.clock import Clock
from sealwright_common.verify.keys import b64url, from_jwk
from sealwright_common.verify.trust import Trust

from sealwright_sandbox.oid4vci_wallet.keys import WalletKey

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
_JWE = jwe.JWERegistry(algorithms=["ECDH-ES", "A128GCM", "A256GCM", "A128CBC-HS256", "DEF"])


class Refused(Exception):
    """The issuer refused: HTTP status, error code, headers."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.error = str(body.get("error", ""))
        self.body = body
        self.headers = headers


@dataclass(slots=True)
class WalletOffer:
    """An offer with the metadata of its issuer and, once there, the access token."""

    offer: Mapping[str, Any]
    metadata: Mapping[str, Any]
    server: Mapping[str, Any]
    token: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def issuer(self) -> str:
        """The credential issuer identifier."""
        return str(self.metadata["credential_issuer"])


class Wallet:
    """One wallet; an async context manager. ``base`` sends requests for the issuers' hosts to another address, so that
    a public https identifier can be served on loopback."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        base: tuple[str, str] | None = None,
        dpop: bool = False,
        provider: WalletKey | None = None,
    ) -> None:
        """``provider`` vouches for the wallet at token endpoints, as client ``wallet``."""
        self._clock = clock
        self._base = base
        self.dpop_key = WalletKey() if dpop else None
        self._provider, self._instance = provider, WalletKey()
        self._http: aiohttp.ClientSession | None = None
        self.credentials: list[Any] = []

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()

    def now(self) -> datetime:
        """The wallet's time."""
        return self._clock.now() if self._clock is not None else datetime.now(UTC)

    @property
    def seconds(self) -> int:
        """The wallet's time in seconds."""
        return int(self.now().timestamp())

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def open_offer(self, link: str) -> WalletOffer:
        """Reads an offer link, by value or by reference, and the issuer's metadata."""
        query = parse_qs(urlsplit(link).query)
        offer = (
            json.loads(query["credential_offer"][0])
            if "credential_offer" in query
            else await self.get(query["credential_offer_uri"][0])
        )
        issuer = offer["credential_issuer"]
        metadata = await self.get(_well_known(issuer, "openid-credential-issuer"))
        if metadata["credential_issuer"] != issuer:
            raise ValueError("the metadata is another issuer's")
        return WalletOffer(offer, metadata, await self.get(_well_known(issuer, "oauth-authorization-server")))

    async def redeem(self, opened: WalletOffer, pin: str | None = None, **extra: str | None) -> Mapping[str, Any]:
        """Redeems the pre-authorized code for an access token."""
        form: dict[str, str | None] = {
            "grant_type": PRE_AUTHORIZED,
            "pre-authorized_code": opened.offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"],
            "tx_code": pin,
            **extra,
        }
        url = str(opened.server["token_endpoint"])
        headers = {} if self.dpop_key is None else {"DPoP": self.dpop_key.dpop("POST", url, self.seconds)}
        if self._provider is not None:
            headers["OAuth-Client-Attestation"] = self._provider.attest_wallet("wallet", self._instance, self.seconds)
            presence = self._instance.attest_presence(str(opened.server["issuer"]), self.seconds)
            headers["OAuth-Client-Attestation-PoP"] = presence
        data = {name: value for name, value in form.items() if value is not None}
        opened.token = await self.send("POST", url, data=data, headers=headers)
        return opened.token

    async def log_in(self, opened: WalletOffer, *, client_id: str = "wallet", **request: str) -> Mapping[str, Any]:
        """The authorization code flow at the offer's external server: PAR, PKCE, DPoP, ``iss`` (HAIP section 4)."""
        grant = opened.offer["grants"]["authorization_code"]
        server = grant["authorization_server"]
        if server not in opened.metadata["authorization_servers"]:
            raise ValueError("the offer names a server that the issuer does not")
        metadata = await self.get(_well_known(server, "oauth-authorization-server"))
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(8)
        pushed = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": "http://127.0.0.1/wallet",
            "state": state,
            "issuer_state": grant["issuer_state"],
            "code_challenge": b64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **request,
        }
        answer = await self.send("POST", metadata["pushed_authorization_request_endpoint"], data=pushed)
        query = {"client_id": client_id, "request_uri": answer["request_uri"]}
        location = await self._redirected(metadata["authorization_endpoint"], query)
        if location["state"] != [state] or location["iss"] != [server]:
            raise ValueError("the authorization response is another server's (mix-up)")
        url = metadata["token_endpoint"]
        form = {"grant_type": "authorization_code", "code": location["code"][0], "code_verifier": verifier}
        headers = {} if self.dpop_key is None else {"DPoP": self.dpop_key.dpop("POST", url, self.seconds)}
        opened.token = await self.send("POST", url, data=form, headers=headers)
        return opened.token

    async def _redirected(self, url: str, query: Mapping[str, str]) -> dict[str, list[str]]:
        """The query of the address a browser would be sent to."""
        if self._http is None:
            raise RuntimeError("use the wallet as an async context manager")
        async with self._http.get(url, params=query, allow_redirects=False) as response:
            return parse_qs(urlsplit(response.headers["Location"]).query)

    async def nonce(self, opened: WalletOffer) -> str:
        """A fresh nonce."""
        return str((await self.send("POST", str(opened.metadata["nonce_endpoint"])))["c_nonce"])

    async def request(
        self, opened: WalletOffer, body: Mapping[str, Any], *, encrypt: bool = False
    ) -> Mapping[str, Any]:
        """Sends a credential request as it is, encrypted both ways if asked for."""
        return await self._post(opened, str(opened.metadata["credential_endpoint"]), body, encrypt)

    async def obtain(
        self, opened: WalletOffer, configuration_id: str, keys: Sequence[WalletKey], *, encrypt: bool = False
    ) -> Mapping[str, Any]:
        """Asks for one credential per key, with jwt proofs over a fresh nonce."""
        nonce = await self.nonce(opened)
        proofs = [key.proof(opened.issuer, nonce, self.seconds) for key in keys]
        details = opened.token.get("authorization_details", ())
        named = next((d for d in details if d["credential_configuration_id"] == configuration_id), None)
        body: dict[str, Any] = (
            {"credential_identifier": named["credential_identifiers"][0]}
            if named
            else {"credential_configuration_id": configuration_id}
        )
        if proofs:
            body["proofs"] = {"jwt": proofs}
        answer = await self.request(opened, body, encrypt=encrypt)
        self.credentials += [entry["credential"] for entry in answer.get("credentials", ())]
        return answer

    async def poll(self, opened: WalletOffer, transaction_id: str, *, encrypt: bool = False) -> Mapping[str, Any]:
        """Asks for a deferred credential."""
        url = str(opened.metadata["deferred_credential_endpoint"])
        answer = await self._post(opened, url, {"transaction_id": transaction_id}, encrypt)
        self.credentials += [entry["credential"] for entry in answer.get("credentials", ())]
        return answer

    async def notify(self, opened: WalletOffer, notification_id: str, event: str = "credential_accepted") -> None:
        """Tells the issuer what became of the credentials."""
        url = str(opened.metadata["notification_endpoint"])
        await self._post(opened, url, {"notification_id": notification_id, "event": event}, False)

    async def trust(self, opened: WalletOffer, *anchors: bytes) -> Trust:
        """Believes the issuer's published keys, by kid and as DID methods are written, and the given authorities."""
        document = await self.get(_well_known(opened.issuer, "jwt-vc-issuer"))
        keys = {
            jwk["kid"]: from_jwk({name: jwk[name] for name in jwk if name != "use"}) for jwk in document["jwks"]["keys"]
        }
        return Trust(keys=keys, anchors=anchors)

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def _post(self, opened: WalletOffer, url: str, body: Mapping[str, Any], encrypt: bool) -> Mapping[str, Any]:
        headers = self.authorization(opened, "POST", url)
        if not encrypt:
            return await self.send("POST", url, json=body, headers=headers)
        own = ECKey.generate_key("P-256", {"alg": "ECDH-ES", "kid": "wallet", "use": "enc"})
        wanted = {"jwk": own.as_dict(private=False), "enc": "A256GCM"}
        theirs = opened.metadata["credential_request_encryption"]["jwks"]["keys"][0]
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": theirs["kid"]}
        plain = json.dumps({**body, "credential_response_encryption": wanted}).encode()
        token = jwe.encrypt_compact(header, plain, ECKey.import_key(theirs), registry=_JWE)
        answer = await self.send("POST", url, data=token, headers={**headers, "Content-Type": "application/jwt"})
        if set(answer) != {"jwt"}:
            raise ValueError("the answer came in the clear")
        opened_ = jwe.decrypt_compact(answer["jwt"], own, registry=_JWE)
        if opened_.headers().get("kid") != "wallet":
            raise ValueError("the issuer did not echo the kid")
        return json.loads(opened_.plaintext or b"")

    def authorization(self, opened: WalletOffer, method: str, url: str) -> dict[str, str]:
        """The headers that show the access token."""
        token = str(opened.token["access_token"])
        if self.dpop_key is None or opened.token.get("token_type") != "DPoP":
            return {"Authorization": f"Bearer {token}"}
        return {"Authorization": f"DPoP {token}", "DPoP": self.dpop_key.dpop(method, url, self.seconds, token)}

    async def get(self, url: str, **options: Any) -> Any:
        """GETs JSON."""
        return await self.send("GET", url, **options)

    async def send(self, method: str, url: str, **options: Any) -> Any:
        """One request; JSON, or ``{"jwt": ...}`` for application/jwt, or nothing. Raises Refused for 4xx and 5xx."""
        if self._http is None:
            raise RuntimeError("use the wallet as an async context manager")
        if self._base is not None and url.startswith(self._base[0]):
            url = self._base[1] + url[len(self._base[0]) :]
        async with self._http.request(method, url, **options) as response:
            text = await response.text()
            if response.status >= 400:
                body = json.loads(text) if text.startswith("{") else {"text": text}
                raise Refused(response.status, body, dict(response.headers))
            if response.content_type == "application/jwt":
                return {"jwt": text}
            return json.loads(text) if text else {}


def _well_known(issuer: str, name: str) -> str:
    """The well-known URL of an identifier: the name stands between host and path."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"
