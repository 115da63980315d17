"""R27: token buckets, the DID resolver's cache and addresses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sealwright_certify.adapters.did_web import DidWeb, read_document
from sealwright_certify.http.guards import Buckets
from sealwright_common.domain.errors import FailedPrecondition, ResourceExhausted, Unavailable
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.egress import Reply


def test_r27_a_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    """Bursts of twice the rate; the refusal says when to come again; keys do not touch each other."""
    clock = ManualClock()
    buckets = Buckets(clock, rate=5)
    for _ in range(10):
        buckets.take("a")
    with pytest.raises(ResourceExhausted) as refused:
        buckets.take("a")
    assert refused.value.retry_after == timedelta(seconds=0.2)
    buckets.take("b")


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
