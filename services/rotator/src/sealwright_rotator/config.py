"""The rotator's settings."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
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
    issuer_door: bool = True
    """Serve POST /v3/issuer over HTTP, which authenticates nobody: keep it in the cluster, or switch this off."""
