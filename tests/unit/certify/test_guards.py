"""R27: whose bucket a request takes from, the DID resolver's cache and addresses."""

from __future__ import annotations

import ipaddress
import json
from datetime import timedelta
from typing import Any

import pytest
from sealwright_certify.adapters.did_web import DidWeb, read_document
from sealwright_certify.http.guards import source_of
from sealwright_common.domain.errors import FailedPrecondition, Unavailable
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.egress import Reply
from starlette.requests import Request


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:5::6", [], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
    ],
)
def test_r27_a_source_is_told_by_the_peer_or_by_our_own_proxies(peer: str, forwarded: list[str], source: str) -> None:
    """Nobody gets a bucket of his choice: not by a header of his own, not by another address of his network."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    request = Request({"type": "http", "client": (peer, 1234), "headers": headers})
    assert source_of(request, [ipaddress.ip_network("10.0.0.0/8")]) == source


class _Web:
    """Answers from a dictionary and counts."""

    def __init__(self, pages: dict[str, Any]) -> None:
        self.pages, self.asked = pages, list[str]()

    async def get(self, url: str, **_: Any) -> Reply:
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None:
            raise Unavailable("PEER_UNAVAILABLE", "away")  # pyright: ignore[reportArgumentType]
        return Reply(200, {}, json.dumps(page).encode())


def _resolver(web: _Web, clock: ManualClock) -> DidWeb:
    plain = frozenset({"127.0.0.1"})
    return DidWeb(web, clock, entries=16, fresh=timedelta(minutes=5), plain_hosts=plain)  # pyright: ignore[reportArgumentType]


async def test_r27_documents_and_failures_are_kept() -> None:
    """A document is fetched once; a failure is remembered too; a forced look-up is bounded."""
    did = "did:web:issuer.example"
    web, clock = _Web({"https://issuer.example/.well-known/did.json": {"id": did}}), ManualClock()
    resolver = _resolver(web, clock)
    for _ in range(5):
        await resolver.resolve(did)
        await resolver.resolve(did, anew=True)
    assert len(web.asked) == 1
    for _ in range(5):
        with pytest.raises(Unavailable):
            await resolver.resolve("did:web:away.example")
    assert len(web.asked) == 2
    web.pages["https://away.example/.well-known/did.json"] = {"id": "did:web:away.example"}
    await clock.advance(timedelta(seconds=4))
    assert (await resolver.resolve("did:web:away.example")).id == "did:web:away.example"


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:a.example", "https://a.example/.well-known/did.json"),
        ("did:web:a.example:x:y", "https://a.example/x/y/did.json"),
        ("did:web:a.example%3A8443:x", "https://a.example:8443/x/did.json"),
        ("did:web:127.0.0.1%3A80:x", "http://127.0.0.1:80/x/did.json"),
    ],
)
def test_where_documents_lie(did: str, url: str) -> None:
    """The did:web method's rule."""
    assert _resolver(_Web({}), ManualClock()).url_of(did) == url


@pytest.mark.promise(26)
@pytest.mark.parametrize(
    "did",
    [
        "did:key:z6Mk",
        "did:web:",
        "did:web:a.example:..:etc",
        "did:web:a.example:.",
        "did:web:a.example%2Fpath",
        "did:web:user@a.example",
        "did:web:user%40a.example",
        "did:web:a.example%3A80%3A90",
        "did:web:a.example%3Aport",
        "did:web:a.example#fragment",
        "did:web:a.example?query",
        "did:web:a.example:%2e%2e:x",
        "did:web:a.example/x",
        "did:web:[::1]",
        "did:web:a.example:" + "x" * 3000,
    ],
)
def test_r27_tricks_with_did_web_are_refused(did: str) -> None:
    """Ports, paths, user names and encodings that would lead elsewhere."""
    with pytest.raises(FailedPrecondition):
        _resolver(_Web({}), ManualClock()).url_of(did)


def test_a_document_speaks_for_its_own_did_only() -> None:
    """Another id, keys of another controller, or a malformed body give nothing."""
    did = "did:web:a.example"
    with pytest.raises(FailedPrecondition):
        read_document(did, b'{"id":"did:web:b.example"}')
    for body in (b"[]", b"{", b'{"id":"did:web:a.example","verificationMethod":7}'):
        with pytest.raises(FailedPrecondition):
            read_document(did, body)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    foreign = {"id": "did:web:b.example#k", "controller": "did:web:b.example", "publicKeyJwk": jwk}
    own = {"id": "#k", "controller": did, "publicKeyJwk": jwk}
    document = read_document(
        did, json.dumps({"id": did, "verificationMethod": [foreign, own], "capabilityInvocation": ["#k"]}).encode()
    )
    assert set(document.methods) == {f"{did}#k"}
    assert document.relationships["capabilityInvocation"] == {f"{did}#k"}


def test_a_service_may_have_several_types() -> None:
    """DID Core: a type or a set of them; of two services of one type the first; an endpoint that is no text is none."""
    did = "did:web:a.example"
    services = [
        {"id": "#1", "type": ["Other", "CredentialService", 7], "serviceEndpoint": "https://a.example/1"},
        {"id": "#2", "type": "CredentialService", "serviceEndpoint": "https://a.example/2"},
        {"id": "#3", "type": "Map", "serviceEndpoint": {"uri": "https://a.example/3"}},
        {"id": "#4", "serviceEndpoint": "https://a.example/4"},
    ]
    found = read_document(did, json.dumps({"id": did, "service": services}).encode()).services
    assert found == {"Other": "https://a.example/1", "CredentialService": "https://a.example/1"}
