"""The wallet as a server: the HTTP API that stamps and wallet owners use, and a few routes of its own."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.http_door import HttpDoor, add_fault_routes, json_body, refused
from sealwright_sandbox.journal import Journal
from sealwright_sandbox.wallet.checker import Checker
from sealwright_sandbox.wallet.faults import WalletFaults
from sealwright_sandbox.wallet.holdings import Holdings, Wallet
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_sandbox.wallet.slices import Received, as_posted, read_slice


class WalletSandbox:
    """One wallet server. `async with WalletSandbox({"sandbox": registry.address}) as wallet: …` serves on a free port.

    Without authentication: keep it on the loopback interface.
    """

    def __init__(
        self,
        registries: Mapping[str, str],
        listen: str = "127.0.0.1:0",
        folder: Path | None = None,
        public_url: str | None = None,
        registry_ca: Path | None = None,
    ) -> None:
        """`registries`: gRPC addresses by registry name. `folder` keeps state over restarts.

        `public_url`: under which stamps reach the wallet, if not where it listens. `registry_ca`: see `Checker`.
        """
        self.holdings = Holdings(Journal(folder / "wallet.jsonl" if folder else None))
        self.checker = Checker(registries, registry_ca)
        self.faults = WalletFaults()
        self._listen = listen
        self._public_url = public_url
        self._door = HttpDoor(self._application(), listen)

    @property
    def url(self) -> str:
        """Where the wallet is."""
        return self._door.url

    @property
    def received(self) -> list[Received]:
        """All slices, in the order they came."""
        return list(self.holdings.slices.values())

    def create_endpoint(self) -> dict[str, Any]:
        """A new wallet with one endpoint: its reference, as JSON for a stamp's recipient."""
        return self._reference(self.holdings.create_endpoint(self.holdings.create_wallet(WalletKey())))

    async def settled(self) -> None:
        """Waits until every slice received so far was compared with its certificate."""
        await self.checker.settled()

    async def start(self) -> None:
        """Begins to serve. Raises SandboxError if the address is taken."""
        try:
            await self._door.start()
        except OSError as error:
            raise SandboxError(f"the wallet sandbox cannot listen on {self._listen}: {error}") from error
        self.checker.start(self.received)

    async def stop(self) -> None:
        """Stops serving."""
        await self._door.stop()
        await self.checker.stop()
        self.holdings.close()

    async def __aenter__(self) -> "WalletSandbox":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.add_routes(
            [
                web.get("/health", self._health),
                web.post("/v1/wallets", self._create_wallet),
                web.get("/v1/wallets", self._list_wallets),
                web.post("/v1/wallets/{id}/endpoints", self._create_endpoint),
                web.route("*", "/v1/wallets/{id}/{switch:enable|disable}", self._switch),
                web.post("/v1/slices", self._receive),
                web.get("/v1/slices", self._list_slices),
            ]
        )
        add_fault_routes(application, lambda: self.faults, self._set_faults)
        return application

    def _set_faults(self, faults: WalletFaults) -> None:
        self.faults = faults

    def _reference(self, public_key: bytes) -> dict[str, Any]:
        return {
            "version": 1,
            "endpoint": f"{self._public_url or self.url}/v1/slices",
            "publicKey": base64.b64encode(public_key).decode(),
        }

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"wallets": len(self.holdings.wallets), "registries": self.checker.registries})

    async def _create_wallet(self, request: web.Request) -> web.Response:
        body = await json_body(request) if request.can_read_body else {}
        text = {name.lower(): value for name, value in body.items()}.get("privatekey")
        try:
            key = WalletKey(None if text is None else base64.b64decode(text, validate=True))
        except (ValueError, TypeError, binascii.Error) as error:
            raise refused(400, f"privateKey: {error}") from None
        return web.json_response({"walletId": self.holdings.create_wallet(key).id}, status=201)

    async def _list_wallets(self, _: web.Request) -> web.Response:
        wallets = [
            {"id": wallet.id, "disabled": wallet.disabled, "endpoints": [self._reference(k) for k in wallet.endpoints]}
            for wallet in self.holdings.wallets.values()
        ]
        return web.json_response({"result": wallets})

    async def _create_endpoint(self, request: web.Request) -> web.Response:
        wallet = self._wallet(request)
        if wallet.disabled:
            raise refused(400, "the wallet is disabled")
        return web.json_response(
            {"walletReference": self._reference(self.holdings.create_endpoint(wallet))}, status=201
        )

    async def _switch(self, request: web.Request) -> web.Response:
        wallet = self._wallet(request)
        self.holdings.switch(wallet, disabled=request.match_info["switch"] == "disable")
        return web.json_response({"walletId": wallet.id, "disabled": wallet.disabled})

    async def _receive(self, request: web.Request) -> web.Response:
        """202; 400 for a malformed slice or a disabled wallet, 404 if no endpoint has the key."""
        faults = self.faults
        if faults.delay_seconds:
            await asyncio.sleep(faults.delay_seconds)
        if faults.refuse_posts:
            faults.refuse_posts -= 1
            return web.json_response({"message": "refused on request"}, status=faults.refuse_status)
        try:
            one = read_slice(await json_body(request))
        except ValueError as error:
            raise refused(400, str(error)) from None
        owner = self.holdings.owner(one.public_key)
        if owner is None:
            raise refused(404, "no endpoint has this publicKey")
        if owner[0].disabled:
            raise refused(400, "the wallet is disabled")
        received = self.holdings.receive(one)
        if received.deliveries == 1:
            self.checker.submit(received)
        if faults.drop_replies and request.transport is not None:
            faults.drop_replies -= 1
            request.transport.abort()
        return web.json_response({}, status=202)

    async def _list_slices(self, request: web.Request) -> web.Response:
        """Slices, oldest first, by walletId, streamId and status. `refresh=true` compares with the registry again."""
        query = request.query
        chosen = [
            received
            for received in self.received
            if query.get("walletId", received.wallet) == received.wallet
            and query.get("streamId", received.slice.stream_id).lower() == received.slice.stream_id
            and query.get("status", received.status) == received.status
        ]
        if query.get("refresh") == "true":
            await asyncio.gather(*(self.checker.refresh(received) for received in chosen))
        return web.json_response({"result": [_listed(received) for received in chosen]})

    def _wallet(self, request: web.Request) -> Wallet:
        wallet = self.holdings.wallets.get(request.match_info["id"])
        if wallet is None:
            raise refused(404, "no such wallet")
        return wallet


def _listed(received: Received) -> dict[str, Any]:
    """A slice as the owner sees it; the blinding stays out."""
    posted = as_posted(received.slice)
    del posted["randomR"]
    return {
        **posted,
        "walletId": received.wallet,
        "endpointNumber": received.endpoint,
        "deliveries": received.deliveries,
        "status": received.status,
        "reason": received.reason,
        "certificate": received.certificate,
    }
