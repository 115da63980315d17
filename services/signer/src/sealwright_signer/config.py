"""The signer's settings."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from sealwright_common.runtime.config import LimitSettings, ListenAddress, Section, ServiceSettings


class Pkcs11Settings(Section):
    """The PKCS#11 token that is the root of trust."""

    module: Path
    """Path of the PKCS#11 module, e.g. /usr/lib/softhsm/libsofthsm2.so."""
    label: str = "sealwright"
    """Label of the token."""
    pin: SecretStr
    """User PIN of the token; a wrong one is tried once and never again until restart."""
    lock_dir: Path | None = None
    """Folder of the file lock under which processes log in one at a time. Default: the temporary folder."""


class SignerLimits(LimitSettings):
    """What one signer takes on: a batch of a thousand inputs is larger than most requests."""

    receive_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest request message, in bytes; larger ones get RESOURCE_EXHAUSTED."""


class SignerSettings(ServiceSettings):
    """What the signer can be told."""

    listen: ListenAddress = "127.0.0.1:7101"
    """gRPC address."""
    ops_listen: ListenAddress = "127.0.0.1:7201"
    """Plain HTTP address of /livez, /readyz and /metrics."""
    pkcs11: Pkcs11Settings | None = None
    """The token. Exactly one of pkcs11 and file_root must be set."""
    file_root: Path | None = None
    """Folder of the file root of trust, for development where no PKCS#11 module can be had; refused in production."""
    threads: int = Field(default=min(4, os.cpu_count() or 2), ge=1, le=64)
    """Threads of the token process that sign, each with its own session of the token; size it to the token. As many
    of the service sign with wrapped keys. At first one per processor."""
    makers: int = Field(default=4, ge=1, le=64)
    """Threads of the token process that make keys, each with its own session of the token. More than processors, for a
    token that keeps its objects in files waits for the disk."""
    cached_keys: int = Field(default=1000, ge=1, le=100_000)
    """Most wrapped keys that are open in memory at once."""
    self_test_interval: timedelta = Field(default=timedelta(seconds=5), ge=timedelta(seconds=1))
    """Time between the token's self-test signatures, which feed readiness."""
    redemption_leeway: timedelta = Field(default=timedelta(hours=1), ge=timedelta(0), le=timedelta(days=1))
    """How long before and after its key's window a token is redeemed all the same."""
    schedule_staleness: timedelta = Field(default=timedelta(minutes=5), ge=timedelta(seconds=10))
    """Age of the local schedule past which blind signing waits (UNAVAILABLE) rather than trusting it."""
    rotator: str | None = None
    """gRPC address of the rotator, for the snapshot of its schedule; none: the schedule comes from events alone."""
    limits: SignerLimits = SignerLimits()  # pyright: ignore[reportIncompatibleVariableOverride] - settings are frozen
    """What one process takes on before it refuses."""

    @model_validator(mode="after")
    def _one_root_of_trust(self) -> Self:
        if (self.pkcs11 is None) == (self.file_root is None):
            raise ValueError(
                "set pkcs11.module, pkcs11.label and pkcs11.pin, or file_root for development: one of them"
            )
        if self.file_root is not None and self.environment == "production":
            raise ValueError("file_root is for development and refused in production: set pkcs11")
        return self
