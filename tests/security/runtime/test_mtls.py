"""Identities come from one URI name in a certificate of our CA, and from nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc import aio
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from sealwright_common.domain.errors import Code, PermissionDenied, Reason, Unauthenticated, Unavailable
from sealwright_common.runtime.config import TlsSettings
from sealwright_common.runtime.grpc import Policy
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.grpc.identity import authenticate
from sealwright_common.runtime.grpc.policy import ROLES

from tests.support.certificates import SERVER_ONLY, Signer, forge, own_ca, signer_of
from tests.support.echo import SERVICE, EchoRequest, EchoStub, calling, serving

# Typed as Any: the type stubs of these packages are older than they.
channelz_messages: Any = channelz_pb2
channelz_stub: Any = channelz_pb2_grpc.ChannelzStub
health_messages: Any = health_pb2
health_stub: Any = health_pb2_grpc.HealthStub
reflection_messages: Any = reflection_pb2
reflection_stub: Any = reflection_pb2_grpc.ServerReflectionStub

STAMP = "spiffe://sealwright/stamp"
ALLOWED = {
    "Echo": {"stamp", "operator"},
    "EchoMany": {"certify"},
    "EchoAll": {"client"},
    "EchoEach": {"signer", "rotator"},
}
POLICIES = {
    f"/{SERVICE}/{name}": Policy(callers, rate="write", deadline=timedelta(seconds=5))
    for name, callers in ALLOWED.items()
}


def uri(value: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier._init_without_validation(value)


def email(value: str) -> x509.RFC822Name:
    return x509.RFC822Name._init_without_validation(value)


def dns(value: str) -> x509.DNSName:
    return x509.DNSName._init_without_validation(value)


OTHER_NAME = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x16\x19" + STAMP.encode())

FORGED: dict[str, Callable[[Path, DevelopmentCa, Signer], TlsSettings]] = {
    "common name only": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [], common_name=STAMP),
    "common name and DNS name": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [dns("stamp")], common_name=STAMP),
    "e-mail name": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [email(STAMP)]),
    "URI as DNS name": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [dns(STAMP)]),
    "URI as other name": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [OTHER_NAME]),
    "two URIs": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP), uri("spiffe://sealwright/client")]),
    "the same URI twice": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP), uri(STAMP)]),
    "wildcard": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri("spiffe://sealwright/*")]),
    "unknown role": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri("spiffe://sealwright/root")]),
    "other trust domain": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri("spiffe://sealwright.evil/stamp")]),
    "path trick": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri("spiffe://sealwright/client/../stamp")]),
    "NUL in the URI": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP + "\x00.evil")]),
    "line end in the URI": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP + "\n")]),
    "query": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP + "?role=operator")]),
    "upper case": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri("SPIFFE://sealwright/stamp")]),
    "expired": lambda f, d, ca: forge(
        f, d.folder / "ca.pem", ca, [uri(STAMP)], starts=timedelta(days=-2), ends=timedelta(minutes=-1)
    ),
    "not yet valid": lambda f, d, ca: forge(
        f, d.folder / "ca.pem", ca, [uri(STAMP)], starts=timedelta(hours=1), ends=timedelta(days=1)
    ),
    "other CA": lambda f, d, ca: forge(f, d.folder / "ca.pem", own_ca("Other CA"), [uri(STAMP)]),
    "other CA of the same name": lambda f, d, ca: forge(
        f, d.folder / "ca.pem", own_ca("Sealwright development CA"), [uri(STAMP)]
    ),
    "self-signed": lambda f, d, ca: forge(f, d.folder / "ca.pem", None, [uri(STAMP)]),
    "signed by a leaf": lambda f, d, ca: _by_leaf(f, d),
    "server-only usage": lambda f, d, ca: forge(f, d.folder / "ca.pem", ca, [uri(STAMP)], usages=SERVER_ONLY),
}


def _by_leaf(folder: Path, ca: DevelopmentCa) -> TlsSettings:
    leaf = signer_of(ca.issue("client", file="playing-ca"))
    assert leaf.certificate is not None
    return forge(folder, ca.folder / "ca.pem", leaf, [uri(STAMP)], chain=[leaf.certificate])


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentCa:
    return DevelopmentCa.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
async def address(ca: DevelopmentCa) -> AsyncIterator[str]:
    async with serving(tls=ca.issue("signer"), policies=POLICIES, environment="production") as server:
        yield server.address


async def every_method(channel: aio.Channel, allowed: Collection[str] = ()) -> AsyncIterator[tuple[str, Any]]:
    """Each RPC of the server, infrastructure included, as something to await.

    A stream sends its request only where it is allowed: gRPC's client forgets the status of a refused stream if it
    comes while a request is on its way.
    """

    async def requests(name: str, request: Any) -> AsyncIterator[Any]:
        if name not in allowed:
            await asyncio.Event().wait()
        yield request

    async def first(stream: Any) -> Any:
        return await stream.read()

    stub = EchoStub(channel)
    health, pb = health_stub(channel), health_messages
    reflect = reflection_stub(channel)
    yield "Echo", stub.Echo(EchoRequest(text="x"), timeout=5)
    yield "EchoMany", first(stub.EchoMany(EchoRequest(text="x", repeat=1), timeout=5))
    yield "EchoAll", stub.EchoAll(requests("EchoAll", EchoRequest(text="x")), timeout=5)
    yield "EchoEach", first(stub.EchoEach(requests("EchoEach", EchoRequest(text="x")), timeout=5))
    yield "Check", health.Check(pb.HealthCheckRequest(), timeout=5)
    yield "Watch", first(health.Watch(pb.HealthCheckRequest(), timeout=5))
    yield "List", health.List(pb.HealthListRequest(), timeout=5)
    listing = requests("ServerReflectionInfo", reflection_messages.ServerReflectionRequest(list_services=""))
    yield "GetServers", channelz_stub(channel).GetServers(channelz_messages.GetServersRequest(), timeout=5)
    yield "ServerReflectionInfo", first(reflect.ServerReflectionInfo(listing, timeout=5))


def raw_channel(address: str, tls: TlsSettings | None, ca: DevelopmentCa) -> aio.Channel:
    """A channel as an attacker would open it: no checks, no retries of ours."""
    trusted = (ca.folder / "ca.pem").read_bytes()
    keys = (tls.key.read_bytes(), tls.cert.read_bytes()) if tls is not None else (None, None)
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    return aio.secure_channel(address, grpc.ssl_channel_credentials(trusted, *keys), options)


@pytest.mark.promise(20)
@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_certificate_opens_no_method(name: str, ca: DevelopmentCa, address: str, tmp_path: Path) -> None:
    tls = FORGED[name](tmp_path, ca, Signer(ca.certificate, ca.key))
    async with raw_channel(address, tls, ca) as channel:
        async for method, call in every_method(channel):
            with pytest.raises(aio.AioRpcError) as refused:
                await call
            expected = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}
            assert refused.value.code() in expected, (name, method, refused.value)


@pytest.mark.promise(20)
async def test_no_certificate_and_no_tls_open_no_method(ca: DevelopmentCa, address: str) -> None:
    for channel in (raw_channel(address, None, ca), aio.insecure_channel(address, [("grpc.enable_retries", 0)])):
        async with channel:
            async for method, call in every_method(channel):
                with pytest.raises(aio.AioRpcError) as refused:
                    await call
                assert refused.value.code() is grpc.StatusCode.UNAVAILABLE, method


@pytest.mark.promise(20)
@pytest.mark.parametrize("role", sorted(ROLES))
async def test_each_role_may_call_what_the_table_says_and_nothing_else(
    role: str, ca: DevelopmentCa, address: str
) -> None:
    allowed = {name for name, callers in ALLOWED.items() if role in callers} | {"Check", "Watch", "List"}
    allowed |= {"GetServers", "ServerReflectionInfo"} if role == "operator" else set()
    for tls in (ca.issue(role), ca.issue(role, "instance-1")):
        async with raw_channel(address, tls, ca) as channel:
            async for method, call in every_method(channel, allowed):
                if method in allowed:
                    await call
                else:
                    with pytest.raises(aio.AioRpcError) as refused:
                        await call
                    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED, method


async def test_the_refusal_names_the_roles_that_may(ca: DevelopmentCa, address: str) -> None:
    async with calling(address, ca.issue("client")) as stub:
        with pytest.raises(PermissionDenied, match="allowed roles: operator, stamp") as refused:
            await stub.Echo(EchoRequest(text="x"))
    assert refused.value.reason is Reason.CALLER_NOT_ALLOWED


async def test_the_caller_is_the_uri(ca: DevelopmentCa, address: str) -> None:
    async with calling(address, ca.issue("stamp", "west-2")) as stub:
        assert (await stub.Echo(EchoRequest(text="x"))).caller == "spiffe://sealwright/stamp/west-2"


async def test_a_server_of_another_ca_is_not_trusted(ca: DevelopmentCa, tmp_path: Path) -> None:
    stranger = DevelopmentCa.open(tmp_path)
    async with serving(tls=stranger.issue("signer")) as server, calling(server.address, ca.issue("stamp")) as stub:
        with pytest.raises(Unavailable):
            await stub.Echo(EchoRequest(text="x"), timeout=2)


async def test_the_server_must_have_the_name_that_was_dialled(ca: DevelopmentCa, address: str) -> None:
    from sealwright_common.runtime.grpc import ChannelSettings, connect

    for name, served in (("signer", True), ("rotator", False)):
        channel = connect(ChannelSettings(target=address, server_name=name), name, ca.issue("stamp"))
        try:
            call = EchoStub(channel).Echo(EchoRequest(text="x"), timeout=2)
            if served:
                await call
            else:
                with pytest.raises(Unavailable):
                    await call
        finally:
            await channel.close()


def test_only_the_typed_uri_property_counts(ca: DevelopmentCa) -> None:
    pem = ca.issue("stamp").cert.read_bytes()
    assert authenticate({"peer_uri": [STAMP.encode()], "x509_pem_cert": [pem]}).uri == STAMP
    for properties in (
        {},
        {"peer_uri": []},
        {"x509_subject_alternative_name": [STAMP.encode()]},
        {"peer_email": [STAMP.encode()], "peer_dns": [STAMP.encode()]},
        {"peer_uri": [STAMP.encode(), STAMP.encode()]},
        {"peer_uri": [b"spiffe://sealwright/operator"]},
    ):
        with pytest.raises(Unauthenticated) as refused:
            authenticate({**properties, "x509_pem_cert": [pem]})
        assert refused.value.code is Code.UNAUTHENTICATED
    with pytest.raises(Unauthenticated):
        authenticate({"peer_uri": [STAMP.encode()]})
