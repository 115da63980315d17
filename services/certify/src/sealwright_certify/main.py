"""The composition root of certify: every part, in the order it starts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sealwright.certify.v1 import (
    attestation_service_pb2,
    credential_issuer_service_pb2,
    credential_service_pb2,
    definition_service_pb2,
    events_pb2,
    holder_service_pb2,
    issuance_service_pb2,
    tenant_service_pb2,
)
from sealwright_common.domain.issuance import Phase, Protocol
from sealwright_common.domain.rules import ExpressionFactory, RuleRegistry
from sealwright_common.runtime.app import App, run_service
from sealwright_common.runtime.audit_heads import audit_heads
from sealwright_common.runtime.collector import gathering
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.egress import Egress
from sealwright_common.runtime.events import Broker, Consumer, Hints, Relay
from sealwright_common.runtime.grpc import GrpcServer, GrpcService, Policies, Policy, connect
from sealwright_common.runtime.http import HttpServer
from sealwright_common.runtime.ratelimit import RateLimiter
from sealwright_common.runtime.signature_checks import SignatureChecks
from sealwright_common.runtime.worker import Worker
from starlette.applications import Starlette

from sealwright_certify import subscriptions
from sealwright_certify.adapters.cel import CelFactory
from sealwright_certify.adapters.dcp.gateway import DcpGateway
from sealwright_certify.adapters.dcp.holder_tokens import SelfIssuedTokens
from sealwright_certify.adapters.dcp.own_tokens import OwnTokens
from sealwright_certify.adapters.dcp.presentations import PresentationFactory
from sealwright_certify.adapters.did_web import DidWeb
from sealwright_certify.adapters.formats.certificates import X509Writer
from sealwright_certify.adapters.formats.development_authority import DevelopmentAuthority
from sealwright_certify.adapters.formats.status_writer import TokenStatusCwtWriter, TokenStatusWriter
from sealwright_certify.adapters.formats.writer import FormatWriter
from sealwright_certify.adapters.metrics import certificate_alarm, counted, trouble
from sealwright_certify.adapters.oid4vci.keyring import DoorKeyring
from sealwright_certify.adapters.oid4vci.outside import OutsideDocuments
from sealwright_certify.adapters.postgres.audit_follower import AuditFollower
from sealwright_certify.adapters.postgres.oid4vci_work import Oid4vciUnitOfWork
from sealwright_certify.adapters.postgres_sources import DatabaseFactory, DataSources
from sealwright_certify.adapters.providers.attested import AttestedClaims
from sealwright_certify.adapters.providers.csv_file import CsvClaims
from sealwright_certify.adapters.providers.http_json import HttpClaims
from sealwright_certify.adapters.providers.plugin import PluginClaims
from sealwright_certify.adapters.providers.proxy import PluginIssuer
from sealwright_certify.adapters.providers.pushed import PushedClaims
from sealwright_certify.adapters.public_keys import public_jwk
from sealwright_certify.adapters.rotator import RotatorClient
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_certify.adapters.secrets import SealedTokens
from sealwright_certify.adapters.signer import SignerClient
from sealwright_certify.adapters.sources.entry_points import entry_point_factories
from sealwright_certify.adapters.sources.remote import RemoteFactory
from sealwright_certify.adapters.sources.simple import PushedFactory, StaticFactory
from sealwright_certify.adapters.sources.stored import HolderFactory
from sealwright_certify.adapters.status_vc import StatusVcWriter
from sealwright_certify.adapters.templates import JsonETemplates
from sealwright_certify.adapters.vc_jwt import VcJwtWriter
from sealwright_certify.api.attestations import AttestationServicer
from sealwright_certify.api.credential_issuers import CredentialIssuerServicer
from sealwright_certify.api.definitions import DefinitionServicer
from sealwright_certify.api.issuance import CredentialServicer, IssuanceServicer
from sealwright_certify.api.tenants import HolderServicer, TenantServicer
from sealwright_certify.codec.events import encode_event
from sealwright_certify.codec.plugins import AuditPlugin
from sealwright_certify.config import CertifySettings
from sealwright_certify.http.dcp import DcpDoor
from sealwright_certify.http.guards import Buckets, Sources
from sealwright_certify.http.public import PublicPages
from sealwright_certify.oid4vci import Oid4vci, Oid4vciParts, together
from sealwright_certify.usecases.accept import Acceptance
from sealwright_certify.usecases.attestations import Attestations
from sealwright_certify.usecases.backlog import Backlog
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.credentials import Credentials
from sealwright_certify.usecases.definitions import Definitions
from sealwright_certify.usecases.deliver import Delivery, Expiry
from sealwright_certify.usecases.evaluate import Evaluator, SourceRegistry
from sealwright_certify.usecases.generate import Generation
from sealwright_certify.usecases.holders import Holders
from sealwright_certify.usecases.issue import Issue
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.making import Making, Writers
from sealwright_certify.usecases.oid4vci.forget import Forgetting
from sealwright_certify.usecases.oid4vci.renewal import Renewal
from sealwright_certify.usecases.reissue import Reissues
from sealwright_certify.usecases.request_issuance import IssuanceQueries, IssuanceRequests
from sealwright_certify.usecases.settle import Settlement
from sealwright_certify.usecases.status_lists import StatusLists
from sealwright_certify.usecases.status_pool import StatusPool
from sealwright_certify.usecases.steer import Steering
from sealwright_certify.usecases.tenants import DidDocuments, Tenants
from sealwright_certify.usecases.watch import Bell, Watching

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

_PACKAGE = "/sealwright.certify.v1."
_ALL = frozenset({"client", "operator"})
_OPERATOR = frozenset({"operator"})
POLICIES: Policies = {
    _PACKAGE + "TenantService/StoreTenant": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "TenantService/GetTenant": Policy(_ALL),
    _PACKAGE + "TenantService/GetDidDocument": Policy(_ALL),
    _PACKAGE + "DefinitionService/StoreDefinition": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "DefinitionService/GetDefinition": Policy(_ALL),
    _PACKAGE + "DefinitionService/ListDefinitions": Policy(_ALL),
    _PACKAGE + "DefinitionService/DeleteDefinition": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "DefinitionService/TryDefinition": Policy(_OPERATOR),
    _PACKAGE + "AttestationService/StoreAttestationDefinition": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "AttestationService/ListAttestationDefinitions": Policy(_ALL),
    _PACKAGE + "AttestationService/DeleteAttestationDefinition": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "AttestationService/ListAttestationTypes": Policy(_ALL),
    _PACKAGE + "AttestationService/InsertAttestations": Policy(_ALL, rate="bulk", audited=True),
    _PACKAGE + "AttestationService/UpdateAttestation": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "AttestationService/DeleteAttestation": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "AttestationService/GetAttestation": Policy(_OPERATOR),
    _PACKAGE + "AttestationService/ListAttestations": Policy(_OPERATOR),
    _PACKAGE + "HolderService/StoreHolder": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "HolderService/GetHolder": Policy(_OPERATOR),
    _PACKAGE + "HolderService/ListHolders": Policy(_OPERATOR),
    _PACKAGE + "HolderService/DeleteHolder": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "HolderService/OfferCredentials": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "IssuanceService/IssueCredential": Policy(_OPERATOR, rate="sign", audited=True),
    _PACKAGE + "IssuanceService/RequestIssuance": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "IssuanceService/CheckIssuance": Policy(_OPERATOR),
    _PACKAGE + "IssuanceService/GetIssuance": Policy(_ALL),
    _PACKAGE + "IssuanceService/ListIssuances": Policy(_ALL),
    _PACKAGE + "IssuanceService/WatchIssuances": Policy(_ALL, rate="watch", deadline=None),
    _PACKAGE + "IssuanceService/ApproveIssuance": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "IssuanceService/RejectIssuance": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "IssuanceService/RedeliverIssuance": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialService/GetCredential": Policy(_OPERATOR),
    _PACKAGE + "CredentialService/ListCredentials": Policy(_OPERATOR),
    _PACKAGE + "CredentialService/RevokeCredentials": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialService/SuspendCredentials": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialService/ResumeCredentials": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialService/ListStatusLists": Policy(_ALL),
    _PACKAGE + "CredentialIssuerService/StoreCredentialIssuer": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialIssuerService/GetCredentialIssuer": Policy(_OPERATOR),
    _PACKAGE + "CredentialIssuerService/ListCredentialIssuers": Policy(_OPERATOR),
    _PACKAGE + "CredentialIssuerService/CreateCredentialOffer": Policy(_ALL, rate="write", audited=True),
    _PACKAGE + "CredentialIssuerService/GetCredentialOffer": Policy(_ALL),
    _PACKAGE + "CredentialIssuerService/ListCredentialOffers": Policy(_OPERATOR),
    _PACKAGE + "CredentialIssuerService/CancelCredentialOffer": Policy(_ALL, rate="write", audited=True),
    _PACKAGE + "CredentialIssuerService/ListDeferredIssuances": Policy(_OPERATOR),
    _PACKAGE + "CredentialIssuerService/DecideDeferredIssuance": Policy(_OPERATOR, rate="write", audited=True),
    _PACKAGE + "CredentialIssuerService/CreateCertificateRequest": Policy(_OPERATOR, rate="sign", audited=False),
    _PACKAGE + "CredentialIssuerService/ImportCertificates": Policy(_OPERATOR, rate="write", audited=True),
}


def main() -> None:
    """Runs certify."""
    run_service("certify", CertifySettings, build)


def host_did_of(public_url: str) -> str:
    """The did:web of a public address: host, with the port's colon percent-encoded."""
    return "did:web:" + public_url.split("://", 1)[1].lower().replace(":", "%3A")


async def build(app: App, settings: CertifySettings) -> None:
    """Puts certify together."""
    database = app.add(
        Database(
            settings.database,
            work=Oid4vciUnitOfWork,
            encode_event=counted(encode_event),
            migrations=MIGRATIONS,
            clock=app.clock,
        )
    )
    broker = app.add(Broker(settings.nats))
    app.add(Relay(database, broker, service="certify", gather=timedelta(milliseconds=50)))
    app.add(audit_heads(database, events_pb2.AuditHeadTaken, settings.audit_head_interval, app.clock))
    signer = SignerClient(app.add(connect(settings.signer, "signer", settings.tls)))
    app.add(signer.collector)
    directory = RotatorClient(app.add(connect(settings.rotator, "rotator", settings.tls)))
    keys = KeyCopy(database, directory, app.clock)
    egress = app.add(Egress(settings.egress))
    dids = DidWeb(
        egress,
        app.clock,
        entries=settings.door.did_cache,
        fresh=settings.door.did_fresh,
        plain_hosts=frozenset(settings.egress.allow_hosts),
    )
    own_tokens = OwnTokens(signer, keys, app.clock)
    gateway = DcpGateway(
        database, egress, dids, own_tokens, lambda tenant, definition: making.schema_uri(tenant, definition)
    )
    secrets = SealedTokens(settings.token_key.get_secret_value() if settings.token_key else None)

    templates, schemas, writers = JsonETemplates(), JsonSchemas(), Writers(VcJwtWriter(), FormatWriter())
    data_sources = app.add(DataSources({name: dsn.get_secret_value() for name, dsn in settings.data_sources.items()}))
    plugins = {
        name: app.add(connect(plugin, f"plugin {name}", settings.tls)) for name, plugin in settings.plugins.items()
    }
    sources = SourceRegistry(
        DatabaseFactory(database, data_sources),
        HolderFactory(database),
        PresentationFactory(database, egress, dids, own_tokens, app.clock),
        StaticFactory(),
        PushedFactory(),
        RemoteFactory(plugins),
        *entry_point_factories(),
    )
    evaluator = Evaluator(sources, RuleRegistry(ExpressionFactory(), CelFactory()), templates, schemas, app.clock)
    checks = app.add(SignatureChecks())
    making = Making(evaluator, writers, signer, checks, keys, app.clock, base_uri=settings.public_url)
    status = StatusPool(database, settings.public_url, settings.status_list_size)
    generation = Generation(
        database,
        making,
        app.clock,
        status=status,
        expect=lambda process, issuer: firsts.expect(process, issuer),
        generated=lambda: first.wake(),
        lease=settings.lease,
    )
    window, sweep = settings.delivery.window, settings.sweep_interval
    holders = Holders(database, gateway, queued=lambda: offers.wake())
    gateways = {Protocol.DCP: gateway}
    settle = gathering(app)("settled deliveries", Settlement(database))
    firsts = Delivery(
        database,
        gateways,
        secrets,
        phase=Phase.DELIVER,
        retries=False,
        concurrency=settings.delivery.first_at_once,
        settle=settle,
        ended=lambda: first.wake(),
        lease=settings.lease,
    )
    seconds = Delivery(
        database,
        gateways,
        secrets,
        phase=Phase.DELIVER,
        retries=True,
        concurrency=settings.delivery.retries_at_once,
        spread=sweep,
        settle=settle,
        ended=lambda: retry.wake(),
        lease=settings.lease,
    )
    refusals = Delivery(
        database,
        gateways,
        secrets,
        phase=Phase.REFUSE,
        retries=None,
        concurrency=settings.delivery.retries_at_once,
        spread=sweep,
        settle=settle,
        ended=lambda: refuse.wake(),
        lease=settings.lease,
    )
    tokens = SelfIssuedTokens(database, dids, app.clock)
    app.add(tokens.collector)
    backlog = Backlog(database, settings.door.open_per_tenant)
    app.add(firsts)
    app.add(seconds)
    app.add(refusals)
    generate = app.add(Worker("generate", generation.run, sweep, clock=app.clock))
    first = app.add(Worker("deliver", firsts.run, sweep, clock=app.clock))
    retry = app.add(Worker("redeliver", seconds.run, sweep, clock=app.clock))
    refuse = app.add(Worker("refuse", refusals.run, sweep, clock=app.clock))
    offers = app.add(Worker("offers", holders.send, sweep, clock=app.clock))
    app.add(Worker("expire", Expiry(database, window).run, sweep, clock=app.clock))
    app.add(Worker("forget tokens", tokens.forget, timedelta(minutes=1), clock=app.clock))
    app.add(Worker("backlog", backlog.count, timedelta(seconds=5), clock=app.clock))
    app.add(Worker("trouble", trouble(database), timedelta(seconds=5), clock=app.clock))
    reissues = Reissues(database, queued=offers.wake)
    reissue = app.add(Worker("reissue", reissues.run, timedelta(seconds=10), clock=app.clock))
    key_events = subscriptions.key_events(keys, reissues, lambda: keys_changed(), reissue.wake)
    app.add(Consumer(database, broker, key_events))

    queries = IssuanceQueries(database)
    catalogue = Catalogue(database, app.clock)
    definitions = Definitions(database, evaluator, writers, templates, schemas, making, keys, catalogue)
    dcp_base = f"{settings.public_url}/dcp"
    tenants = Tenants(database, keys, app.clock, default_did=host_did_of(settings.public_url))
    acceptance = app.add(Acceptance(database, generation, secrets, left=generate.wake, delivery_window=window))
    accepted = app.add(together("accepted requests", acceptance.together))
    requests = IssuanceRequests(database, tenants, evaluator, acceptance, accepted.submit, catalogue)
    documents = DidDocuments(keys, public_jwk, dcp_base=dcp_base)
    status_lists = StatusLists(
        database, signer, keys, app.clock, StatusVcWriter(), TokenStatusWriter(), TokenStatusCwtWriter()
    )
    steering = Steering(
        database,
        approved=generate.wake,
        settled=lambda: (first.wake(), refuse.wake())[0],
        delivery_window=window,
    )
    per_source, per_did = settings.door.requests_per_source, settings.door.requests_per_did
    rates = RateLimiter(database, {"dcp source": per_source, "dcp did": per_did, "oid4vci source": per_source})
    door = DcpDoor(
        tenants,
        definitions,
        requests,
        queries,
        tokens,
        backlog,
        sources=Sources(Buckets(rates, "dcp source"), settings.door.trusted_proxies),
        holders=Buckets(rates, "dcp did"),
        most_definitions=settings.door.definitions,
        body_bytes=settings.door.body_bytes,
        base=dcp_base,
        schema_uri=making.schema_uri,
    )
    pages = PublicPages(
        tenants,
        documents,
        status_lists,
        definitions,
        host_did=host_did_of(settings.public_url),
        public_url=settings.public_url,
    )

    keyring = app.add(DoorKeyring(database, secrets))
    outside = OutsideDocuments(egress)
    oid4vci = Oid4vci(
        Oid4vciParts(
            store=database,
            clock=app.clock,
            signer=signer,
            directory=directory,
            templates=templates,
            schemas=schemas,
            providers={
                "pushed": PushedClaims(),
                "postgresql": AttestedClaims(DatabaseFactory(database, data_sources)),
                "csv": CsvClaims(settings.csv_files),
                "http": HttpClaims(
                    outside.get, {name: text.get_secret_value() for name, text in settings.provider_tokens.items()}
                ),
                "plugin": PluginClaims(plugins),
            },
            proxies={"issuer-plugin": PluginIssuer(plugins, outside.status_list)},
            fetch=outside.document,
            public_url=settings.public_url,
            status=status,
            nonces=keyring,
            encryption=keyring,
            sources=Sources(Buckets(rates, "oid4vci source"), settings.door.trusted_proxies),
        )
    )
    for collector in oid4vci.collectors:
        app.add(collector)
    renewal = Renewal(
        database,
        oid4vci.keys,
        X509Writer(),
        DevelopmentAuthority(settings.issuing_ca) if settings.issuing_ca else None,
        app.clock,
        certificate_alarm,
    )
    certificates = app.add(Worker("certificates", renewal.run, timedelta(minutes=1), clock=app.clock))

    def keys_changed() -> None:
        oid4vci.keys.forget()
        certificates.wake()

    def events_missed() -> None:
        keys.forget_all()
        catalogue.forget()
        oid4vci.keys.forget()
        oid4vci.door.forget_all()
        bell.ring_all()

    bell = Bell()
    forgetting = subscriptions.forgetting(keys, catalogue, keys_changed, oid4vci.door.forget)
    app.add(Hints(broker, {**forgetting, **subscriptions.process_changes(bell)}, events_missed))
    app.add(Worker("forget what is over", Forgetting(database).run, timedelta(minutes=1), clock=app.clock))
    for name in settings.audit_plugins:
        follower = AuditFollower(database, name, AuditPlugin(plugins[name]))
        app.add(Worker(f"audit plugin {name}", follower.run, sweep, clock=app.clock))

    services = {
        tenant_service_pb2.DESCRIPTOR: {"TenantService": TenantServicer(tenants, documents)},
        definition_service_pb2.DESCRIPTOR: {"DefinitionService": DefinitionServicer(definitions)},
        attestation_service_pb2.DESCRIPTOR: {
            "AttestationService": AttestationServicer(Attestations(database, sources, catalogue))
        },
        holder_service_pb2.DESCRIPTOR: {"HolderService": HolderServicer(holders)},
        issuance_service_pb2.DESCRIPTOR: {
            "IssuanceService": IssuanceServicer(
                Issue(database, evaluator, generation), requests, queries, steering, Watching(database, bell)
            )
        },
        credential_issuer_service_pb2.DESCRIPTOR: {
            "CredentialIssuerService": CredentialIssuerServicer(oid4vci.operator)
        },
        credential_service_pb2.DESCRIPTOR: {"CredentialService": CredentialServicer(Credentials(database))},
    }
    app.add(
        GrpcServer(
            settings,
            services=[
                GrpcService(descriptor.services_by_name[name], servicer)
                for descriptor, servicers in services.items()
                for name, servicer in servicers.items()
            ],
            policies=POLICIES,
            database=database,
        )
    )
    if settings.http_listen is not None:
        application = Starlette(routes=[*door.routes(), *pages.routes(), *oid4vci.routes()])
        app.add(HttpServer(settings.http_listen, application, limits=settings.limits))
