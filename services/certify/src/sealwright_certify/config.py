"""Settings of certify."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator
from sealwright_common.runtime.config import ListenAddress, Section, ServiceSettings
from sealwright_common.runtime.egress import EgressSettings
from sealwright_common.runtime.grpc import ChannelSettings


class DeliverySettings(Section):
    """Handing credentials to holders."""

    window: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0))
    """How long delivery is tried before a process is ERRORED."""
    first_at_once: int = Field(default=64, ge=1, le=1024)
    """First attempts under way at a time."""
    retries_at_once: int = Field(default=32, ge=1, le=1024)
    """Retries under way at a time, and most that begin in a sweep interval while they fail; they have their own
    workers."""


class DoorSettings(Section):
    """Guards of the DCP door."""

    body_bytes: int = Field(default=65536, ge=1024, le=1048576)
    """Largest request body."""
    definitions: int = Field(default=60, ge=1, le=256)
    """Most credentials one request may ask for."""
    requests_per_source: float = Field(default=50, gt=0, allow_inf_nan=False)
    """Requests per second of one source address (an IPv6 network of 64 bits) over all instances, with bursts of a
    second's worth."""
    requests_per_did: float = Field(default=10, gt=0, allow_inf_nan=False)
    """Requests per second of one holder DID over all instances, with bursts of a second's worth."""
    trusted_proxies: list[IPvAnyNetwork] = Field(default_factory=list[IPvAnyNetwork])
    """Networks of the proxies before this door; X-Forwarded-For of these alone tells a request's source."""
    open_per_tenant: int = Field(default=100_000, ge=1)
    """Running processes of one tenant; more requests are answered 503."""
    did_cache: int = Field(default=4096, ge=16)
    """DID documents kept, including failures."""
    did_fresh: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    """How long a DID document is used before it is fetched again; an unknown key id is looked up anew at once."""


class CertifySettings(ServiceSettings):
    """What certify can be told."""

    listen: ListenAddress = "127.0.0.1:7103"
    """gRPC address."""
    ops_listen: ListenAddress = "127.0.0.1:7203"
    """Plain HTTP address of /livez, /readyz and /metrics."""
    http_listen: ListenAddress | None = "127.0.0.1:7303"
    """HTTP address of the DCP door, DID documents, status lists and schemas."""
    public_url: str = Field(default="http://127.0.0.1:7303", pattern=r"^https?://[^/?#]+$")
    """Address under which the world reaches http_listen; goes into DIDs and credentials, so keep it for good."""
    signer: ChannelSettings = ChannelSettings(target="127.0.0.1:7101", timeout=timedelta(seconds=10))
    """The signer."""
    rotator: ChannelSettings = ChannelSettings(target="127.0.0.1:7102", timeout=timedelta(seconds=5))
    """The rotator, asked for schedules that the local copy lacks."""
    token_key: SecretStr | None = None
    """32 random bytes in base64 that encrypt stored holder tokens; required in production."""
    delivery: DeliverySettings = DeliverySettings()
    """Handing credentials to holders."""
    egress: EgressSettings = EgressSettings(connections=256)
    """Which addresses certify may connect to for DIDs and holders, and how long they may take."""
    door: DoorSettings = DoorSettings()
    """Guards of the DCP door."""
    data_sources: dict[str, SecretStr] = Field(default_factory=dict)
    """PostgreSQL DSNs by the name that database attestations give them; "certify" is certify's own database."""
    plugins: dict[str, ChannelSettings] = Field(default_factory=dict)
    """Plugin services by the name that remote attestations give them."""
    csv_files: dict[str, Path] = Field(default_factory=dict)
    """CSV files by the name that csv data providers give them."""
    provider_tokens: dict[str, SecretStr] = Field(default_factory=dict)
    """Bearer tokens by the name that http data providers give them."""
    issuing_ca: Path | None = None
    """Folder of a development authority that certifies each next key of issuers that use certificates; made if missing.
    Without it certificates are asked for from outside. Never in production."""
    audit_plugins: list[str] = Field(default_factory=list)
    """Plugins that are told every row of the audit log."""
    lease: timedelta = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1), le=timedelta(minutes=10))
    """How long a claimed process is left to the instance that claimed it; longer than an attempt can take."""
    status_list_size: int = Field(default=131_072, ge=131_072, le=4_194_304)
    """Entries of a status list."""
    sweep_interval: timedelta = Field(default=timedelta(seconds=1), gt=timedelta(0))
    """How often what was missed is looked for."""

    @model_validator(mode="after")
    def _sealed_in_production(self) -> Self:
        if self.environment == "production":
            if self.token_key is None:
                raise ValueError("token_key is required in production: 32 random bytes in base64")
            if self.issuing_ca is not None:
                raise ValueError("issuing_ca is for development; in production an authority of yours certifies keys")
            if not self.public_url.startswith("https://"):
                raise ValueError("public_url must be https in production")
        return self
