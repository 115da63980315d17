"""The HTTP door, the directories, the watch and the key log of a real rotator beside a real signer."""

from __future__ import annotations

import asyncio
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.rotator.v1.rotator_service_pb2_grpc import RotatorServiceStub
from sealwright.signer.v1 import key_service_pb2, signing_service_pb2
from sealwright.signer.v1 import resources_pb2 as signer_pb2
from sealwright.signer.v1.key_service_pb2_grpc import KeyServiceStub
from sealwright.signer.v1.signing_service_pb2_grpc import SigningServiceStub
from sealwright_common.domain import merkle
from sealwright_common.domain.errors import FailedPrecondition, OutOfRange
from sealwright_common.runtime.clock import SystemClock
from sealwright_common.runtime.http import HttpServer
from sealwright_rotator.http.issuers import IssuerDoor
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from starlette.applications import Starlette
from starlette.routing import Route

from tests.integration.rotator.conftest import Mesh, held

SEED = {
    "name": "ads", "max_tokens": 2, "valid_from": "2026-01-01T00:00:00Z", "duration": "P1D", "buffer": 3, "overlap": 1,
    "algorithm": "VOPRF-RISTRETTO255-SHA512",
}  # fmt: skip


def b64(text: str) -> bytes:
    """base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def post(mesh: Mesh, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    """POST /v3/issuer."""
    data = body if isinstance(body, str) else json.dumps(body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{mesh.rotator.http}/v3/issuer", data=data, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def get(mesh: Mesh, path: str, **headers: str) -> tuple[int, Any, bytes]:
    """GET from the HTTP door: status, headers, body."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{mesh.rotator.http}{path}", headers=headers) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


async def test_the_seeds_json_makes_an_issuer_with_its_windows(mesh: Mesh) -> None:
    headers = {"idempotency-key": "ads-1"}
    status, made = await post(mesh, SEED, **headers)
    assert status == 201, made
    assert (made["name"], made["cohort"], made["buffer"], made["overlap"]) == ("ads", 1, 3, 1)
    windows = [(key["start_at"], key["end_at"]) for key in made["keys"]]
    assert len(windows) == 4
    start = [datetime.fromisoformat(a) for a, _ in windows]
    assert all(b - a == timedelta(days=1) for a, b in pairwise(start))
    assert all(datetime.fromisoformat(b) - datetime.fromisoformat(a) == timedelta(days=2) for a, b in windows)
    assert await post(mesh, SEED, **headers) == (201, made), "the same request gets the same answer"
    assert (await post(mesh, SEED))[0] == 409
    _, made_elsewhere = await post(mesh, SEED | {"name": "elsewhere", "valid_from": "2026-01-01t01:00:00.25+01:00"})
    assert made_elsewhere["valid_from"] == "2026-01-01T00:00:00.250000Z"

    status, _, body = await get(mesh, "/v3/issuer/ads")
    shown = json.loads(body)
    assert status == 200
    assert shown["id"] == made["id"]
    assert shown["public_key"]
    status, _, body = await get(mesh, "/v3/issuer/nobody")
    assert (status, json.loads(body)["reason"]) == (404, "ISSUER_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "body"), ("[]", "body"), ('{"name":"a","name":"b","duration":"P1D","buffer":1}', "body"),
        (SEED | {"days_out": 30}, "days_out"), ({"name": "x", "duration": "P1D"}, "buffer"),
        (SEED | {"duration": "P0D"}, "duration"), (SEED | {"duration": "PT30S"}, "duration"),
        (SEED | {"duration": "-P1D"}, "duration"), (SEED | {"duration": "P1.5D"}, "duration"),
        (SEED | {"buffer": 0}, "buffer"), (SEED | {"buffer": "3"}, "buffer"), (SEED | {"overlap": -1}, "overlap"),
        (SEED | {"valid_from": "2026-01-01T00:00:00"}, "valid_from"), (SEED | {"valid_from": "today"}, "valid_from"),
        (SEED | {"valid_from": "20260101T000000Z"}, "valid_from"), (SEED | {"publish_lead": "P5D"}, "publish_lead"),
        (SEED | {"valid_from": "2026-W01-1T00:00:00Z"}, "valid_from"),
        (SEED | {"valid_from": "2026-01-01T00Z"}, "valid_from"),
        (SEED | {"algorithm": "HS256"}, "algorithm"), (SEED | {"max_tokens": 100000}, "max_tokens"),
        (SEED | {"cohort": 0}, "cohort"), (SEED | {"cohort": 70000}, "cohort"), (SEED | {"buffer": True}, "buffer"),
        (SEED | {"expires_at": "2026-01-01T00:00:00Z"}, "expires_at"), (SEED | {"name": ""}, "name"),
        (SEED | {"name": "sealwright-mine"}, "name"),
    ],
)  # fmt: skip
async def test_bad_json_is_400_with_the_field_and_leaves_nothing(mesh: Mesh, body: Any, field: str) -> None:
    before = await held(mesh)
    if isinstance(body, dict) and body.get("name") == "ads":
        body = body | {"name": "bad"}
    status, problem = await post(mesh, body)
    assert status == 400, problem
    assert field in {wrong["field"] for wrong in problem["errors"]}
    assert (await get(mesh, "/v3/issuer/bad"))[0] == 404
    assert await held(mesh) == before


async def make(mesh: Mesh, name: str, purpose: Any, algorithm: Any, **over: Any) -> pb.CreateIssuerResponse:
    """An issuer."""
    schedule = resources_pb2.Schedule(**({"duration": "P1D", "buffer": 2, "overlap": 0} | over))
    return await mesh.stub.CreateIssuer(
        pb.CreateIssuerRequest(issuer_type=name, schedule=schedule, purpose=purpose, algorithm=algorithm)
    )


async def authority(mesh: Mesh, kid: str) -> ed25519.Ed25519PublicKey:
    """The public key that signs directories and heads, from the JWKS."""
    status, _, body = await get(mesh, "/.well-known/jwks.json?issuer=sealwright-directory")
    assert status == 200
    key = next(key for key in json.loads(body)["keys"] if key["kid"] == kid)
    return ed25519.Ed25519PublicKey.from_public_bytes(b64(key["x"]))


async def test_directories_are_signed_cached_and_show_future_keys(mesh: Mesh) -> None:
    blind = keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE
    made = await make(mesh, "rsa", blind, keys_pb2.KEY_ALGORITHM_RSABSSA_DETERMINISTIC)
    await make(mesh, "did:web:alice", keys_pb2.KEY_PURPOSE_ASSERTION, keys_pb2.KEY_ALGORITHM_ES256)
    path = "/.well-known/private-token-issuer-directory?issuer=rsa"
    status, headers, body = await get(mesh, path)
    assert status == 200
    assert headers["content-type"] == "application/private-token-issuer-directory"
    # Half of the lead of one day: a new key is in every copy twice the time to live before it signs.
    assert headers["cache-control"] == "public, max-age=43200"
    keys = json.loads(body)["token-keys"]
    assert [key["slot"] for key in keys] == [0, 1]
    assert keys[1]["not-before"] > datetime.now(UTC).timestamp()
    assert keys[0]["not-after"] == keys[1]["not-before"]
    assert {key["token-type"] for key in keys} == {2}
    listed = urlsafe_b64decode(keys[0]["token-key"])
    public = load_der_public_key(made.keys[0].public_key)
    assert isinstance(public, rsa.RSAPublicKey)
    numbers = public.public_numbers()
    assert numbers.n.to_bytes(256, "big") in listed
    theirs = await KeyServiceStub(mesh.signer_channel).GetPublicKey(
        key_service_pb2.GetPublicKeyRequest(
            key_id=made.keys[0].key_id, format=signer_pb2.PUBLIC_KEY_FORMAT_PRIVACY_PASS
        )
    )
    assert theirs.public_key == listed

    protected, nothing, signature = headers["sealwright-signature"].split(".")
    assert nothing == ""
    key = await authority(mesh, json.loads(b64(protected))["kid"])
    payload = urlsafe_b64encode_text(body)
    key.verify(b64(signature), f"{protected}.{payload}".encode())
    assert (await get(mesh, path, **{"if-none-match": headers["etag"]}))[0] == 304
    grpc = await mesh.stub.GetDirectory(
        pb.GetDirectoryRequest(format=pb.DIRECTORY_FORMAT_PRIVATE_TOKEN, issuer_type="rsa")
    )
    assert (grpc.document, f'"{grpc.etag}"', grpc.jws) == (body, headers["etag"], headers["sealwright-signature"])
    same = await mesh.stub.GetDirectory(
        pb.GetDirectoryRequest(format=pb.DIRECTORY_FORMAT_PRIVATE_TOKEN, issuer_type="rsa", if_none_match=grpc.etag)
    )
    assert same.not_modified
    assert not same.document

    _, headers, body = await get(mesh, "/.well-known/jwks.json?issuer=did:web:alice")
    jwks = json.loads(body)["keys"]
    assert headers["content-type"].startswith("application/jwk-set+json")
    assert [(key["kty"], key["crv"], key["slot"]) for key in jwks] == [("EC", "P-256", 0), ("EC", "P-256", 1)]
    assert jwks[0]["exp"] > jwks[0]["signs_until"] > jwks[0]["nbf"]


def urlsafe_b64encode_text(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_every_purpose_and_algorithm_can_be_scheduled(mesh: Mesh) -> None:
    for n, (purpose, algorithm) in enumerate(
        [
            (keys_pb2.KEY_PURPOSE_ASSERTION, keys_pb2.KEY_ALGORITHM_ES384),
            (keys_pb2.KEY_PURPOSE_ASSERTION, keys_pb2.KEY_ALGORITHM_PS256),
            (keys_pb2.KEY_PURPOSE_TOKEN, keys_pb2.KEY_ALGORITHM_RS256),
            (keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE, keys_pb2.KEY_ALGORITHM_VOPRF_P384),
        ]
    ):
        answer = await make(mesh, f"kind-{n}", purpose, algorithm)
        assert all(key.public_key for key in answer.keys)
    keys = json.loads((await get(mesh, "/.well-known/jwks.json"))[2])["keys"]
    assert {"EC", "RSA", "OKP"} <= {key["kty"] for key in keys}


async def test_rotating_now_reaches_the_signer(mesh: Mesh) -> None:
    made = await make(
        mesh, "turn", keys_pb2.KEY_PURPOSE_TRANSACTION, keys_pb2.KEY_ALGORITHM_EDDSA, mode="SCHEDULE_MODE_SPARE"
    )
    signing = SigningServiceStub(mesh.signer_channel)
    request = signing_service_pb2.SignRequest(
        issuer=signer_pb2.IssuerRef(issuer_type="turn"), purpose=keys_pb2.KEY_PURPOSE_TRANSACTION, input=b"x"
    )
    assert (await signing.Sign(request)).key_id == made.keys[0].key_id
    rotated = await mesh.stub.RotateNow(pb.RotateNowRequest(issuer_type="turn", slot=1))
    assert rotated.rotated
    assert (await signing.Sign(request)).key_id == made.keys[1].key_id
    assert not (await mesh.stub.RotateNow(pb.RotateNowRequest(issuer_type="turn", slot=1))).rotated
    named = signing_service_pb2.SignRequest(
        key_id=made.keys[0].key_id, purpose=keys_pb2.KEY_PURPOSE_TRANSACTION, input=b"x"
    )
    with pytest.raises(FailedPrecondition):
        await signing.Sign(named)


async def test_a_compromised_key_stops_signing_at_once_and_watchers_are_told(mesh: Mesh) -> None:
    made = await make(
        mesh, "leak", keys_pb2.KEY_PURPOSE_TRANSACTION, keys_pb2.KEY_ALGORITHM_EDDSA, mode="SCHEDULE_MODE_SPARE"
    )
    position = (await mesh.stub.ListKeys(pb.ListKeysRequest())).position
    watching = mesh.stub.WatchKeys(pb.WatchKeysRequest(from_position=position, issuer_types=["leak"]), timeout=math.inf)
    seen: list[pb.KeyChange] = []

    async def collect() -> None:
        async for stretch in watching:
            seen.extend(stretch.changes)
            # The compromised key, its successor, and the key made in its stead.
            if len(seen) == 4:
                return

    collecting = asyncio.create_task(collect())
    out = await mesh.stub.MarkCompromised(pb.MarkCompromisedRequest(issuer_type="leak", slot=0, comment="drill"))
    signing = SigningServiceStub(mesh.signer_channel)
    with pytest.raises(FailedPrecondition):
        await signing.Sign(
            signing_service_pb2.SignRequest(
                key_id=made.keys[0].key_id, purpose=keys_pb2.KEY_PURPOSE_TRANSACTION, input=b"x"
            )
        )
    now = await signing.Sign(
        signing_service_pb2.SignRequest(
            issuer=signer_pb2.IssuerRef(issuer_type="leak"), purpose=keys_pb2.KEY_PURPOSE_TRANSACTION, input=b"x"
        )
    )
    assert now.key_id == out.successor.key_id == made.keys[1].key_id
    async with asyncio.timeout(10):
        await collecting
    kinds = resources_pb2.KeyLogEntryType
    assert {(kinds.Name(change.type).removeprefix("KEY_LOG_ENTRY_TYPE_"), change.key.slot) for change in seen} == {
        ("KEY_SCHEDULED", 2),
        ("KEY_COMPROMISED", 0),
        ("KEY_PUBLISHED", 2),
        ("KEY_ACTIVATED", 1),
    }
    assert out.key in [change.key for change in seen]


async def test_a_snapshot_and_the_watch_after_it_give_the_whole_schedule(mesh: Mesh) -> None:
    """What the signer and certify do: pages of keys, then changes from their position on."""
    known: dict[str, resources_pb2.IssuerKey] = {}
    request = pb.ListKeysRequest(page_size=3, all_tenants=True)
    while True:
        page = await mesh.stub.ListKeys(request)
        known |= {key.id: key for key in page.keys}
        if not page.next_page_token:
            break
        if not request.page_token:
            await make(mesh, "meanwhile", keys_pb2.KEY_PURPOSE_TOKEN, keys_pb2.KEY_ALGORITHM_EDDSA)
        request.page_token = page.next_page_token
    end = (await mesh.stub.ListKeys(pb.ListKeysRequest())).position
    async for stretch in mesh.stub.WatchKeys(
        pb.WatchKeysRequest(from_position=page.position, all_tenants=True), timeout=10
    ):
        for change in stretch.changes:
            if change.HasField("key") and change.key.version >= known.get(change.key.id, change.key).version:
                known[change.key.id] = change.key
        if stretch.next_position >= end:
            break
    truth = await mesh.stub.ListKeys(pb.ListKeysRequest(page_size=1000, all_tenants=True))
    assert {key.id: key for key in truth.keys} == known
    with pytest.raises(OutOfRange):
        async for _ in mesh.stub.WatchKeys(pb.WatchKeysRequest(from_position=10**9), timeout=5):
            pass


async def test_the_key_log_proves_itself(mesh: Mesh) -> None:
    await make(mesh, "logged", keys_pb2.KEY_PURPOSE_TRANSACTION, keys_pb2.KEY_ALGORITHM_EDDSA)
    async with asyncio.timeout(10):
        target = (await mesh.stub.ListKeys(pb.ListKeysRequest())).position
        while (head := (await mesh.stub.GetKeyLogHead(pb.GetKeyLogHeadRequest())).head).size < target:
            await asyncio.sleep(0.1)
    protected, payload, signature = head.jws.split(".")
    key = await authority(mesh, json.loads(b64(protected))["kid"])
    key.verify(b64(signature), f"{protected}.{payload}".encode())
    said = json.loads(b64(payload))
    assert (said["size"], b64(said["root"])) == (head.size, head.root_hash)

    entries: list[resources_pb2.KeyLogEntry] = []
    while len(entries) < head.size:
        page = await mesh.stub.ListKeyLogEntries(pb.ListKeyLogEntriesRequest(from_position=len(entries), page_size=7))
        entries += page.entries
    entries = entries[: head.size]
    assert [entry.position for entry in entries] == list(range(head.size))
    assert all(merkle.leaf_hash(entry.leaf) == entry.leaf_hash for entry in entries)
    frontier, _ = merkle.Frontier().append(entry.leaf_hash for entry in entries)
    assert frontier.root == head.root_hash
    for position in (0, head.size // 2, head.size - 1):
        proof = await mesh.stub.GetInclusionProof(pb.GetInclusionProofRequest(position=position, size=head.size))
        assert merkle.verify_inclusion(proof.leaf_hash, position, head.size, proof.path, head.root_hash)
    for size in (0, 1, head.size // 2, head.size):
        proof = await mesh.stub.GetConsistencyProof(pb.GetConsistencyProofRequest(from_size=size, to_size=head.size))
        old, _ = merkle.Frontier().append(entry.leaf_hash for entry in entries[:size])
        assert proof.from_root_hash == old.root
        assert merkle.verify_consistency(size, head.size, proof.path, old.root, head.root_hash)
    with pytest.raises(OutOfRange):
        await mesh.stub.GetInclusionProof(pb.GetInclusionProofRequest(position=10**6))


async def test_other_tenants_see_hashes_and_not_content(mesh: Mesh) -> None:
    channel = mesh.rotator.channel("client", tenant="stranger")
    stub = RotatorServiceStub(channel)
    entries = (await stub.ListKeyLogEntries(pb.ListKeyLogEntriesRequest(page_size=5))).entries
    assert entries
    assert all(entry.leaf_hash and not entry.leaf for entry in entries)
    assert not (await stub.ListKeys(pb.ListKeysRequest())).keys
    await channel.close()


async def test_metrics_tell_the_runway(mesh: Mesh) -> None:
    said = mesh.rotator.get("metrics")[1]
    runway = next(line for line in said.splitlines() if line.startswith("sealwright_rotator_runway_seconds "))
    assert float(runway.split()[1]) > 0
    assert "sealwright_rotator_clock_skew_seconds" in said
    assert "sealwright_rotator_keyless_cohorts 0.0" in said


async def test_with_tokens_only_their_holders_create_issuers(mesh: Mesh) -> None:
    guarded = IssuerDoor(
        cast(CreateIssuer, None), SystemClock(), lambda: None, ["a-token-of-some-length", "another-token-of-mine"]
    )
    app = Starlette(routes=[Route("/v3/issuer", guarded.create, methods=["POST"])])
    server = HttpServer("127.0.0.1:0", app)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            for token, status in (("", 401), ("Bearer no", 401), ("Bearer another-token-of-mine", 400)):
                async with session.post(
                    f"http://{server.address}/v3/issuer", data="{", headers={"authorization": token}
                ) as answer:
                    assert answer.status == status
    finally:
        await server.stop()
