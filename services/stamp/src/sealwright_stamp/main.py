"""The composition root of stamp: every part, in the order it starts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sealwright.stamp.v1 import events_pb2
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.certificates import DoorRules
from sealwright_common.runtime.app import App, run_service
from sealwright_common.runtime.audit_heads import audit_heads
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.egress import Egress
from sealwright_common.runtime.events import Broker, Consumer, Relay
from sealwright_common.runtime.grpc import ChannelSettings, GrpcServer, GrpcService, Policies, Policy, connect
from sealwright_common.runtime.http import HttpServer
from sealwright_common.runtime.worker import Worker

from sealwright_stamp import subscriptions
from sealwright_stamp.adapters import secrets
from sealwright_stamp.adapters.metrics import trouble
from sealwright_stamp.adapters.postgres import SESSION, PostgresWork
from sealwright_stamp.adapters.proofs.workers import ProofWorkers
from sealwright_stamp.adapters.registry import RegistryClients
from sealwright_stamp.adapters.signer import AreaIssuer, SignerClient
from sealwright_stamp.adapters.wallets import HttpWallets
from sealwright_stamp.api.service import StampServicer
from sealwright_stamp.codec.events import encode_event
from sealwright_stamp.codec.transactions import RegistryFormat
from sealwright_stamp.config import StampSettings
from sealwright_stamp.http.application import HttpCallers, application
from sealwright_stamp.usecases.accept import AcceptOrders
from sealwright_stamp.usecases.backoff import Backoff, Patience
from sealwright_stamp.usecases.check import Check
from sealwright_stamp.usecases.deliver import Deliver, Postman
from sealwright_stamp.usecases.doors import StampUseCases
from sealwright_stamp.usecases.importing import ImportMeasurements
from sealwright_stamp.usecases.look import GetCertificate, GetHistory, ListCertificates, Watch
from sealwright_stamp.usecases.mend import Redeliver, Resume
from sealwright_stamp.usecases.recipients import CreateRecipient, GetRecipient, ListRecipients
from sealwright_stamp.usecases.submit import Submit
from sealwright_stamp.usecases.sweep import Sweep
from sealwright_stamp.usecases.withdraw import FindWithdrawn, ListWithdrawn, Withdraw

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_SERVICE = "/sealwright.stamp.v1.StampService/"
_READERS = frozenset({"client", "operator"})
POLICIES: Policies = {
    _SERVICE + "CreateRecipient": Policy(_READERS, rate="write", audited=True),
    _SERVICE + "GetRecipient": Policy(_READERS),
    _SERVICE + "ListRecipients": Policy(_READERS),
    _SERVICE + "StampCertificate": Policy(_READERS, rate="write"),
    _SERVICE + "StampCertificates": Policy(_READERS, rate="bulk", deadline=timedelta(seconds=30)),
    _SERVICE + "GetCertificate": Policy(_READERS),
    _SERVICE + "ListCertificates": Policy(_READERS),
    _SERVICE + "GetCertificateHistory": Policy(_READERS),
    _SERVICE + "WatchCertificate": Policy(_READERS, rate="watch", deadline=None),
    _SERVICE + "WithdrawCertificate": Policy(_READERS, rate="write", audited=True),
    _SERVICE + "ListWithdrawn": Policy(_READERS),
    _SERVICE + "ResumeCertificate": Policy(frozenset({"operator"}), rate="write", audited=True),
    _SERVICE + "RedeliverToWallet": Policy(frozenset({"operator"}), rate="write", audited=True),
    _SERVICE + "ImportMeasurements": Policy(_READERS, rate="bulk", deadline=None),
}


def main() -> None:
    """Runs stamp."""
    run_service("stamp", StampSettings, build)


async def build(app: App, settings: StampSettings) -> None:
    """Puts stamp together."""
    patience = patience_of(settings)
    rules = DoorRules(
        frozenset(settings.registries), {name: area.callers for name, area in settings.grid_areas.items()}
    )
    database = app.add(
        Database(
            settings.database,
            work=PostgresWork,
            encode_event=encode_event,
            migrations=MIGRATIONS,
            clock=app.clock,
            session=SESSION,
        )
    )
    broker = app.add(Broker(settings.nats))
    workshop = app.add(ProofWorkers(settings.provers))
    egress = app.add(Egress(settings.wallets.egress))
    wallets = HttpWallets(egress, settings.wallets.egress, settings.wallets.at_once)
    signer_channel = app.add(connect(settings.signer, "signer", settings.tls))
    registry_channels = {
        name: app.add(
            connect(
                ChannelSettings(target=registry.target, timeout=registry.timeout),
                f"registry {name}",
                settings.tls if registry.tls else None,
            )
        )
        for name, registry in settings.registries.items()
    }
    registry = RegistryClients(registry_channels)
    signer = SignerClient(
        signer_channel, {name: AreaIssuer(area.issuer, area.cohort) for name, area in settings.grid_areas.items()}
    )

    submit = Submit(database, workshop, RegistryFormat(), signer, registry, secrets.nonce, patience)
    check = Check(database, registry, patience)
    postman = app.add(Postman(database, wallets, patience))
    deliver = Deliver(postman, patience)
    accept = AcceptOrders(database, rules, secrets.SYSTEM, patience)
    usecases = StampUseCases(
        create_recipient=CreateRecipient(database, wallets.refusal),
        get_recipient=GetRecipient(database),
        list_recipients=ListRecipients(database),
        accept=accept,
        get_certificate=GetCertificate(database),
        list_certificates=ListCertificates(database),
        history=GetHistory(database),
        watch=Watch(database),
        withdraw=Withdraw(database, rules, patience),
        list_withdrawn=ListWithdrawn(database),
        find_withdrawn=FindWithdrawn(database),
        resume=Resume(database),
        redeliver=Redeliver(database, patience),
        import_measurements=ImportMeasurements(database, accept),
    )

    app.add(Relay(database, broker, service="stamp"))
    app.add(audit_heads(database, events_pb2.AuditHeadTaken, settings.audit_head_interval, app.clock))
    for subscription in subscriptions.chain(submit, check, deliver):
        app.add(Consumer(database, broker, subscription))
    sweep = Sweep(database, submit, check, postman, patience)
    app.add(Worker("sweep", sweep, settings.sweep_interval, clock=app.clock))
    app.add(Worker("trouble", trouble(database), timedelta(seconds=15), clock=app.clock))
    app.add(
        GrpcServer(
            settings,
            services=[GrpcService(pb.DESCRIPTOR.services_by_name["StampService"], StampServicer(usecases))],
            policies=POLICIES,
            database=database,
        )
    )
    if settings.http_listen is not None:
        callers = HttpCallers({token.get_secret_value(): name for name, token in settings.http_callers.items()})
        door = application(usecases, callers, settings.path_base, settings.withdraw_wait, app.reasons)
        tls = settings.tls if settings.http_tls else None
        app.add(HttpServer(settings.http_listen, door, tls=tls, limits=settings.limits))


def patience_of(settings: StampSettings) -> Patience:
    """The waits of the chain, from the settings."""
    return Patience(
        submit=Backoff(settings.retry_first, timedelta(minutes=1)),
        poll=Backoff(settings.poll_first, settings.poll_longest),
        deliver=Backoff(settings.retry_first, timedelta(minutes=10)),
        event=settings.event_patience,
        deliver_for=settings.wallets.deliver_for,
        lease=settings.lease,
        stuck_after=settings.stuck_after,
    )


if __name__ == "__main__":
    main()
