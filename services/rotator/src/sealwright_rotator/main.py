"""The composition root of the rotator: every part, in the order it starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sealwright.rotator.v1 import events_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.runtime.app import App, run_service
from sealwright_common.runtime.audit_heads import audit_heads
from sealwright_common.runtime.collector import gathering
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.events import Broker, Consumer, Relay
from sealwright_common.runtime.grpc import ANYONE, GrpcServer, GrpcService, Policies, Policy, connect
from sealwright_common.runtime.http import HttpServer
from sealwright_common.runtime.worker import Worker

from sealwright_rotator.adapters.metrics import Alarms
from sealwright_rotator.adapters.postgres import RotatorWork
from sealwright_rotator.adapters.signer import GrpcSigner
from sealwright_rotator.adapters.tail import LogTail
from sealwright_rotator.api.service import RotatorServicer
from sealwright_rotator.codec.resources import encode_event
from sealwright_rotator.config import RotatorSettings
from sealwright_rotator.http.app import application
from sealwright_rotator.http.issuers import IssuerDoor
from sealwright_rotator.job import Heads, Job
from sealwright_rotator.ports import World
from sealwright_rotator.subscriptions import audit_heads as audit_heads_told
from sealwright_rotator.subscriptions import key_endings
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.directory import Directories

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_SERVICE = "/sealwright.rotator.v1.RotatorService/"
_OWNERS = frozenset({"operator", "certify", "stamp", "client"})
_OPERATORS = frozenset({"operator"})
_MAKING = timedelta(minutes=5)
POLICIES: Policies = {
    _SERVICE + "CreateIssuer": Policy(_OWNERS, "make", deadline=_MAKING, replay_first=True, audited=True),
    _SERVICE + "GetIssuer": Policy(ANYONE),
    _SERVICE + "ListIssuers": Policy(ANYONE),
    _SERVICE + "PauseIssuer": Policy(_OPERATORS, "write", audited=True),
    _SERVICE + "ResumeIssuer": Policy(_OPERATORS, "write", audited=True),
    _SERVICE + "RetireIssuer": Policy(_OPERATORS, "write", replay_first=True, audited=True),
    _SERVICE + "ExpireIssuer": Policy(_OPERATORS, "write", replay_first=True, audited=True),
    _SERVICE + "PreviewSchedule": Policy(ANYONE),
    _SERVICE + "RotateNow": Policy(_OPERATORS, "write", replay_first=True, audited=True),
    _SERVICE + "MarkCompromised": Policy(_OPERATORS, "write", replay_first=True, audited=True),
    _SERVICE + "ListKeys": Policy(ANYONE),
    _SERVICE + "GetActiveKeys": Policy(ANYONE),
    _SERVICE + "WatchKeys": Policy(ANYONE, "watch", deadline=None),
    _SERVICE + "GetDirectory": Policy(ANYONE),
    _SERVICE + "GetKeyLogHead": Policy(ANYONE),
    _SERVICE + "ListKeyLogEntries": Policy(ANYONE),
    _SERVICE + "GetInclusionProof": Policy(ANYONE),
    _SERVICE + "GetConsistencyProof": Policy(ANYONE),
    _SERVICE + "ListAuditHeads": Policy(ANYONE),
}


def main() -> None:
    """Runs the rotator."""
    run_service("rotator", RotatorSettings, build)


async def build(app: App, settings: RotatorSettings) -> None:
    """Puts the rotator together."""
    database = app.add(
        Database(settings.database, work=RotatorWork, encode_event=encode_event, migrations=MIGRATIONS, clock=app.clock)
    )
    broker = app.add(Broker(settings.nats))
    app.add(Relay(database, broker, service="rotator"))
    app.add(audit_heads(database, events_pb2.AuditHeadTaken, settings.audit_head_interval, app.clock))
    channel = app.add(connect(settings.signer, "signer", settings.tls))
    world = World(database, GrpcSigner(channel, timeout=settings.signer.timeout), app.clock, settings.lease)
    # With room of its own at the signer: many creations at once hold up no rotation.
    creating = replace(world, signer=GrpcSigner(channel, timeout=settings.signer.timeout))

    create = CreateIssuer(creating, gathering(app))
    alarms = app.add(Alarms(database, settings.most_skew, app.clock))
    tail = app.add(LogTail(database))
    database.on_events_committed(tail.wake)
    # Before the job: it must not run on a clock that nobody has looked at.
    app.add(Worker("alarms", alarms.look, timedelta(seconds=15), clock=app.clock))
    rounds = Job(world, settings.batch, alarms.check, alarms.seen)
    job = app.add(Worker("rotation", rounds.run, settings.tick, clock=app.clock))
    app.add(Consumer(database, broker, key_endings(world, job.wake)))
    heads = app.add(Worker("log heads", Heads(world, create).run, settings.head_interval, clock=app.clock))
    for subscription in audit_heads_told(heads.wake):
        app.add(Consumer(database, broker, subscription))

    directories = Directories(world)
    servicer = RotatorServicer(world, create, directories, tail, job.wake)
    service = GrpcService(pb.DESCRIPTOR.services_by_name["RotatorService"], servicer)
    app.add(GrpcServer(settings, [service], POLICIES, database))
    if settings.http_listen is not None:
        tokens = [token.get_secret_value() for token in settings.issuer_tokens]
        issuers = IssuerDoor(create, app.clock, job.wake, tokens) if settings.issuer_door else None
        doors = application(world, directories, issuers)
        tls = settings.tls if settings.http_tls else None
        app.add(HttpServer(settings.http_listen, doors, tls=tls, limits=settings.limits))
