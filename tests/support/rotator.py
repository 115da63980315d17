"""A rotator as a process of its own, with mTLS, beside a signer of the same development CA."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_sandbox.embedded.ports import free_port

from tests.support.service_process import ServiceProcess


class RotatorProcess(ServiceProcess):
    """A rotator that ticks often."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        nats_url: str,
        signer: str,
        ca: DevelopmentCa,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``signer`` is its gRPC target; ``settings`` are variables without SEALWRIGHT_ROTATOR_."""
        self.http = f"127.0.0.1:{free_port()}"
        values = {
            "HTTP_LISTEN": self.http,
            "SIGNER__TARGET": signer,
            "TICK": "PT0.2S",
            "LEASE": "PT5S",
            "HEAD_INTERVAL": "PT1S",
            "AUDIT_HEAD_INTERVAL": "PT1S",
        }
        super().__init__("rotator", folder, dsn, nats_url, ca, values | dict(settings or {}))
