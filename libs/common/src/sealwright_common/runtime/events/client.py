"""The NATS client, leaner where each message counts. It overrides nats-py internals, hence the exact version pin."""

from __future__ import annotations

from collections.abc import Iterable

from nats.aio.client import Client


class BulkClient(Client):
    """nats-py's client, but many commands go out as one write, headers parse faster, and a late pong is harmless."""

    async def send(self, commands: Iterable[bytes]) -> None:
        """Queues ready protocol commands as one write. Raises nothing if disconnected: check ``is_connected`` first."""
        await self._send_command(b"".join(commands))
        await self._flush_pending()

    async def _process_pong(self) -> None:
        """A pong nobody waits for any more (a flush that was cancelled or timed out) is no reason to stop reading; the
        library's InvalidStateError would end its read loop."""
        if self._pongs and self._pongs[0].done():
            self._pongs.pop(0)
            self._pings_outstanding = 0
            return
        await super()._process_pong()

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        """``Name: value`` lines to a dict. The library's own looks at every character of every name, which took more
        than half of a consumer's time."""
        headers: dict[str, str] = {}
        for line in raw.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                headers[name] = value.strip()
        return headers


def publish_command(subject: str, headers: str, payload: bytes) -> bytes:
    """A message without reply; ``headers`` is ``Name: value`` lines, each ended by CRLF."""
    block = f"NATS/1.0\r\n{headers}\r\n".encode()
    return b"".join((f"HPUB {subject} {len(block)} {len(block) + len(payload)}\r\n".encode(), block, payload, b"\r\n"))


def plain_command(subject: str, payload: bytes = b"") -> bytes:
    """A message without headers, e.g. an acknowledgement."""
    return b"".join((f"PUB {subject} {len(payload)}\r\n".encode(), payload, b"\r\n"))
