"""Compares received slices with the registry, in the background, until each has an answer."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import grpc
from project_origin.common.v1 import common_pb2
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1 import registry_pb2_grpc as registry_grpc

from sealwright_sandbox.wallet.slices import Received, compare

RETRY_SECONDS = 0.25
"""Pause before a slice whose certificate is not there yet, or whose registry is away, is compared again."""

LOCAL = (("grpc.enable_http_proxy", 0),)
"""A proxy that the environment names has no business with the registry next door."""
TIMEOUT_SECONDS = 5.0
"""Longest wait for the registry's answer."""


class Checker:
    """One task that compares slices; registries are gRPC addresses by name and may be added at any time."""

    def __init__(self, registries: Mapping[str, str], ca: Path | None = None) -> None:
        """`ca`: PEM file of the CA behind the registries' certificates; without one they are called in plain text."""
        self._credentials = None if ca is None else grpc.ssl_channel_credentials(ca.read_bytes())
        self.registries = dict(registries)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._queue: asyncio.Queue[Received] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._open = 0
        self._settled = asyncio.Event()
        self._settled.set()

    def start(self, unfinished: Iterable[Received]) -> None:
        """Begins, with the slices of an earlier run."""
        for received in unfinished:
            self.submit(received)
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Ends; slices without an answer stay pending."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()

    def submit(self, received: Received) -> None:
        """Has a slice compared."""
        self._open += 1
        self._settled.clear()
        self._queue.put_nowait(received)

    async def settled(self) -> None:
        """Waits until every slice matched or did not; never returns while a certificate is missing."""
        await self._settled.wait()

    async def refresh(self, received: Received) -> None:
        """Compares once more, for what happened since: a certificate may have been withdrawn."""
        try:
            received.status, received.reason, received.certificate = compare(
                received.slice, await self._stream(received)
            )
        except grpc.aio.AioRpcError as error:
            received.reason = f"registry {received.slice.registry!r} is away: {error.details()}"

    async def _work(self) -> None:
        while True:
            received = await self._queue.get()
            if received.slice.registry in self.registries:
                await self.refresh(received)
            else:
                known = ", ".join(sorted(self.registries)) or "none"
                received.status, received.reason = "mismatch", f"unknown registry; known: {known}"
            if received.status == "pending":
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._queue.put_nowait, received)
                continue
            self._open -= 1
            if not self._open:
                self._settled.set()

    async def _stream(self, received: Received) -> list[registry.Transaction]:
        address = self.registries[received.slice.registry]
        if address not in self._channels:
            self._channels[address] = (
                grpc.aio.insecure_channel(address, LOCAL)
                if self._credentials is None
                else grpc.aio.secure_channel(address, self._credentials, LOCAL)
            )
        stub = registry_grpc.RegistryServiceStub(self._channels[address])
        request = registry.GetStreamTransactionsRequest(stream_id=common_pb2.Uuid(value=received.slice.stream_id))
        answer = await stub.GetStreamTransactions(request, timeout=TIMEOUT_SECONDS)
        return list(answer.transactions)
