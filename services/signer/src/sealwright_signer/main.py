"""The signer service, put together."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import structlog
from sealwright.signer.v1 import key_service_pb2, signing_service_pb2
from sealwright_common.runtime.app import App, run_service
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.events import Broker, Relay
from sealwright_common.runtime.grpc import GrpcServer, GrpcService
from sealwright_common.runtime.grpc.policy import Policy
from sealwright_common.runtime.worker import Worker

from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.adapters.keybook import CachedKeyBook
from sealwright_signer.adapters.ledger import SigningLedger
from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm, TokenSettings
from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.adapters.token_health import TokenHealth
from sealwright_signer.adapters.vault import KeyVault
from sealwright_signer.api.keys import KeyServicer
from sealwright_signer.api.signing import SigningServicer
from sealwright_signer.codec import encode_event
from sealwright_signer.config import SignerSettings
from sealwright_signer.ports import Hsm
from sealwright_signer.usecases.change_keys import ChangeKeys
from sealwright_signer.usecases.create_keys import CreateKeys
from sealwright_signer.usecases.destroy_due_keys import DestroyDueKeys
from sealwright_signer.usecases.read_keys import ReadKeys
from sealwright_signer.usecases.sign import Sign

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_MAKERS = frozenset({"rotator", "operator"})
_READERS = frozenset({"rotator", "certify", "stamp", "operator", "client"})
_SIGNERS = frozenset({"rotator", "certify", "stamp", "operator"})
_OPERATORS = frozenset({"operator"})
_KEYS = "/sealwright.signer.v1.KeyService"
_SIGNING = "/sealwright.signer.v1.SigningService"

POLICIES = {
    f"{_KEYS}/CreateKeys": Policy(_MAKERS, "bulk", timedelta(minutes=2), audited=True),
    f"{_KEYS}/GetKey": Policy(_READERS),
    f"{_KEYS}/ListKeys": Policy(_READERS),
    f"{_KEYS}/GetPublicKey": Policy(_READERS),
    f"{_KEYS}/ScheduleKeys": Policy(_MAKERS, "write", audited=True),
    f"{_KEYS}/DisableKey": Policy(_OPERATORS, "write", audited=True),
    f"{_KEYS}/EnableKey": Policy(_OPERATORS, "write", audited=True),
    f"{_KEYS}/ScheduleKeyDestruction": Policy(_MAKERS, "write", audited=True),
    f"{_KEYS}/CancelKeyDestruction": Policy(_OPERATORS, "write", audited=True),
    f"{_KEYS}/MarkKeyCompromised": Policy(_MAKERS, "write", audited=True),
    f"{_SIGNING}/Sign": Policy(_SIGNERS, "sign", audited=True),
    f"{_SIGNING}/SignBatch": Policy(_SIGNERS, "sign", timedelta(seconds=30), audited=True),
    f"{_SIGNING}/SignStream": Policy(_SIGNERS, "watch", None, audited=True),
}
"""Who may call what, in which rate class, with which default deadline."""


def main() -> None:
    """Runs the service until it is told to stop."""
    run_service("signer", SignerSettings, build)


async def build(app: App, settings: SignerSettings) -> None:
    """Every part of the signer, in the order of its start."""
    database = app.add(
        Database(settings.database, work=SignerWork, encode_event=encode_event, migrations=MIGRATIONS, clock=app.clock)
    )
    broker = app.add(Broker(settings.nats))
    app.add(Relay(database, broker, service="signer"))

    vault = KeyVault(root_of_trust(settings), threads=settings.threads, cached_keys=settings.cached_keys)
    app.add(TokenHealth(vault, settings.self_test_interval))
    book = CachedKeyBook(database, app.clock)
    ledger = SigningLedger(database)
    destroy = DestroyDueKeys(database.begin_system, vault, book, app.clock)
    app.add(Worker("signing-ledger", ledger.flush, timedelta(seconds=1)))
    app.add(Worker("destroy-due-keys", destroy, timedelta(minutes=1)))

    keys = KeyServicer(
        CreateKeys(database, vault, app.clock), ReadKeys(database), ChangeKeys(database, book), app.clock
    )
    signing = SigningServicer(Sign(database, book, vault, ledger, app.clock))
    app.add(
        GrpcServer(
            settings,
            services=[
                GrpcService(key_service_pb2.DESCRIPTOR.services_by_name["KeyService"], keys),
                GrpcService(signing_service_pb2.DESCRIPTOR.services_by_name["SigningService"], signing),
            ],
            policies=POLICIES,
            database=database,
        )
    )


def root_of_trust(settings: SignerSettings) -> Hsm:
    """The PKCS#11 token, or the folder that stands in for it in development."""
    if settings.pkcs11 is not None:
        token = settings.pkcs11
        lock_dir = token.lock_dir or Path(tempfile.gettempdir())
        return Pkcs11Hsm(TokenSettings(str(token.module), token.label, token.pin.get_secret_value(), lock_dir))
    assert settings.file_root is not None
    log.warning(
        "file root of trust: keys are as safe as the folder they lie in; for development only",
        folder=str(settings.file_root),
    )
    return FileHsm(settings.file_root)
