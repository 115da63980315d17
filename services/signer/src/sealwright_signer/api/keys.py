"""KeyService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message
from sealwright.signer.v1 import key_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.keys import Key
from sealwright_common.runtime.grpc.answers import answer

from sealwright_signer.codec import keys as codec
from sealwright_signer.usecases.change_keys import ChangeKeys
from sealwright_signer.usecases.create_keys import CreateKeys
from sealwright_signer.usecases.read_keys import ReadKeys

R = TypeVar("R", bound=Message)


class KeyServicer:
    """The life of keys."""

    def __init__(self, create: CreateKeys, read: ReadKeys, change: ChangeKeys, clock: Clock) -> None:
        self._create = create
        self._read = read
        self._change = change
        self._clock = clock

    async def CreateKeys(self, request: pb.CreateKeysRequest, call: Call) -> pb.CreateKeysResponse:
        """Makes keys."""
        return await answer(call, self._create, codec.key_specs(request), self._many(pb.CreateKeysResponse))

    async def GetKey(self, request: pb.GetKeyRequest, call: Call) -> pb.GetKeyResponse:
        """One key."""
        return await self._one(call, self._read.get, request.key_id, pb.GetKeyResponse)

    async def ListKeys(self, request: pb.ListKeysRequest, call: Call) -> pb.ListKeysResponse:
        """A page of keys."""
        return await answer(
            call,
            self._read.list,
            codec.list_query(request),
            lambda page: codec.list_response(page, self._clock.now()),
        )

    async def GetPublicKey(self, request: pb.GetPublicKeyRequest, call: Call) -> pb.GetPublicKeyResponse:
        """A public key in the format asked for."""
        return await answer(
            call,
            self._read.get,
            parse_id(request.key_id, "key_id"),
            lambda key: codec.public_key_response(key, request.format),
        )

    async def ScheduleKeys(self, request: pb.ScheduleKeysRequest, call: Call) -> pb.ScheduleKeysResponse:
        """Moves keys along their schedule."""
        return await answer(call, self._change.schedule, codec.key_steps(request), self._many(pb.ScheduleKeysResponse))

    async def DisableKey(self, request: pb.DisableKeyRequest, call: Call) -> pb.DisableKeyResponse:
        """Switches a key off."""
        return await self._one(call, self._change.disable, request.key_id, pb.DisableKeyResponse)

    async def EnableKey(self, request: pb.EnableKeyRequest, call: Call) -> pb.EnableKeyResponse:
        """Switches a key on."""
        return await self._one(call, self._change.enable, request.key_id, pb.EnableKeyResponse)

    async def ScheduleKeyDestruction(
        self, request: pb.ScheduleKeyDestructionRequest, call: Call
    ) -> pb.ScheduleKeyDestructionResponse:
        """Starts the wait before a key is destroyed."""
        command = codec.destroy_command(request)
        encode = self._single(pb.ScheduleKeyDestructionResponse)
        return await answer(call, self._change.schedule_destruction, command, encode)

    async def CancelKeyDestruction(
        self, request: pb.CancelKeyDestructionRequest, call: Call
    ) -> pb.CancelKeyDestructionResponse:
        """Takes a scheduled destruction back."""
        return await self._one(call, self._change.cancel_destruction, request.key_id, pb.CancelKeyDestructionResponse)

    async def MarkKeyCompromised(
        self, request: pb.MarkKeyCompromisedRequest, call: Call
    ) -> pb.MarkKeyCompromisedResponse:
        """Declares a key compromised."""
        command = codec.condemn_command(request)
        return await answer(call, self._change.condemn, command, self._single(pb.MarkKeyCompromisedResponse))

    async def _one(
        self, call: Call, usecase: Callable[[Call, UUID], Awaitable[Key]], key_id: str, response: type[R]
    ) -> R:
        return await answer(call, usecase, parse_id(key_id, "key_id"), self._single(response))

    def _single(self, response: type[R]) -> Callable[[Key], R]:
        return lambda key: response(key=codec.key_message(key, self._clock.now()))

    def _many(self, response: type[R]) -> Callable[[Sequence[Key]], R]:
        return lambda keys: response(keys=[codec.key_message(key, self._clock.now()) for key in keys])
