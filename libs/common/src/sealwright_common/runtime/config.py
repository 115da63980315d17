"""Settings every service has. A service subclasses :class:`ServiceSettings` and adds its own, a docstring under each.

Values come, strongest first, from environment variables (``SEALWRIGHT_<SERVICE>_<KEY>``, ``__`` between levels), from
the files such variables with the suffix ``_FILE`` name, from a secrets folder (``SEALWRIGHT_<SERVICE>_SECRETS_DIR``,
one file per setting), and from the TOML file given by ``--config``. How they are read is in ``loading.py``.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sealwright_common.runtime import addresses


def _listen_address(value: str) -> str:
    addresses.split(value)
    return value


ListenAddress = Annotated[str, AfterValidator(_listen_address)]
"""``host:port``; port 0 lets the system choose."""


def _duration(value: object) -> object:
    """Numbers, also as text of an environment variable, are seconds; all else is left to pydantic (ISO 8601)."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


STREAM_MAX_AGE = timedelta(days=7)
"""How long events stay in a stream."""

Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A duration: a number of seconds, or ISO 8601 such as PT1M30S."""


class Section(BaseModel):
    """A group of settings: unknown keys are refused, values never change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


class DatabaseSettings(Section):
    """The service's own PostgreSQL database."""

    dsn: SecretStr
    """PostgreSQL URL, e.g. postgresql://signer@db:5432/sealwright_signer."""
    pool_size: int = Field(default=8, ge=1, le=100)
    """Most connections for transactions, and as many again for reads; 4 to 8 is enough for one process."""
    statement_timeout: Duration = Field(default=timedelta(seconds=15), ge=timedelta(milliseconds=100))
    """Longest time of one SQL statement; its call gets UNAVAILABLE after that."""
    lock_timeout: Duration = Field(default=timedelta(seconds=5), ge=timedelta(milliseconds=10))
    """Longest wait for a row that another transaction holds."""
    outbox_retention: Duration = Field(default=timedelta(hours=72), ge=timedelta(hours=1))
    """How long published events stay in the outbox: how far back a lost stream can be replayed."""
    inbox_retention: Duration = Field(default=timedelta(days=14), ge=timedelta(hours=2))
    """How long handled events are remembered; more than outbox_retention and the streams' 7 days together."""
    answer_retention: Duration = Field(default=timedelta(hours=48), ge=timedelta(minutes=10))
    """How long a request_id is answered by the stored answer."""

    @model_validator(mode="after")
    def _remembers_what_can_come_again(self) -> Self:
        if self.inbox_retention <= self.outbox_retention + STREAM_MAX_AGE:
            raise ValueError(
                "inbox_retention must exceed outbox_retention by more than 7 days: a replayed event stays in its "
                "stream that long, and would be handled twice once the inbox forgot it"
            )
        return self


class NatsSettings(Section):
    """The NATS server with JetStream."""

    url: SecretStr = SecretStr("nats://127.0.0.1:4222")
    """NATS URL; may carry a user and a password."""
    replicas: Literal[1, 3, 5] = 1
    """Copies of each stream; more than 1 needs a cluster of as many servers."""


class TlsSettings(Section):
    """Mutual TLS: this service's certificate and the CA of its peers. Changed files are read again."""

    cert: Path
    """PEM file: this service's certificate, then intermediates."""
    key: Path
    """PEM file: the private key of the certificate."""
    ca: Path
    """PEM file: the CA certificates peers must be issued by."""


class TelemetrySettings(Section):
    """Logs, traces and metrics."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe level that is written. DEBUG shows exception texts, which may hold data; the others never do."""
    log_format: Literal["json", "text"] = "json"
    """json for machines, text for people."""
    otlp_endpoint: str | None = None
    """OTLP/gRPC collector for traces, e.g. http://otel:4317; none means that traces are not exported."""
    sample_ratio: float = Field(default=0.1, ge=0, le=1)
    """Share of new traces that is recorded; a caller's decision is kept."""


class LimitSettings(Section):
    """What one process takes on before it refuses."""

    receive_bytes: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest request message, in bytes; larger ones get RESOURCE_EXHAUSTED."""
    metadata_bytes: int = Field(default=8 * 1024, ge=1024, le=64 * 1024)
    """Largest request metadata, in bytes."""
    body_bytes: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest HTTP request body, in bytes; larger ones get 413."""
    concurrency: dict[str, int] = Field(default_factory=dict)
    """Calls at a time per rate class (read, write, sign, make, bulk, watch), over the defaults; more are refused."""
    rates: dict[str, float] = Field(default_factory=dict)
    """Calls per second per rate class and caller, over all instances; a class that is not named has no such limit."""
    keepalive: Duration = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1))
    """Idle time after which a connection is pinged."""
    connection_age: Duration = Field(default=timedelta(minutes=30), ge=timedelta(seconds=10))
    """Age at which a connection is asked to reconnect, so that load spreads over new instances."""
    drain_delay: Duration = Field(default=timedelta(seconds=2), ge=timedelta(0), le=timedelta(minutes=1))
    """Time between NOT_SERVING and the closing of the listeners, for load balancers to notice."""
    grace: Duration = Field(default=timedelta(seconds=15), ge=timedelta(0), le=timedelta(minutes=5))
    """Time that running calls get to finish at shutdown."""


class ServiceSettings(BaseSettings):
    """What every service can be told.

    Built directly it takes keyword arguments alone; :func:`~sealwright_common.runtime.loading.load` reads file and
    environment.
    """

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True, validate_default=False
    )

    listen: ListenAddress = "127.0.0.1:7100"
    """gRPC address."""
    ops_listen: ListenAddress = "127.0.0.1:7200"
    """Plain HTTP address of /livez, /readyz and /metrics; keep it inside the cluster."""
    http_listen: ListenAddress | None = None
    """HTTP address of the service's HTTP door, for services that have one."""
    database: DatabaseSettings
    """The service's own database."""
    nats: NatsSettings = NatsSettings()
    """The event broker."""
    tls: TlsSettings | None = None
    """Mutual TLS for the gRPC door and calls to peers; required unless plaintext."""
    plaintext: bool = False
    """No TLS and no authentication: every caller gets every role. Refused on anything but loopback."""
    telemetry: TelemetrySettings = TelemetrySettings()
    """Logs, traces and metrics."""
    limits: LimitSettings = LimitSettings()
    """What one process takes on before it refuses."""
    audit_head_interval: timedelta = Field(default=timedelta(days=1), ge=timedelta(seconds=1), le=timedelta(days=7))
    """Time between heads of the audit log that are told, to be signed by the rotator, while the log grows."""
    environment: Literal["development", "production"] = "development"
    """production switches off what is only meant for trying things out: open reflection, the file root of trust."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given: a test's settings must not depend on the environment."""
        return (init_settings,)

    @model_validator(mode="after")
    def _identity_or_loopback(self) -> Self:
        if not self.plaintext:
            if self.tls is None:
                raise ValueError(
                    "no certificate: set tls.cert, tls.key and tls.ca, or start with --plaintext on a loopback address"
                )
            return self
        if self.environment == "production":
            raise ValueError("plaintext is refused in production: set tls.cert, tls.key and tls.ca")
        for name in ("listen", "http_listen"):
            address = getattr(self, name)
            if address is not None and not addresses.is_loopback(address):
                raise ValueError(
                    f"plaintext serves loopback only, and {name} is {address}: listen on 127.0.0.1, or set tls"
                )
        return self
