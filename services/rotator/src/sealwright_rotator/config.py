"""The rotator's settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, model_validator
from sealwright_common.runtime.config import ListenAddress, ServiceSettings
from sealwright_common.runtime.grpc import ChannelSettings


class RotatorSettings(ServiceSettings):
    """What the rotator can be told."""

    listen: ListenAddress = "127.0.0.1:7102"
    """gRPC address."""
    ops_listen: ListenAddress = "127.0.0.1:7202"
    """Plain HTTP address of /livez, /readyz and /metrics."""
    http_listen: ListenAddress | None = "127.0.0.1:7302"
    """HTTP address of /v3/issuer and the directories; none: not served."""
    signer: ChannelSettings = ChannelSettings(target="127.0.0.1:7101")
    """The signer."""
    tick: timedelta = Field(default=timedelta(seconds=1), ge=timedelta(milliseconds=100), le=timedelta(seconds=30))
    """Time between looks for issuers that are due; a window opens at most this much before the job says so."""
    batch: int = Field(default=200, ge=1, le=1000)
    """Issuers rotated in one round."""
    lease: timedelta = Field(default=timedelta(seconds=60), ge=timedelta(seconds=5), le=timedelta(minutes=30))
    """How long a claimed issuer is left to the replica that claimed it; what a crash leaves is taken up after it."""
    head_interval: timedelta = Field(default=timedelta(seconds=5), ge=timedelta(seconds=1), le=timedelta(hours=1))
    """Time between signed heads of the key log while it grows."""
    most_skew: timedelta = Field(default=timedelta(minutes=10), ge=timedelta(seconds=1), le=timedelta(days=1))
    """Difference to the database's clock from which this process rotates nothing and is not ready."""
    http_tls: bool = False
    """Serve the HTTP address with tls.cert and tls.key; off where something in front of it does."""
    issuer_door: bool = True
    """Serve POST /v3/issuer over HTTP."""
    issuer_tokens: tuple[SecretStr, ...] = ()
    """Bearer tokens that may POST /v3/issuer, 16 characters or more each; none: everybody may, outside production."""

    @model_validator(mode="after")
    def _door_is_guarded(self) -> Self:
        if any(len(token.get_secret_value()) < 16 for token in self.issuer_tokens):
            raise ValueError("issuer_tokens: 16 characters or more each")
        if self.environment == "production" and self.issuer_door and self.http_listen and not self.issuer_tokens:
            raise ValueError("POST /v3/issuer is open to everybody: set issuer_tokens, or issuer_door = false")
        return self
