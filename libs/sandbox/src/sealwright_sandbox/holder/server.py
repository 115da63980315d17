"""The server: any number of holders under one address, each made when it is first named."""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web
from sealwright_common.verify.jws import parse
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import NotVerified

from sealwright_sandbox.holder.faults import HolderFaults
from sealwright_sandbox.holder.store import CONTEXT, Delivery, Holder
from sealwright_sandbox.http_door import HttpDoor, add_fault_routes, json_body, refused

MOST_HOLDERS = 50_000
"""Most holders kept, and issuers' documents; past it the one that was named longest ago is forgotten, key and all."""

MOST_TOKENS = 100_000
"""Most ids of issuers' tokens that are remembered, so that each is good once."""


class SandboxHolders:
    """Serves ``/{name}/did.json``, ``/{name}/dcp/...`` and, for people, ``/{name}/request`` and ``/{name}``.

    Everything is kept in memory and gone with the process: a sandbox. See MOST_HOLDERS and ``store.MOST`` for how much.
    """

    def __init__(self, address: str = "127.0.0.1:0") -> None:
        self.faults = HolderFaults()
        self._holders: dict[str, Holder] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._used: dict[tuple[str, str], None] = {}
        self._arrived = asyncio.Condition()
        application = web.Application(client_max_size=4 * 1024 * 1024)
        application.add_routes(
            [
                web.get("/health", _healthy),
                web.get("/{name}/did.json", self._document),
                web.post("/{name}/dcp/credentials", self._store),
                web.post("/{name}/dcp/offers", self._offer),
                web.post("/{name}/dcp/presentations/query", self._query),
                web.post("/{name}/request", self._request),
                web.get("/{name}", self._show),
            ]
        )
        add_fault_routes(application, lambda: self.faults, self._set_faults)
        self._door = HttpDoor(application, address)
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._door.url

    async def start(self) -> None:
        """Begins to serve."""
        await self._door.start()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    async def stop(self) -> None:
        """Ends."""
        if self._session is not None:
            await self._session.close()
        await self._door.stop()

    def holder(self, name: str) -> Holder:
        """The holder called ``name``, made if it is new."""
        holder = self._holders.pop(name, None)
        if holder is None:
            host = self.url.removeprefix("http://").replace(":", "%3A")
            holder = Holder(f"did:web:{host}:{name}", f"{self.url}/{name}/dcp")
        self._holders[name] = holder
        if len(self._holders) > MOST_HOLDERS:
            self._holders.pop(next(iter(self._holders)))
        return holder

    async def ask(
        self,
        name: str,
        issuer: str,
        issuer_did: str,
        credentials: list[str],
        *,
        holder_pid: str | None = None,
        expanded: bool = False,
        show: bool = False,
        **claims: Any,
    ) -> tuple[int, str]:
        """Requests credentials at the issuer's base URL; status and Location. ``show`` lets it query presentations."""
        holder = self.holder(name)
        if show:
            claims["token"] = holder.allow_queries()
        body = holder.request(holder_pid or str(uuid4()), credentials, expanded=expanded)
        headers = {"authorization": f"Bearer {holder.token(issuer_did, **claims)}"}
        assert self._session is not None
        async with self._session.post(f"{issuer}/credentials", json=body, headers=headers) as reply:
            await reply.read()
            return reply.status, reply.headers.get("location", "")

    async def status(self, name: str, location: str, issuer_did: str) -> tuple[int, dict[str, Any]]:
        """What a status resource says to the holder."""
        headers = {"authorization": f"Bearer {self.holder(name).token(issuer_did)}"}
        assert self._session is not None
        async with self._session.get(location, headers=headers) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text.startswith("{") else {}

    async def wait(self, name: str, count: int, seconds: float = 30.0) -> list[Delivery]:
        """Returns the deliveries of a holder once there are ``count``; TimeoutError otherwise."""
        holder = self.holder(name)
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(holder.deliveries) >= count)
        return holder.deliveries

    # -- the doors ----------------------------------------------------------------------------------------------------

    def _set_faults(self, faults: HolderFaults) -> None:
        self.faults = faults

    async def _document(self, request: web.Request) -> web.Response:
        holder = self.holder(request.match_info["name"])
        return web.json_response(holder.document(hide_capability=self.faults.hide_capability))

    async def _store(self, request: web.Request) -> web.StreamResponse:
        holder = self.holder(request.match_info["name"])
        faults = self.faults
        await asyncio.sleep(faults.delay_seconds)
        if faults.storage_status is not None:
            if faults.storage_times is not None:
                left = faults.storage_times - 1
                update = {"storage_times": left} if left else {"storage_status": None, "storage_times": None}
                self.faults = faults.model_copy(update=update)
            return web.Response(status=faults.storage_status)
        token = await self._issuer_token(request, holder)
        message = await json_body(request)
        if problem := _problem(message):
            raise refused(400, problem)
        async with self._arrived:
            holder.receive(Delivery(message, token, time.monotonic()))
            self._arrived.notify_all()
        if faults.drop_reply:
            if faults.drop_times is not None:
                left = faults.drop_times - 1
                update = {"drop_times": left} if left else {"drop_reply": False, "drop_times": None}
                self.faults = faults.model_copy(update=update)
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=200)

    async def _offer(self, request: web.Request) -> web.Response:
        holder = self.holder(request.match_info["name"])
        await self._issuer_token(request, holder)
        offer = await json_body(request)
        if problem := _offer_problem(offer):
            raise refused(400, problem)
        async with self._arrived:
            holder.take_offer(offer)
            self._arrived.notify_all()
        return web.Response(status=200)

    async def _query(self, request: web.Request) -> web.Response:
        holder = self.holder(request.match_info["name"])
        token = await self._issuer_token(request, holder)
        if self.faults.refuse_presentations or token.get("token") not in holder.access_tokens:
            return web.Response(status=401)
        message = await json_body(request)
        if not message.get("scope") or "presentationDefinition" in message:
            raise refused(400, "a scope and no presentationDefinition")
        shown = [holder.presentation(token["iss"])] if holder.credentials() else []
        return web.json_response({"@context": [CONTEXT], "type": "PresentationResponseMessage", "presentation": shown})

    async def _request(self, request: web.Request) -> web.Response:
        """``{"issuer": BASE, "issuerDid": DID, "credentials": [IDS]}``: the holder asks for credentials."""
        body = await json_body(request)
        name = request.match_info["name"]
        status, location = await self.ask(name, body["issuer"], body["issuerDid"], body["credentials"])
        return web.json_response({"status": status, "location": location, "did": self.holder(name).did})

    async def _show(self, request: web.Request) -> web.Response:
        holder = self.holder(request.match_info["name"])
        return web.json_response(
            {"did": holder.did, "deliveries": [d.message for d in holder.deliveries], "offers": holder.offers}
        )

    async def _issuer_token(self, request: web.Request, holder: Holder) -> dict[str, Any]:
        """The claims of the caller's token: signed by its own DID's key, for this holder, now, and not seen before."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise web.HTTPUnauthorized(text="Authorization: Bearer")
        try:
            jws = parse(text)
            claims = jws.claims
            did = claims["sub"]
            document = await self._resolve(did, str(jws.header["kid"]))
            keys = {method["id"]: method["publicKeyJwk"] for method in document["verificationMethod"]}
            jws.verify(from_jwk(keys[jws.header["kid"]]))
        except (aiohttp.ClientError, TimeoutError) as error:
            # The issuer's document cannot be had: nothing is wrong with the token, as far as one can tell.
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        except (NotVerified, KeyError) as error:
            raise web.HTTPUnauthorized(text=str(error)) from None
        now = time.time()
        good = claims.get("iss") == did and claims.get("aud") == holder.did and claims.get("jti")
        if (
            not good
            or not max(claims.get("iat", math.inf), claims.get("nbf", 0)) <= now < claims.get("exp", 0)
            or jws.header["kid"] not in document["capabilityInvocation"]
            or (did, claims["jti"]) in self._used
        ):
            raise web.HTTPUnauthorized(text="iss, aud, jti, iat, nbf, exp or relationship")
        self._used[did, claims["jti"]] = None
        if len(self._used) > MOST_TOKENS:
            self._used.pop(next(iter(self._used)))
        return claims

    async def _resolve(self, did: str, kid: str) -> dict[str, Any]:
        known = self._documents.get(did)
        if known is not None and any(method["id"] == kid for method in known["verificationMethod"]):
            return known
        host, *path = did.removeprefix("did:web:").split(":")
        where = "/".join(path) or ".well-known"
        assert self._session is not None
        async with self._session.get(f"http://{host.replace('%3A', ':')}/{where}/did.json") as reply:
            reply.raise_for_status()
            document: dict[str, Any] = json.loads(await reply.text())
        self._documents[did] = document
        if len(self._documents) > MOST_HOLDERS:
            self._documents.pop(next(iter(self._documents)))
        return document


async def _healthy(_: web.Request) -> web.Response:
    """Whether it serves, for whoever started it."""
    return web.json_response({"status": "ok"})


def _problem(message: dict[str, Any]) -> str:
    """What a strict holder finds wrong with a CredentialMessage; empty if nothing."""
    if message.get("type") != "CredentialMessage" or CONTEXT not in message.get("@context", []):
        return "expected a CredentialMessage with its context"
    if not message.get("issuerPid") or not message.get("holderPid"):
        return "issuerPid and holderPid are required"
    if message.get("status") == "REJECTED":
        return ""
    entries = message.get("credentials")
    if message.get("status") != "ISSUED" or not entries:
        return "expected status ISSUED with credentials, or REJECTED"
    profiles = {"vc11-sl2021/jwt", "vc20-bssl/jwt"}
    fine = all(e.get("payload") and e.get("credentialType") and e.get("format") in profiles for e in entries)
    return "" if fine else "each credential needs credentialType, payload and a profile as format"


def _offer_problem(message: dict[str, Any]) -> str:
    """What a strict holder finds wrong with a CredentialOfferMessage; empty if nothing."""
    if message.get("type") != "CredentialOfferMessage" or CONTEXT not in message.get("@context", []):
        return "expected a CredentialOfferMessage with its context"
    entries = message.get("credentials")
    if not message.get("issuer") or not isinstance(entries, list) or not entries:
        return "issuer and credentials are required"
    return "" if all(isinstance(e, dict) and e.get("id") for e in entries) else "each credential needs its id"
