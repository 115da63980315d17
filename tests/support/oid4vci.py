"""The OpenID4VCI door on a real database, behind a real HTTP server, with software keys in the signer's place.

The signer and the rotator have their own tests; here two small parts with real keys implement certify's ports for them.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey
from pydantic import SecretStr
from sealwright_certify.adapters.oid4vci.encryption import JweMessages
from sealwright_certify.adapters.oid4vci.nonces import MacNonces
from sealwright_certify.adapters.postgres.oid4vci_work import Oid4vciUnitOfWork
from sealwright_certify.adapters.providers.pushed import PushedClaims
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_certify.adapters.templates import JsonETemplates
from sealwright_certify.codec.events import encode_event
from sealwright_certify.http.guards import Buckets, Sources
from sealwright_certify.oid4vci import Oid4vci, Oid4vciParts
from sealwright_certify.ports import DcpPolicy, IssuerKey, SigningKey, Tenant
from sealwright_certify.usecases.oid4vci.offers import OfferCommand, OfferMade
from sealwright_certify.usecases.oid4vci.ports import ClaimsProvider, ProxyIssuer
from sealwright_certify.usecases.status_pool import StatusPool
from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import KeyAlgorithm, KeyState
from sealwright_common.runtime.clock import SystemClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.http import HttpServer
from sealwright_common.runtime.ratelimit import RateLimiter
from starlette.applications import Starlette

from tests.unit.certify_formats.keys import Authority, generate, sign

MIGRATIONS = Path(__file__).resolve().parents[2] / "services" / "certify" / "migrations"
PUBLIC_URL = "https://issuer.example"
OPERATOR = Call(caller="spiffe://sealwright/operator", roles=frozenset({"operator"}), method="test")
NONCE_SECRET = b"0123456789abcdef0123456789abcdef"
REQUEST_KEY: Mapping[str, Any] = {**ECKey.generate_key("P-256").as_dict(private=True), "kid": "request-1"}

PERSON: dict[str, Any] = {
    "given_name": "Ada",
    "family_name": "Lovelace",
    "birth_date": "1990-12-10",
    "address": {"street": "Ringweg 1", "country": "DE"},
    "nationalities": ["DE", "FR"],
}


class SoftwareSigner:
    """Software keys behind certify's ports for the signer and the rotator: one issuer per algorithm, by its name."""

    def __init__(self, *algorithms: KeyAlgorithm) -> None:
        self.authority = Authority(name="Test IACA")
        self.keys: dict[str, tuple[KeyAlgorithm, Any]] = {}
        self.down = False
        for number, algorithm in enumerate(algorithms):
            self.keys[str(UUID(int=number + 1))] = (algorithm, generate(algorithm))

    async def sign(self, tenant: str, key: SigningKey, inputs: Sequence[bytes]) -> list[bytes]:
        if self.down:
            raise Unavailable(Reason.PEER_UNAVAILABLE, "the signer is away; try again")
        algorithm, secret = self.keys[key.key_id]
        return [sign(secret, algorithm, message) for message in inputs]

    def certificate(self, key_id: str) -> bytes:
        """A document signer certificate for a key."""
        now = datetime.now(UTC)
        _, secret = self.keys[key_id]
        return self.authority.certificate(secret, start=now - timedelta(days=1), end=now + timedelta(days=365))

    @property
    def anchor(self) -> bytes:
        """The authority's own certificate."""
        now = datetime.now(UTC)
        return self.authority.certificate(start=now - timedelta(days=1), end=now + timedelta(days=3650))

    async def keys_of(self, tenant: str, issuer: str) -> list[IssuerKey]:
        window = Interval(datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))
        return [
            IssuerKey(tenant, issuer, key_id, 0, algorithm, _encoded(algorithm, secret), window, KeyState.ACTIVE, 1)
            for key_id, (algorithm, secret) in self.keys.items()
            if algorithm.value.lower() == issuer
        ]


class SoftwareDirectory:
    """The rotator's side of :class:`SoftwareSigner`."""

    def __init__(self, signer: SoftwareSigner) -> None:
        self._signer = signer

    async def keys(self, tenant: str, issuer: str) -> list[IssuerKey]:
        return await self._signer.keys_of(tenant, issuer)


def _encoded(algorithm: KeyAlgorithm, secret: Any) -> bytes:
    public = secret.public_key()
    if algorithm is KeyAlgorithm.EDDSA:
        return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if algorithm in (KeyAlgorithm.ES256, KeyAlgorithm.ES384):
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Door:
    """One running replica."""

    oid4vci: Oid4vci
    database: Database[Oid4vciUnitOfWork]
    server: HttpServer
    signer: SoftwareSigner

    @property
    def base(self) -> tuple[str, str]:
        """Public address and real address, for the sandbox wallet."""
        return (PUBLIC_URL, f"http://{self.server.address}")

    async def store(self, document: Mapping[str, Any]) -> None:
        """Stores an issuer document."""
        await self.oid4vci.operator.store_issuer(OPERATOR, document)
        self.oid4vci.door.forget(str(document.get("path", "")))

    async def offer(self, *configuration_ids: str, **options: Any) -> OfferMade:
        """An offer of the demo issuer with the person's claims."""
        command = OfferCommand("demo", configuration_ids, **{"claims": {"person": PERSON}, **options})
        return await self.oid4vci.operator.create_offer(OPERATOR, command)


@asynccontextmanager
async def open_door(
    dsn: str,
    *,
    signer: SoftwareSigner | None = None,
    clock: Clock | None = None,
    providers: Mapping[str, ClaimsProvider] | None = None,
    proxies: Mapping[str, ProxyIssuer] | None = None,
    fetch: Any = None,
    pool_size: int = 8,
    requests_per_source: float = 100_000,
) -> AsyncIterator[Door]:
    """A replica of the door on the database ``dsn``; several may share one database and one signer."""
    clock = clock or SystemClock()
    signer = signer or SoftwareSigner(KeyAlgorithm.ES256, KeyAlgorithm.EDDSA, KeyAlgorithm.ES384)
    database = Database(
        DatabaseSettings(dsn=SecretStr(dsn), pool_size=pool_size),
        work=Oid4vciUnitOfWork,
        encode_event=encode_event,
        migrations=MIGRATIONS,
        clock=clock,
    )
    await database.start()
    try:
        await database.wait_available()
        async with database.begin(OPERATOR) as work:
            if await work.tenants.get("default") is None:
                tenant = Tenant("default", "did:web:issuer.example", "es256", "Test", DcpPolicy(), clock.now())
                await work.tenants.put(tenant)
            for key_id in signer.keys:
                await work.certificates.put(
                    "default", key_id, [signer.certificate(key_id)], clock.now() + timedelta(days=365)
                )
        parts = Oid4vciParts(
            store=database,
            clock=clock,
            signer=signer,
            directory=SoftwareDirectory(signer),
            templates=JsonETemplates(),
            schemas=JsonSchemas(),
            providers={"pushed": PushedClaims(), **(providers or {})},
            proxies=proxies or {},
            fetch=fetch,
            public_url=PUBLIC_URL,
            status=StatusPool(database, PUBLIC_URL, 131072),
            nonces=MacNonces(NONCE_SECRET),
            encryption=JweMessages([REQUEST_KEY]),
            sources=Sources(Buckets(RateLimiter(database, {"oid4vci source": requests_per_source}), "oid4vci source")),
        )
        oid4vci = Oid4vci(parts)
        server = HttpServer("127.0.0.1:0", Starlette(routes=oid4vci.routes()))
        await server.start()
        try:
            yield Door(oid4vci, database, server, signer)
        finally:
            await server.drain()
            await server.stop()
    finally:
        await database.stop()


def issuer_document(**changes: Any) -> dict[str, Any]:
    """The demo issuer: one dataset of pushed claims, in every format."""
    vocabulary = {"@vocab": f"{PUBLIC_URL}/demo/vocabulary#"}
    types = {"types": ["PersonCredential"], "contexts": [vocabulary]}
    mdoc = [
        {"path": ["given_name"], "namespace": "org.iso.18013.5.1", "identifier": "given_name"},
        {"path": ["birth_date"], "namespace": "org.iso.18013.5.1", "identifier": "birth_date", "kind": "full-date"},
    ]
    proofs = {"jwt": {}, "di_vp": {}}
    return {
        "path": "demo",
        "key_issuer": "es256",
        "display": [{"name": "Demo issuer", "locale": "en"}],
        "datasets": {
            "person": {
                "source": {"type": "pushed"},
                "validity_seconds": 86400 * 30,
                "claims": [
                    {"path": ["given_name"], "mandatory": True, "display": [{"name": "Given name", "locale": "en"}]},
                    {"path": ["family_name"]},
                    {"path": ["address", "street"]},
                    {"path": ["nationalities", None]},
                ],
                "configurations": {
                    "person-sd": {
                        "format": "dc+sd-jwt",
                        "vct": f"{PUBLIC_URL}/demo/vct/person",
                        "scope": "person-sd",
                        "proof_types": proofs,
                        "decoys": 2,
                    },
                    "person-mdoc": {
                        "format": "mso_mdoc",
                        "doctype": "org.iso.18013.5.1.mDL",
                        "elements": mdoc,
                        "scope": "person-mdoc",
                    },
                    "person-ldp": {"format": "ldp_vc", **types, "suite": "ecdsa-rdfc-2019", "scope": "person-ldp"},
                    "person-ldp-eddsa": {"format": "ldp_vc", **types, "suite": "eddsa-jcs-2022", "key_issuer": "eddsa"},
                    "person-jwt": {"format": "jwt_vc_json", "types": ["PersonCredential"], "scope": "person-jwt"},
                    "person-unbound": {"format": "dc+sd-jwt", "vct": "unbound", "proof_types": {}},
                },
            }
        },
        **changes,
    }


def anchor_text(der: bytes) -> str:
    """A certificate as issuer documents hold it."""
    return base64.b64encode(der).decode()
