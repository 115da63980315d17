"""Self-issued tokens, replays, floods and addresses: what the DCP door refuses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sealwright_sandbox.holder import HolderFaults, SandboxHolders

from tests.support.certify import Issuing, fetch, rid

pytestmark = pytest.mark.timeout(180)

NOW = int(time.time())
CLAIMS = {
    "iss": {"iss": "did:web:other.example"},
    "no iss": {"iss": None},
    "no sub": {"sub": None},
    "sub is another's": {"sub": "did:web:other.example"},
    "aud": {"aud": "did:web:other.example"},
    "no aud": {"aud": None},
    "several aud": {"aud": ["did:web:other.example", "did:web:third.example"]},
    "no jti": {"jti": None},
    "empty jti": {"jti": ""},
    "jti is a number": {"jti": 7},
    "jti no database stores": {"jti": "a\0b"},
    "sub no database stores": {"sub": "did:web:a\0b", "iss": "did:web:a\0b"},
    "sub is no did:web": {"sub": "did:key:z6Mk", "iss": "did:key:z6Mk"},
    "no exp": {"exp": None},
    "expired": {"exp": NOW - 3600},
    "exp far off": {"exp": NOW + 10 * 86400},
    "exp is text": {"exp": "tomorrow"},
    "no iat": {"iat": None},
    "iat in the future": {"iat": NOW + 3600},
    "nbf in the future": {"nbf": NOW + 3600},
    "a presentation, which is for us and by the holder, too": {"vp": {"type": ["VerifiablePresentation"]}},
    "a credential": {"vc": {"type": ["VerifiableCredential"]}},
}
HEADERS: dict[str, dict[str, Any]] = {
    "alg none": {"alg": "none"},
    "alg HS256": {"alg": "HS256"},
    "alg of another key type": {"alg": "EdDSA"},
    "alg ES384": {"alg": "ES384"},
    "typ of another token": {"typ": "openid4vci-proof+jwt"},
    "typ is no text": {"typ": ["JWT"]},
    "crit": {"crit": ["exp"]},
    "b64 false": {"b64": False},
    "kid of another did": {"kid": "did:web:other.example#key"},
    "kid that does not exist": {"kid": "#nothing"},
    "kid with a path": {"kid": "../../key"},
    "kid is a number": {"kid": 7},
}


async def _answer(issuing: Issuing, name: str, token: str) -> int:
    holder = issuing.holders.holder(name)
    return (await issuing.post("/credentials", holder.request(rid(), ["MembershipCredential"]), token))[0]


@pytest.mark.promise(24)
@pytest.mark.parametrize("case", CLAIMS)
async def test_wrong_claims_are_401(issuing: Issuing, case: str) -> None:
    """Each claim of the token is checked; the holder itself would be served."""
    name = await issuing.member()
    token = issuing.holders.holder(name).token(issuing.did, **CLAIMS[case])
    assert await _answer(issuing, name, token) == 401


@pytest.mark.promise(28)
@pytest.mark.parametrize(
    ("claim", "seconds", "answer"),
    [("iat", 10, 201), ("iat", 59, 401), ("nbf", 10, 201), ("nbf", 59, 401), ("exp", -20, 201), ("exp", -61, 401)],
)
async def test_clocks_may_differ_so_much(issuing: Issuing, claim: str, seconds: int, answer: int) -> None:
    """A minute late is forgiven, half a minute ahead; a whole minute ahead, cut to seconds, the kit wants refused."""
    name = await issuing.member()
    token = issuing.holders.holder(name).token(issuing.did, **{claim: int(time.time()) + seconds})
    assert await _answer(issuing, name, token) == answer


@pytest.mark.promise(24)
@pytest.mark.parametrize("case", HEADERS)
async def test_wrong_headers_are_401(issuing: Issuing, case: str) -> None:
    """No algorithm but the key's own, no key but the sender's own, no extension."""
    name = await issuing.member()
    holder = issuing.holders.holder(name)
    now = int(time.time())
    claims = {"iss": holder.did, "sub": holder.did, "aud": issuing.did, "jti": rid(), "iat": now, "exp": now + 60}
    assert await _answer(issuing, name, holder.sign(claims, **HEADERS[case])) == 401


@pytest.mark.promise(24)
async def test_a_mac_keyed_with_the_public_key_and_embedded_keys_are_401(issuing: Issuing) -> None:
    """HS256 over the public key, an embedded jwk of the sender's choice, a foreign signature, duplicate members."""
    name = await issuing.member()
    holder, thief = issuing.holders.holder(name), issuing.holders.holder(f"thief{uuid.uuid4().hex[:6]}")
    now = int(time.time())
    claims = {"iss": holder.did, "sub": holder.did, "aud": issuing.did, "jti": rid(), "iat": now, "exp": now + 60}

    def part(value: Any) -> str:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    message = f"{part({'alg': 'HS256', 'kid': holder.method})}.{part(claims)}"
    public = holder.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.digest(public, message.encode(), hashlib.sha256)
    jwk = thief.document()["verificationMethod"][0]["publicKeyJwk"]
    double = part(b'{"alg":"ES256","alg":"none","kid":"' + holder.method.encode() + b'"}')
    for token in (
        f"{message}.{part(mac)}",
        thief.sign(claims, kid=holder.method, jwk=jwk),
        thief.sign(claims),
        f"{double}.{part(claims)}.{part(b'x' * 64)}",
        holder.sign(claims) + "A",
        holder.sign(claims).rpartition(".")[0] + ".",
        "not a token",
    ):
        assert await _answer(issuing, name, token) == 401
    assert await _answer(issuing, name, holder.sign(claims)) == 201


async def test_without_a_token_there_is_nothing(issuing: Issuing) -> None:
    """No header, another scheme, somebody else's request, an id that is none."""
    name = await issuing.member()
    body = issuing.holders.holder(name).request(rid(), ["MembershipCredential"])
    status, headers, _ = await issuing.post("/credentials", body, None)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    _, location = await issuing.ask(name, "MembershipCredential")
    other = await issuing.member()
    assert (await issuing.holders.status(other, location, issuing.did))[0] == 404
    assert (await issuing.holders.status(name, f"{issuing.base}/requests/nonsense", issuing.did))[0] == 404
    assert (await issuing.holders.status(name, f"{issuing.base}/requests/{rid()}", issuing.did))[0] == 404


async def test_one_token_is_good_once_however_many_come_at_once(issuing: Issuing) -> None:
    """60 requests with one token at the same time: exactly one is accepted, and none afterwards."""
    name = await issuing.member()
    token = issuing.holders.holder(name).token(issuing.did)
    answers = await asyncio.gather(*(_answer(issuing, name, token) for _ in range(60)))
    assert sorted(set(answers)) == [201, 401]
    assert answers.count(201) == 1
    assert await _answer(issuing, name, token) == 401


async def test_capability_invocation_is_demanded_unless_the_tenant_is_lenient(
    issuing: Issuing, new_tenant: Any, holders: SandboxHolders
) -> None:
    """Strict by default; real holders that omit the relationship need the tenant's switch."""
    holders.faults = HolderFaults(hide_capability=True)
    strict = await issuing.member()
    assert (await issuing.ask(strict, "MembershipCredential"))[0] == 401
    lenient = await new_tenant(allow_any_relationship=True)
    name = await lenient.member()
    assert (await lenient.ask(name, "MembershipCredential"))[0] == 201


async def test_unknown_holders_need_an_open_tenant(new_tenant: Any) -> None:
    """allow_unknown_holders off: a DID that was never stored is 401."""
    closed = await new_tenant(allow_unknown_holders=False)
    assert (await closed.ask(await closed.member(), "MembershipCredential"))[0] == 401


async def test_a_new_key_under_the_same_did_is_found(issuing: Issuing) -> None:
    """A kept DID document that lacks the key is fetched anew, but not more often than every three seconds."""
    name = await issuing.member()
    assert (await issuing.ask(name, "MembershipCredential"))[0] == 201
    issuing.holders.holder(name).new_key()
    async with asyncio.timeout(60):
        while (await issuing.ask(name, "MembershipCredential"))[0] != 201:
            await asyncio.sleep(0.3)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "SomethingElse"},
        {"@context": ["https://elsewhere.example"]},
        {"@context": "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"},
        {"holderPid": ""},
        {"holderPid": None},
        {"holderPid": "x" * 257},
        {"holderPid": "a\0b"},
        {"holderPid": "\ud800"},
        {"credentials": [{"id": "Membership\0"}]},
        {"credentials": [{"id": "MembershipCredential", "x": 1e400}]},
        {"credentials": []},
        {"credentials": [{"id": 7}]},
        {"credentials": [{"id": "MembershipCredential"}] * 2},
        {"credentials": [{"id": f"c{n}"} for n in range(61)]},
        {"credentials": "MembershipCredential"},
    ],
)
async def test_malformed_requests_are_400_before_anything_costly(issuing: Issuing, change: dict[str, Any]) -> None:
    """Shape comes before the token: a broken message never makes certify fetch a DID."""
    holder = issuing.holders.holder("malformed")
    body = {**holder.request(rid(), ["MembershipCredential"]), **change}
    assert (await issuing.post("/credentials", body, "x.y.z"))[0] == 400


async def test_bodies_that_are_too_large_or_no_json_are_refused(issuing: Issuing) -> None:
    """R27: 64 KiB at most; no JSON, duplicate members and depth are 400."""
    assert (await issuing.post("/credentials", b" " * 70_000, "x.y.z"))[0] == 413
    for body in (b"", b"{", b"\xff", b'{"type":1,"type":2}', b"[" * 30_000, b"[]", b"NaN"):
        assert (await issuing.post("/credentials", body, "x.y.z"))[0] == 400


async def test_unknown_paths_and_tenants_are_404(issuing: Issuing) -> None:
    """Nothing is told about tenants that are not there."""
    assert fetch(f"{issuing.http}/dcp/nobody/metadata")[0] == 404
    assert fetch(f"{issuing.http}/dcp/NOT_A_NAME/metadata")[0] == 400
    assert fetch(f"{issuing.http}/nobody/did.json")[0] == 404
    assert fetch(f"{issuing.http}/status/{uuid.uuid4()}")[0] == 404


async def test_the_sandbox_holder_is_no_softer_than_a_real_one(issuing: Issuing) -> None:
    """What certify delivers to in tests demands what DCP has holders demand of an issuer's token and messages."""
    holders = issuing.holders
    holder, issuer = holders.holder("strict"), holders.holder("issuer")
    message = {
        "@context": ["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"],
        "type": "CredentialMessage",
        "issuerPid": "i",
        "holderPid": "h",
        "status": "REJECTED",
    }
    offer = {**message, "type": "CredentialOfferMessage", "issuer": issuer.did, "credentials": [{"id": "a"}]}

    async def answer(path: str, body: dict[str, Any], token: str, scheme: str = "Bearer") -> int:
        async with aiohttp.ClientSession() as session:
            headers = {"authorization": f"{scheme} {token}".strip()}
            async with session.post(f"{holder.base}{path}", json=body, headers=headers) as reply:
                return reply.status

    for path, body in (("/credentials", message), ("/offers", offer)):
        token = issuer.token(holder.did)
        assert await answer(path, body, token, scheme="") == 401
        assert await answer(path, body, token) == 200
        assert await answer(path, body, token) == 401  # the same token again
        assert await answer(path, body, issuer.token(holder.did, nbf=int(time.time()) + 600)) == 401
        assert await answer(path, body, issuer.token(holder.did, exp=None)) == 401
        assert await answer(path, body, issuer.token("did:web:other.example")) == 401
        assert await answer(path, {**body, "type": "Other"}, issuer.token(holder.did)) == 400
    for wrong in ({"issuer": None}, {"credentials": []}, {"credentials": [{"type": "CredentialObject"}]}):
        assert await answer("/offers", {**offer, **wrong}, issuer.token(holder.did)) == 400
