"""Settings of stamp."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, model_validator
from sealwright_common.runtime import addresses
from sealwright_common.runtime.config import ListenAddress, Section, ServiceSettings
from sealwright_common.runtime.egress import EgressSettings
from sealwright_common.runtime.grpc import ChannelSettings


class GridAreaSettings(Section):
    """A grid area certificates can be issued in."""

    issuer: str = Field(min_length=1, max_length=255)
    """Time-aware issuer at the signer whose active key signs for the area."""
    cohort: int = Field(default=1, ge=1, le=32767)
    """Cohort of the issuer."""
    callers: frozenset[str] = frozenset()
    """Identities (URI names) that may issue and withdraw in the area; none means every caller the policy admits."""


class RegistrySettings(Section):
    """A registry certificates are issued in."""

    target: str
    """gRPC target, e.g. registry:443."""
    tls: bool = False
    """Whether to speak TLS with stamp's own certificate; without it the target must be on loopback."""
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))
    """Deadline of each call."""


class WalletSettings(Section):
    """Posts to wallets."""

    at_once: int = Field(default=32, ge=1, le=256)
    """Posts at a time to one wallet (scheme, host and port)."""
    egress: EgressSettings = EgressSettings()
    """Which addresses wallets may have (private ones only if allowed by name), and limits of their answers."""
    deliver_for: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0))
    """How long a slice is posted before it is UNDELIVERABLE."""


class StampSettings(ServiceSettings):
    """What stamp can be told."""

    listen: ListenAddress = "127.0.0.1:7104"
    """gRPC address."""
    ops_listen: ListenAddress = "127.0.0.1:7204"
    """Plain HTTP address of /livez, /readyz and /metrics."""
    http_listen: ListenAddress | None = "127.0.0.1:7304"
    """HTTP address of the compatible door."""
    signer: ChannelSettings = ChannelSettings(target="127.0.0.1:7101", timeout=timedelta(seconds=20))
    """The signer."""
    registries: dict[str, RegistrySettings] = Field(default_factory=dict)
    """Registries by the name certificates give them."""
    grid_areas: dict[str, GridAreaSettings] = Field(default_factory=dict)
    """Grid areas by name."""
    wallets: WalletSettings = WalletSettings()
    """Posts to wallets."""
    provers: int = Field(default=0, ge=0, le=64)
    """Worker processes that make proofs; 0 means one per processor."""
    path_base: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    """Prefix under which the HTTP door serves its routes as well, e.g. /stamp-api."""
    http_callers: dict[str, SecretStr] = Field(default_factory=dict)
    """Bearer tokens of the HTTP door by identity. None: nobody is asked, and the door listens on loopback only."""
    http_tls: bool = False
    """Serve the HTTP door with stamp's certificate; off where an ingress speaks TLS in front of it."""
    withdraw_wait: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0), le=timedelta(minutes=1))
    """How long the HTTP door waits for the registry to commit a withdrawal before it answers 202 instead of 201."""
    sweep_interval: timedelta = Field(default=timedelta(milliseconds=250), gt=timedelta(0))
    """How often what is due is looked for."""
    event_patience: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    """How long an event may take to be handled before its certificates are taken up without it."""
    poll_first: timedelta = Field(default=timedelta(milliseconds=250), gt=timedelta(0))
    """Wait between the first looks at a transaction's status; doubles with each."""
    poll_longest: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """Longest wait between two looks."""
    retry_first: timedelta = Field(default=timedelta(seconds=1), gt=timedelta(0))
    """Wait after the first failed try to send or to post; doubles with each."""
    lease: timedelta = Field(default=timedelta(seconds=60), ge=timedelta(seconds=1))
    """How long what a process has taken up is left to it; after a crash it is taken up again then."""
    stuck_after: timedelta = Field(default=timedelta(hours=1), gt=timedelta(0))
    """How long a certificate may stay in one state on its way before it is STUCK."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lease < self.wallets.egress.timeout + timedelta(seconds=2):
            raise ValueError("lease must be at least two seconds longer than wallets.egress.timeout")
        if self.http_listen and not self.http_callers and not addresses.is_loopback(self.http_listen):
            raise ValueError("the HTTP door beyond loopback needs http_callers, or switch it off: http_listen none")
        return self
