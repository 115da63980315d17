"""Issued credentials, status lists, keys and tenants."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sealwright.certify.v1 import credential_service_pb2 as credentials
from sealwright.certify.v1 import holder_service_pb2 as holder_pb
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright.rotator.v1 import rotator_service_pb2 as rotator
from sealwright_certify.usecases.status_lists import FRESH
from sealwright_client.client import Sealwright
from sealwright_common.domain.errors import FailedPrecondition, NotFound, PermissionDenied
from sealwright_common.domain.status_lists import decode_list, is_set
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.verify.jws import parse

from tests.support.certify import SEED, Issuing, client_of, fetch, rid, template_definition

pytestmark = pytest.mark.timeout(180)


async def _one(issuing: Issuing, definition: str) -> pb.Credential:
    name = await issuing.member()
    await issuing.ask(name, definition)
    await issuing.holders.wait(name, 1)
    request = credentials.ListCredentialsRequest(holder_did=issuing.holders.holder(name).did)
    return (await issuing.client.credentials.ListCredentials(request)).credentials[0]


def _bit(issuing: Issuing, entry: pb.StatusEntry) -> bool:
    text = fetch(entry.list_uri)[2]
    return is_set(decode_list(issuing.verify(text).claims["encodedList"]), entry.index)


@pytest.mark.parametrize("profile", ["vc11-sl2021/jwt", "vc20-bssl/jwt"])
async def test_revoke_suspend_and_resume_are_visible_within_two_seconds(issuing: Issuing, profile: str) -> None:
    """Two purposes, two lists, random indices; revocation is final. Changes show in under 2 s: a list that is asked for
    a second after a change shows it, and may be kept for a second."""
    both = ["revocation", "suspension"]
    id_ = f"Status-{profile[:4]}"
    await issuing.define(template_definition(id_, format=profile, statusPurposes=both))
    credential = await _one(issuing, id_)
    revocation, suspension = credential.status_entries
    assert not _bit(issuing, revocation)
    assert not _bit(issuing, suspension)
    stub, ids = issuing.client.credentials, [credential.id]

    await stub.SuspendCredentials(credentials.SuspendCredentialsRequest(request_id=rid(), ids=ids))
    await _shows(lambda: _bit(issuing, suspension))
    await stub.ResumeCredentials(credentials.ResumeCredentialsRequest(request_id=rid(), ids=ids))
    await _shows(lambda: not _bit(issuing, suspension))
    await stub.RevokeCredentials(credentials.RevokeCredentialsRequest(request_id=rid(), ids=ids, reason="left"))
    await _shows(lambda: _bit(issuing, revocation))
    assert not _bit(issuing, suspension)
    assert "max-age=1," in fetch(revocation.list_uri)[1]["cache-control"]
    with pytest.raises(FailedPrecondition):
        await stub.ResumeCredentials(credentials.ResumeCredentialsRequest(request_id=rid(), ids=ids))
    assert await issuing.events(credential.id) == ["CredentialSuspended", "CredentialResumed", "CredentialRevoked"]


async def _shows(condition: Callable[[], bool]) -> None:
    """Returns once a served list shows a change made just now: one asked for a second later has to show it."""
    changed = time.monotonic()
    while True:
        asked = time.monotonic()
        if await asyncio.to_thread(condition):
            return
        assert asked < changed + FRESH
        await asyncio.sleep(0.05)


async def _until(condition: Callable[[], Any]) -> None:
    """Returns once the condition holds."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


async def test_status_lists_are_signed_anew_before_they_run_out(issuing: Issuing) -> None:
    """A list whose time to renew has come is served with a later validity, though no entry changed."""
    name = await issuing.member()
    await issuing.ask(name, "MembershipCredential")
    entry = issuing.verify((await issuing.holders.wait(name, 1))[0].payloads[0]).status[0]
    first = await asyncio.to_thread(fetch, entry.uri)
    until = issuing.verify(first[2]).valid_until
    list_id = uuid.UUID(entry.uri.rpartition("/")[2])
    await issuing.rows(
        "update status_list_form set renew_time = now() - interval '1 minute' where list_id = $1", list_id
    )
    # An instance answers from memory for a second.
    await _until(lambda: fetch(entry.uri)[1]["etag"] != first[1]["etag"])
    second = await asyncio.to_thread(fetch, entry.uri)
    renewed = issuing.verify(second[2]).valid_until
    assert until is not None
    assert renewed is not None
    assert renewed > until
    rows = await issuing.rows(
        "select renew_time > now() + interval '11 hours' as later from status_list_form where list_id = $1", list_id
    )
    assert rows[0]["later"]


async def test_status_lists_have_etags(issuing: Issuing) -> None:
    """The same list is answered by 304, and by a new ETag after a change."""
    credential = await _one(issuing, "MembershipCredential")
    entry = credential.status_entries[0]
    _, headers, text = fetch(entry.list_uri)
    assert issuing.verify(text).claims["type"] == "StatusList2021"
    assert fetch(entry.list_uri, if_none_match=headers["etag"])[0] == 304
    await issuing.client.credentials.RevokeCredentials(
        credentials.RevokeCredentialsRequest(request_id=rid(), ids=[credential.id])
    )
    await _until(lambda: fetch(entry.list_uri)[1]["etag"] != headers["etag"])


async def test_status_indices_are_unique_under_concurrency(issuing: Issuing) -> None:
    """40 requests at once: every credential has its own index, and the order of indices tells nothing of time."""
    members = [await issuing.member() for _ in range(40)]
    await asyncio.gather(*(issuing.ask(name, "MembershipCredential") for name in members))
    for name in members:
        await issuing.holders.wait(name, 1)
    rows = await issuing.rows(
        """select e.list_id, e.idx from status_entry e join credential c on c.id = e.credential_id
           where c.holder_did = any($1) order by c.id""",
        [issuing.holders.holder(name).did for name in members],
    )
    places = [(row["list_id"], row["idx"]) for row in rows]
    assert len(set(places)) == 40
    assert [index for _, index in places] != sorted(index for _, index in places)


async def test_issue_credential_is_idempotent_and_leaves_one_credential(issuing: Issuing) -> None:
    """The same request id gives the same credential, also when asked ten times at once."""
    await issuing.attestation("pushed", "pushed", {})
    template = {"credentialSubject": {"n": {"$eval": "claims.pushed.n"}}}
    await issuing.define(template_definition("Pushed", attestations=["pushed"], template=template))
    did = f"did:web:{uuid.uuid4().hex}.example"
    request = issuance.IssueCredentialRequest(
        request_id=rid(), definition_id="Pushed", holder_did=did, claims_json=json.dumps({"pushed": {"n": 7}})
    )
    first = await issuing.client.issuance.IssueCredential(request)
    answers = await asyncio.gather(*(issuing.client.issuance.IssueCredential(request) for _ in range(10)))
    assert {answer.payload for answer in answers} == {first.payload}
    assert len(await issuing.rows("select 1 from credential where holder_did = $1", did)) == 1
    assert issuing.verify(first.payload).claims == {"id": did, "n": 7}


async def test_r24_four_eyes(issuing: Issuing, small_mesh_folder: Path) -> None:
    """R24: with two approvals required, the submitter may not approve and nobody may twice; a second person may."""
    await issuing.define(template_definition("FourEyes", approvalsRequired=2))
    name = await issuing.member()
    did = issuing.holders.holder(name).did
    own = issuance.RequestIssuanceRequest(request_id=rid(), holder_did=did, definition_ids=["FourEyes"])
    submitted = (await issuing.client.issuance.RequestIssuance(own)).processes[0]
    with pytest.raises(PermissionDenied):
        await issuing.client.issuance.ApproveIssuance(
            issuance.ApproveIssuanceRequest(request_id=rid(), id=submitted.id)
        )
    _, location = await issuing.ask(name, "FourEyes")
    request = issuance.ApproveIssuanceRequest(request_id=rid(), id=location.rsplit("/", 1)[1])
    once = (await issuing.client.issuance.ApproveIssuance(request)).process
    assert (once.state, len(once.approvals)) == (pb.ISSUANCE_STATE_SUBMITTED, 1)
    request.request_id = rid()
    with pytest.raises(PermissionDenied):
        await issuing.client.issuance.ApproveIssuance(request)

    tls = DevelopmentCa.open(small_mesh_folder / "ca").issue("operator", "colleague")
    async with Sealwright.open(replace(issuing.client.profile, tls=tls)) as colleague:
        request.request_id = rid()
        twice = (await colleague.issuance.ApproveIssuance(request)).process
    assert (twice.state, len({approval.approver for approval in twice.approvals})) == (pb.ISSUANCE_STATE_APPROVED, 2)
    assert (await issuing.ends(location)).state == pb.ISSUANCE_STATE_DELIVERED
    audited = await issuing.rows(
        "select caller from audit_log where action = 'issuance.approve' and target = $1", once.id
    )
    assert len({row["caller"] for row in audited}) == 2


async def test_r9_a_request_over_grpc_may_be_split(issuing: Issuing) -> None:
    """R9: split makes one process per definition, before acceptance; each ends on its own."""
    await issuing.define(template_definition("SplitA"))
    did = issuing.holders.holder(await issuing.member()).did
    request = issuance.RequestIssuanceRequest(
        request_id=rid(), holder_did=did, definition_ids=["SplitA", "MembershipCredential"], split=True
    )
    processes = (await issuing.client.issuance.RequestIssuance(request)).processes
    assert len(processes) == 2
    for process in processes:
        ended = await issuing.ends(process.id)
        assert ended.state == pb.ISSUANCE_STATE_DELIVERED
        assert len(ended.credential_ids) == 1


async def test_tenants_do_not_see_each_other(issuing: Issuing, new_tenant: Any) -> None:
    """Every look-up is by tenant and id: definitions, processes, credentials, tokens for another issuer."""
    other = await new_tenant()
    await issuing.define(template_definition("Secret"))
    name = await issuing.member()
    credential = await _one(issuing, "MembershipCredential")
    with pytest.raises(NotFound):
        await other.client.credentials.GetCredential(credentials.GetCredentialRequest(id=credential.id))
    with pytest.raises(NotFound):
        await other.client.issuance.GetIssuance(issuance.GetIssuanceRequest(id=credential.process_id))
    assert (await other.ask(name, "Secret"))[0] == 400
    holder = issuing.holders.holder(name)
    body = holder.request(rid(), ["MembershipCredential"])
    assert (await other.post("/credentials", body, holder.token(issuing.did)))[0] == 401


async def test_metadata_lists_every_definition(issuing: Issuing) -> None:
    """200 definitions in the metadata: no silent cut at a page; every optional property is there."""
    for number in range(0, 200, 20):
        await asyncio.gather(*(issuing.define({**SEED, "id": f"Many{n:03}"}) for n in range(number, number + 20)))
    many: list[Any] = []

    def complete() -> bool:
        body = json.loads(fetch(f"{issuing.base}/metadata")[2])
        assert body["issuer"] == issuing.did
        many[:] = [entry for entry in body["credentialsSupported"] if entry["id"].startswith("Many")]
        return len(many) == 200

    # It may be a second old.
    await _until(complete)
    needed = {"id", "type", "credentialType", "bindingMethods", "profile", "issuancePolicy"}
    assert all(needed <= entry.keys() for entry in many)


async def test_r2_offers_prompt_the_holder(issuing: Issuing) -> None:
    """R2: an offer is a message to the holder and nothing else; no process starts."""
    name = await issuing.member()
    did = issuing.holders.holder(name).did
    request = holder_pb.OfferCredentialsRequest(
        request_id=rid(), holder_did=did, definition_ids=["MembershipCredential"], offer_reason="reissue"
    )
    offer = await issuing.client.holders.OfferCredentials(request)
    await _until(lambda: issuing.holders.holder(name).offers)
    message = issuing.holders.holder(name).offers[0]
    assert message["type"] == "CredentialOfferMessage"
    assert message["credentials"][0]["offerReason"] == "reissue"
    assert not await issuing.rows("select 1 from issuance_process where holder_did = $1", did)
    async with asyncio.timeout(60):
        while len(await issuing.events(offer.offer_id)) < 2:
            await asyncio.sleep(0.05)
    assert await issuing.events(offer.offer_id) == ["OfferQueued", "OfferSettled"]


async def test_a_compromised_key_leaves_the_document_and_holders_get_offers(new_tenant: Any) -> None:
    """Key revocation: the method is gone at once, the next key signs, and holders are offered new credentials."""
    issuing: Issuing = await new_tenant()
    name = await issuing.member()
    await issuing.ask(name, "MembershipCredential")
    payload = (await issuing.holders.wait(name, 1))[0].payloads[0]
    kid = str(parse(payload).header["kid"])
    rows = await issuing.rows("select slot from issuer_key where key_id = $1", kid.partition("#")[2])
    slot = rows[0]["slot"]
    await issuing.client.rotator.MarkCompromised(
        rotator.MarkCompromisedRequest(request_id=rid(), issuer_type="credentials", slot=slot, comment="lost laptop")
    )
    await _until(lambda: kid not in [method["id"] for method in issuing.document()["verificationMethod"]])
    await _until(lambda: issuing.holders.holder(name).offers)
    assert issuing.holders.holder(name).offers[0]["credentials"][0]["offerReason"] == "proof-key-revocation"
    await issuing.ask(name, "MembershipCredential")
    second = (await issuing.holders.wait(name, 2))[1].payloads[0]
    assert parse(second).header["kid"] != kid
    assert issuing.verify(second).types[-1] == "MembershipCredential"


@pytest.mark.parametrize("offered", [True, False])
async def test_r7_rotation_keeps_what_was_signed_and_offers_new_ones_where_wanted(
    new_tenant: Any, offered: bool
) -> None:
    """R7: after an ordinary rotation the old key stays listed and its credentials verify; by the tenant's switch their
    holders are offered new ones, once, unless they have them already; without it nobody is bothered."""
    issuing: Issuing = await new_tenant(offer_on_rotation=offered)
    await issuing.define({**SEED, "validityPeriod": 30 * 86_400_000})
    prompt, early = await issuing.member(), await issuing.member()
    for name in (prompt, early):
        await issuing.ask(name, "MembershipCredential")
    old = (await issuing.holders.wait(prompt, 1))[0].payloads[0]
    await issuing.holders.wait(early, 1)
    kid = str(parse(old).header["kid"])
    key_id = kid.partition("#")[2]
    slot = (await issuing.rows("select slot from issuer_key where key_id = $1", key_id))[0]["slot"]

    await _rotate(issuing, slot + 1)
    async with asyncio.timeout(60):
        count = 1
        while parse(await _renewed(issuing, early, count)).header["kid"] == kid:
            count += 1
    # Two keys are active at a time: the first one retires with the next rotation.
    await _rotate(issuing, slot + 2)

    async with asyncio.timeout(60):
        while not await issuing.rows(
            """select 1 from issuer_key where key_id = $1 and state = 'VERIFY_ONLY'
               and not exists (select from reissue where tenant = $2)""",
            key_id,
            issuing.tenant,
        ):
            await asyncio.sleep(0.1)
    dids = [row["holder_did"] for row in await issuing.rows("select * from offer where tenant = $1", issuing.tenant)]
    assert dids == ([issuing.holders.holder(prompt).did] if offered else [])
    if offered:
        await _until(lambda: issuing.holders.holder(prompt).offers)
        offer = issuing.holders.holder(prompt).offers[0]
        assert [(one["id"], one["offerReason"]) for one in offer["credentials"]] == [
            ("MembershipCredential", "reissue")
        ]
    assert issuing.verify(old).types[-1] == "MembershipCredential"
    assert kid in [method["id"] for method in issuing.document()["verificationMethod"]]


async def _rotate(issuing: Issuing, slot: int) -> None:
    """The rotator makes a slot active before its time."""
    request = rotator.RotateNowRequest(request_id=rid(), issuer_type="credentials", slot=slot)
    await issuing.client.rotator.RotateNow(request)


async def _renewed(issuing: Issuing, name: str, held: int) -> str:
    """The credential that a holder of so many gets when it asks again."""
    await issuing.ask(name, "MembershipCredential")
    return (await issuing.holders.wait(name, held + 1))[held].payloads[0]


async def test_watching_all_sees_every_change_once(issuing: Issuing) -> None:
    """WatchIssuances without id streams each change of the tenant from now on."""
    seen: list[tuple[str, int]] = []

    async def watch() -> None:
        client = client_of(issuing.mesh)
        try:
            async for change in client.issuance.WatchIssuances(issuance.WatchIssuancesRequest(), timeout=30):
                seen.append((change.process.id, change.process.version))
        finally:
            await client.close()

    task = asyncio.create_task(watch())
    async with asyncio.timeout(60):
        while not seen:
            # Nothing says when a watch begins; what happens from its first change on is seen.
            _, location = await issuing.ask(await issuing.member(), "MembershipCredential")
            await issuing.ends(location)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    ended = await issuing.ends(location)
    async with asyncio.timeout(60):
        while (ended.id, ended.version) not in seen:
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert len(set(seen)) == len(seen)
