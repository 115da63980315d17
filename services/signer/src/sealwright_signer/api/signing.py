"""SigningService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from sealwright.signer.v1 import signing_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Problem
from sealwright_common.runtime.grpc.answers import answer

from sealwright_signer.codec import keys as codec
from sealwright_signer.usecases.sign import Sign

STREAM_WINDOW = 64
"""Requests of one stream that are worked on at once; beyond it the stream is not read, so the caller is slowed down."""


class SigningServicer:
    """Signatures."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign

    async def Sign(self, request: pb.SignRequest, call: Call) -> pb.SignResponse:
        """One signature."""
        return await answer(call, self._sign, codec.sign_command(request), codec.sign_response)

    async def SignBatch(self, request: pb.SignBatchRequest, call: Call) -> pb.SignBatchResponse:
        """Many signatures, all or none."""
        return await answer(call, self._sign, codec.sign_batch_command(request), codec.sign_batch_response)

    async def SignStream(
        self, requests: AsyncIterator[pb.SignStreamRequest], call: Call
    ) -> AsyncIterator[pb.SignStreamResponse]:
        """Signatures in the order of the requests, a refusal in its place."""
        call = replace(call, request_id=None)
        answers: asyncio.Queue[asyncio.Task[pb.SignStreamResponse] | None] = asyncio.Queue(STREAM_WINDOW)

        async def read() -> None:
            try:
                async for request in requests:
                    await answers.put(asyncio.create_task(self._one(request, call)))
            finally:
                await answers.put(None)

        reader = asyncio.create_task(read())
        try:
            while (answer_task := await answers.get()) is not None:
                yield await answer_task
            await reader
        finally:
            reader.cancel()
            while not answers.empty():
                if (left := answers.get_nowait()) is not None:
                    left.cancel()

    async def _one(self, request: pb.SignStreamRequest, call: Call) -> pb.SignStreamResponse:
        try:
            signed = await self._sign(call, codec.sign_command(request))
        except Problem as problem:
            return codec.sign_stream_refusal(request.correlation_id, problem)
        return codec.sign_stream_response(request.correlation_id, signed)
