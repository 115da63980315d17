"""A signer as a process of its own, with mTLS, on a database, broker and token that the test provides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_sandbox.embedded.softhsm import Token

from tests.support.service_process import ServiceProcess


class SignerProcess(ServiceProcess):
    """A signer with a development CA of its own, which others of the test join."""

    def __init__(
        self, folder: Path, dsn: str, nats_url: str, token: Token | None, settings: Mapping[str, str] | None = None
    ) -> None:
        """``token`` None means the file root of trust; ``settings`` are variables without SEALWRIGHT_SIGNER_."""
        if token is None:
            root = {"FILE_ROOT": str(folder / "root-of-trust")}
        else:
            root = {
                "PKCS11__MODULE": str(token.module),
                "PKCS11__LABEL": token.label,
                "PKCS11__PIN": token.pin,
                "PKCS11__LOCK_DIR": str(folder),
            }
        super().__init__(
            "signer", folder, dsn, nats_url, DevelopmentCa.open(folder / "ca"), root | dict(settings or {})
        )
        if token is not None:
            self.environment |= token.environment
