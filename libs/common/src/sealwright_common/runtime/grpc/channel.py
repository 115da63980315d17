"""Client channels: a deadline on every call, retries where repeating is safe, mTLS that follows its files, one trace."""

from __future__ import annotations

from datetime import timedelta

from grpc import aio
from pydantic import Field

from sealwright_common.runtime.config import Section, TlsSettings


class ChannelSettings(Section):
    """How to reach one peer service."""

    target: str
    """gRPC target, e.g. 127.0.0.1:7101 or dns:///signer:7101."""
    timeout: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0))
    """Deadline of calls that give none."""
    server_name: str | None = None
    """DNS name the peer's certificate must have; by default the host of the target."""


class Channel(aio.Channel):
    """A part of the app and a ``grpc.aio.Channel`` for generated stubs."""


def connect(settings: ChannelSettings | str, name: str, tls: TlsSettings | None = None) -> Channel:
    """A channel to the peer ``name``; plaintext when ``tls`` is None (loopback only). Add it to the app, give it to stubs."""
    raise NotImplementedError
