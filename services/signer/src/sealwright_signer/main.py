"""The signer service, put together."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import structlog
from sealwright.signer.v1 import events_pb2, key_service_pb2, signing_service_pb2, token_service_pb2
from sealwright_common.domain.call import system_call
from sealwright_common.runtime.app import App, run_service
from sealwright_common.runtime.audit_heads import audit_heads
from sealwright_common.runtime.collector import gathering
from sealwright_common.runtime.db import Database, EventRecord
from sealwright_common.runtime.events import Broker, Consumer, Relay
from sealwright_common.runtime.grpc import GrpcServer, GrpcService, connect
from sealwright_common.runtime.grpc.policy import Policy
from sealwright_common.runtime.worker import Worker

from sealwright_signer.adapters.keybook import CachedKeyBook
from sealwright_signer.adapters.ledger import SigningLedger
from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.adapters.roots import FileRoot, Pkcs11Root, RootOfTrust
from sealwright_signer.adapters.token_health import TokenHealth
from sealwright_signer.adapters.token_process.process import TokenProcess
from sealwright_signer.adapters.vault import KeyVault
from sealwright_signer.api.keys import KeyServicer
from sealwright_signer.api.signing import SigningServicer
from sealwright_signer.api.tokens import TokenServicer
from sealwright_signer.codec.keys import key_event
from sealwright_signer.codec.tokens import queue_event
from sealwright_signer.config import SignerSettings
from sealwright_signer.ports import KeyEvent, QueueAnswer
from sealwright_signer.subscriptions.queue import BlindSignQueue, RedeemQueue
from sealwright_signer.subscriptions.schedule import ScheduleFeed
from sealwright_signer.usecases.blind_sign import BlindSign
from sealwright_signer.usecases.change_keys import ChangeKeys
from sealwright_signer.usecases.clear_unfinished_keys import ClearUnfinishedKeys
from sealwright_signer.usecases.create_keys import CreateKeys
from sealwright_signer.usecases.destroy_due_keys import DestroyDueKeys
from sealwright_signer.usecases.read_keys import ReadKeys
from sealwright_signer.usecases.redeem import Redeem
from sealwright_signer.usecases.sign import Sign

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_MAKERS = frozenset({"rotator", "operator"})
_READERS = frozenset({"rotator", "certify", "stamp", "operator", "client"})
_SIGNERS = frozenset({"rotator", "certify", "stamp", "operator"})
_OPERATORS = frozenset({"operator"})
_KEYS = "/sealwright.signer.v1.KeyService"
_SIGNING = "/sealwright.signer.v1.SigningService"
_TOKENS = "/sealwright.signer.v1.TokenService"
_TOKEN_USERS = frozenset({"client", "operator"})
_QUEUE_RETENTION = timedelta(days=8)
"""How long answers of the work queue are kept: longer than the stream keeps their requests."""
_FORGET_BATCH = 5000

POLICIES = {
    f"{_KEYS}/CreateKeys": Policy(_MAKERS, "make", timedelta(minutes=2), audited=True),
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
    f"{_TOKENS}/BlindSign": Policy(_TOKEN_USERS, "bulk", timedelta(seconds=60), audited=True),
    f"{_TOKENS}/Redeem": Policy(_TOKEN_USERS, "sign", audited=True),
    f"{_TOKENS}/RedeemBatch": Policy(_TOKEN_USERS, "bulk", timedelta(seconds=30), audited=True),
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
    app.add(audit_heads(database, events_pb2.AuditHeadTaken, settings.audit_head_interval, app.clock))

    token = app.add(TokenProcess(root_of_trust(settings), threads=settings.threads, makers=settings.makers))
    vault = KeyVault(token, threads=settings.threads, makers=settings.makers, cached_keys=settings.cached_keys)
    app.add(TokenHealth(vault, settings.self_test_interval))
    book = CachedKeyBook(database, app.clock)
    ledger = SigningLedger(database)
    destroy = DestroyDueKeys(database.begin_system, vault, book, app.clock)
    app.add(Worker("signing-ledger", ledger.flush, timedelta(seconds=1)))
    app.add(Worker("destroy-due-keys", destroy, timedelta(minutes=1)))
    clear = ClearUnfinishedKeys(database.begin_system, vault, app.clock)
    app.add(Worker("clear-unfinished-keys", clear, timedelta(minutes=1)))

    rotator = None if settings.rotator is None else app.add(connect(settings.rotator, "rotator", settings.tls))
    feed = ScheduleFeed(database, book, settings.schedule_staleness, app.clock, rotator)
    consumer = app.add(Consumer(database, broker, feed.subscription()))
    feed.watch(consumer)
    app.add(Worker("schedule-snapshot", feed.take_snapshot, settings.schedule_staleness / 5))

    blind_sign = BlindSign(database, book, vault, feed, app.clock)
    redeem = Redeem(database, vault, settings.redemption_leeway, app.clock)
    app.add(Consumer(database, broker, BlindSignQueue(database, blind_sign, app.clock).subscription()))
    app.add(Consumer(database, broker, RedeemQueue(database, redeem, app.clock).subscription()))
    app.add(Worker("forget-expired", lambda: forget_expired(database), timedelta(minutes=10)))

    create = CreateKeys(database, vault, app.clock, gathering(app))
    keys = KeyServicer(create, ReadKeys(database), ChangeKeys(database, book), app.clock)
    signing = SigningServicer(Sign(database, book, vault, ledger, app.clock))
    app.add(
        GrpcServer(
            settings,
            services=[
                GrpcService(key_service_pb2.DESCRIPTOR.services_by_name["KeyService"], keys),
                GrpcService(signing_service_pb2.DESCRIPTOR.services_by_name["SigningService"], signing),
                GrpcService(
                    token_service_pb2.DESCRIPTOR.services_by_name["TokenService"], TokenServicer(blind_sign, redeem)
                ),
            ],
            policies=POLICIES,
            database=database,
        )
    )


def encode_event(event: object) -> EventRecord:
    """An event or an answer of the queue as it is published. TypeError for anything else: a fault of ours."""
    if isinstance(event, KeyEvent):
        return key_event(event)
    if isinstance(event, QueueAnswer):
        return queue_event(event)
    raise TypeError(f"no message for {type(event).__name__}")


async def forget_expired(database: Database[SignerWork]) -> bool:
    """Removes redemptions and queue answers whose time is over; True if there may be more."""
    async with database.begin(system_call("forget-expired")) as work:
        redemptions = await work.redemptions.forget_expired(work.now, _FORGET_BATCH)
        answers = await work.answers.forget_before(work.now - _QUEUE_RETENTION, _FORGET_BATCH)
    return _FORGET_BATCH in (redemptions, answers)


def root_of_trust(settings: SignerSettings) -> RootOfTrust:
    """The PKCS#11 token, or the folder that stands in for it in development."""
    if settings.pkcs11 is not None:
        token = settings.pkcs11
        lock_dir = token.lock_dir or Path(tempfile.gettempdir())
        return Pkcs11Root(str(token.module), token.label, token.pin.get_secret_value(), lock_dir)
    assert settings.file_root is not None
    log.warning(
        "file root of trust: keys are as safe as the folder they lie in; for development only",
        folder=str(settings.file_root),
    )
    return FileRoot(settings.file_root)
