"""From use case to response: the ten lines every unary servicer method shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from google.protobuf.message import Message

from sealwright_common.domain.call import Call

Command = TypeVar("Command")
Value = TypeVar("Value")
Response = TypeVar("Response", bound=Message)


async def answer(
    call: Call,
    usecase: Callable[[Call, Command], Awaitable[Value]],
    command: Command,
    encode: Callable[[Value], Response],
) -> Response:
    """Run ``usecase(call, command)`` and encode what it returns; a call with a request id can encode its answer.

    The stored answer of a ``request_id`` and the response are the same message: what the unit of work had encoded is
    not encoded again.
    """
    if call.request_id is None:
        return encode(await usecase(call, command))
    encoder = _Encoder(encode)
    value = await usecase(call.answering(encoder), command)
    return encoder.response(value)


class _Encoder(Generic[Value, Response]):
    """Encodes a value to bytes for the unit of work and keeps the message for the response."""

    __slots__ = ("_encode", "_kept")

    def __init__(self, encode: Callable[[Value], Response]) -> None:
        self._encode = encode
        self._kept: tuple[Value, Response] | None = None

    def __call__(self, value: Value) -> bytes:
        return self.response(value).SerializeToString(deterministic=True)

    def response(self, value: Value) -> Response:
        """The message of ``value``; the same one again when asked for the same value."""
        if self._kept is None or self._kept[0] is not value:
            self._kept = value, self._encode(value)
        return self._kept[1]
