"""Every RPC of the four services, as their own policy tables have it: who gets in, and that nobody forged does.

The doors are real (mutual TLS, policy tables, descriptors); behind them stand servicers that fail with a marker, so
that whatever gets through shows at once that no text of a fault leaves either.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import sealwright_certify.main
import sealwright_rotator.main
import sealwright_signer.main
import sealwright_stamp.main
from cryptography import x509
from google.protobuf import descriptor_pool
from grpc import aio
from sealwright_common.runtime.app import App
from sealwright_common.runtime.grpc import GrpcServer, GrpcService
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.grpc.policy import ROLES, Policy

from tests.support.certificates import SERVER_ONLY, Signer, forge, own_ca
from tests.support.echo import settings
from tests.support.logs import captured

POLICIES: dict[str, Policy] = {
    **sealwright_signer.main.POLICIES,
    **sealwright_rotator.main.POLICIES,
    **sealwright_certify.main.POLICIES,
    **sealwright_stamp.main.POLICIES,
}
REFUSED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}
SHUT = {*REFUSED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED}


def failing(service: Any) -> GrpcService:
    """A servicer of `service` whose every method fails with a marker."""

    def method(descriptor: Any) -> Callable[..., Any]:
        async def single(self: object, request: Any, call: Any) -> Any:
            raise ValueError("marker")

        async def stream(self: object, request: Any, call: Any) -> AsyncIterator[Any]:
            raise ValueError("marker")
            yield

        return stream if descriptor.server_streaming else single

    return GrpcService(service, type("Failing", (), {m.name: method(m) for m in service.methods})())


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    return DevelopmentCa.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
async def address(ca: DevelopmentCa) -> AsyncIterator[str]:
    pool: Any = descriptor_pool.Default()
    names = sorted({name.split("/")[1] for name in POLICIES})
    given = settings(ca.issue("signer"))
    app = App("every", limits=given.limits, watch_interval=0.01)
    services = [failing(pool.FindServiceByName(name)) for name in names]
    server = app.add(GrpcServer(given, services, POLICIES))
    await app.start()
    yield server.address
    await app.stop()


async def answers(address: str, ca: DevelopmentCa, tls: Any) -> dict[str, aio.AioRpcError]:
    """What each RPC answers to an empty request of this client."""
    credentials = grpc.ssl_channel_credentials(
        (ca.folder / "ca.pem").read_bytes(), tls.key.read_bytes(), tls.cert.read_bytes()
    )
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    found: dict[str, aio.AioRpcError] = {}
    async with aio.secure_channel(address, credentials, options) as channel:
        for name in POLICIES:
            try:
                await channel.unary_unary(name)(b"", timeout=10)
            except aio.AioRpcError as error:
                found[name] = error
    return found


def test_every_service_has_a_table() -> None:
    assert {name.split(".")[1] for name in POLICIES} == {"signer", "rotator", "certify", "stamp"}


@pytest.mark.promise(19)
@pytest.mark.promise(20)
@pytest.mark.parametrize("role", sorted(ROLES))
async def test_each_role_gets_in_where_the_table_says(role: str, ca: DevelopmentCa, address: str) -> None:
    with captured() as log:
        found = await answers(address, ca, ca.issue(role))
    for name, policy in POLICIES.items():
        code = found[name].code()
        if role in policy.callers:
            assert code not in SHUT, name
        else:
            assert code is grpc.StatusCode.PERMISSION_DENIED, name
        assert "marker" not in repr((found[name].details(), found[name].trailing_metadata()))
    assert "marker" not in log.text


def _uri(value: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(value)


OPERATOR = "spiffe://sealwright/operator"
FORGED: dict[str, Callable[[Path, Path, Signer], Any]] = {
    "common name": lambda f, root, ca: forge(f, root, ca, [], common_name=OPERATOR),
    "e-mail name": lambda f, root, ca: forge(f, root, ca, [x509.RFC822Name._init_without_validation(OPERATOR)]),
    "DNS name": lambda f, root, ca: forge(f, root, ca, [x509.DNSName._init_without_validation(OPERATOR)]),
    "two URIs": lambda f, root, ca: forge(f, root, ca, [_uri(OPERATOR), _uri("spiffe://sealwright/client")]),
    "wildcard": lambda f, root, ca: forge(f, root, ca, [_uri("spiffe://sealwright/*")]),
    "other CA of the same name": lambda f, root, ca: forge(
        f, root, own_ca("Sealwright development CA"), [_uri(OPERATOR)]
    ),
    "server-only usage": lambda f, root, ca: forge(f, root, ca, [_uri(OPERATOR)], usages=SERVER_ONLY),
}


@pytest.mark.promise(20)
@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_operator_gets_in_nowhere(name: str, ca: DevelopmentCa, address: str, tmp_path: Path) -> None:
    tls = FORGED[name](tmp_path, ca.folder / "ca.pem", Signer(ca.certificate, ca.key))
    found = await answers(address, ca, tls)
    assert found.keys() == POLICIES.keys()
    assert {error.code() for error in found.values()} <= REFUSED
