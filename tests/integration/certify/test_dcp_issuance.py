"""Issuance over DCP, end to end: real signer, rotator, certify and holder. R numbers as in the seed's checklist."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sealwright.certify.v1 import attestation_service_pb2 as attestations
from sealwright.certify.v1 import events_pb2
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright_common.domain.errors import ResourceExhausted
from sealwright_common.verify.jws import parse
from sealwright_sandbox.holder import HolderFaults, SandboxHolders

from tests.support.certify import SEED, Issuing, fetch, more_running, rid, template_definition

pytestmark = pytest.mark.timeout(180)


async def test_r1_r2_r11_r25_company_is_onboarded_and_gets_its_credentials(issuing: Issuing) -> None:
    """R1, R2, R11, R13, R16, R25, R26: a row, a request; both credentials arrive and verify."""
    await issuing.define(template_definition("DataAuditCredential"))
    name = await issuing.member()

    status, location = await issuing.ask(name, "MembershipCredential", "DataAuditCredential")

    assert status == 201
    delivery = (await issuing.holders.wait(name, 1))[0]
    assert [entry["format"] for entry in delivery.message["credentials"]] == ["vc11-sl2021/jwt", "vc20-bssl/jwt"]
    member, audit = (issuing.verify(payload) for payload in delivery.payloads)
    did = issuing.holders.holder(name).did
    assert member.types == ("VerifiableCredential", "MembershipCredential")
    assert member.claims == {"id": did, "companyNumber": "DK-123"}
    assert audit.claims == {"id": did, "company": "DK-123"}
    assert member.issuer == audit.issuer == issuing.did
    process = await issuing.ends(location)
    assert process.state == pb.ISSUANCE_STATE_DELIVERED
    assert delivery.message["issuerPid"] == process.id
    code, body = await issuing.holders.status(name, location, issuing.did)
    assert (code, body["status"]) == (200, "ISSUED")


async def test_r32_metadata_did_document_and_status_list_are_served(issuing: Issuing) -> None:
    """R32: whoever holds a credential alone finds the issuer's keys, its metadata and the credential's status."""
    name = await issuing.member()
    status, location = await issuing.ask(name, "MembershipCredential")
    assert status == 201
    payload = (await issuing.holders.wait(name, 1))[0].payloads[0]
    await issuing.ends(location)

    assert (await issuing.holders.status(name, location, issuing.did))[1]["status"] == "ISSUED"
    code, _, text = await asyncio.to_thread(fetch, f"{issuing.base}/metadata")
    metadata = json.loads(text)
    assert (code, metadata["issuer"]) == (200, issuing.did)
    assert "MembershipCredential" in [one["credentialType"] for one in metadata["credentialsSupported"]]
    services = {one["type"]: one["serviceEndpoint"] for one in issuing.document()["service"]}
    assert services["IssuerService"] == issuing.base
    entry = issuing.verify(payload).status[0]
    code, headers, listed = await asyncio.to_thread(fetch, entry.uri)
    assert code == 200
    assert headers["etag"]
    assert issuing.verify(listed).issuer == issuing.did


async def test_r13_r14_the_seeds_definition_is_taken_as_it_stands(issuing: Issuing) -> None:
    """R13, R14: dataModel 1.1 means vc11-sl2021/jwt; validityPeriod is in ms; expiration is honoured."""
    stored = await issuing.define(SEED)

    assert stored.id == "MembershipCredential"
    assert stored.format == pb.CREDENTIAL_FORMAT_VC11_SL2021_JWT
    assert stored.validity_duration.ToTimedelta() == timedelta(seconds=1000)
    name = await issuing.member(expiration="2999-01-01")
    await issuing.ask(name, "MembershipCredential")
    verified = issuing.verify((await issuing.holders.wait(name, 1))[0].payloads[0])
    assert verified.valid_from is not None
    assert verified.valid_until == verified.valid_from + timedelta(seconds=1000)


@pytest.mark.parametrize("hours", [-5, 0, 2])
async def test_r14_an_expiration_is_the_same_moment_in_every_zone(issuing: Issuing, hours: int) -> None:
    """R14: an end among the claims that comes before the definition's own; inside and outside say the same."""
    end = (datetime.now(UTC) + timedelta(seconds=500)).replace(microsecond=0)
    name = await issuing.member(expiration=end.astimezone(timezone(timedelta(hours=hours))).isoformat())
    await issuing.ask(name, "MembershipCredential")
    payload = (await issuing.holders.wait(name, 1))[0].payloads[0]
    assert issuing.verify(payload).valid_until == end
    claims = parse(payload).claims
    assert datetime.fromisoformat(claims["vc"]["expirationDate"]).timestamp() == claims["exp"] == end.timestamp()


@pytest.mark.parametrize("expiration", ["2020-01-01T00:00:00Z", "2020-01-01", "soon", 7, "9999-12-31T23:59:59-12:00"])
async def test_r14_who_expired_is_refused_at_once(issuing: Issuing, expiration: Any) -> None:
    """R14, R15: known when the request comes, so it is said then, and not after the 201."""
    name = await issuing.member(expiration=expiration)
    assert (await issuing.ask(name, "MembershipCredential"))[0] == 403


async def test_r16_r19_r22_refusals_say_403_and_nothing_more(issuing: Issuing) -> None:
    """R16, R19, R22: no row and a failing rule are 403, without detail."""
    holder = issuing.holders.holder(f"h{uuid.uuid4().hex[:8]}")
    body = holder.request(rid(), ["MembershipCredential"])
    code, _, text = await issuing.post("/credentials", body, holder.token(issuing.did))
    assert code == 403
    assert "onboarding" not in text

    name = await issuing.member(signedDocuments=False)
    assert (await issuing.ask(name, "MembershipCredential"))[0] == 403


async def test_r16_the_seeds_literal_401_by_a_switch(new_tenant: Any) -> None:
    """R16: refuse_with_401 gives the seed's status."""
    issuing = await new_tenant(refuse_with_401=True)
    name = await issuing.member(signedDocuments=False)
    assert (await issuing.ask(name, "MembershipCredential"))[0] == 401


async def test_r4_r7_reissue_is_the_same_flow_and_may_revoke_the_previous(issuing: Issuing) -> None:
    """R4, R7: a renewal is a new request, attested afresh; revokePrevious withdraws the old credential."""
    await issuing.define({**SEED, "id": "Renewed", "onReissue": "revokePrevious"})
    name = await issuing.member()
    await _asked(issuing, name, "Renewed")
    await _asked(issuing, name, "Renewed")
    first, second = await issuing.holders.wait(name, 2)

    ids = [issuing.verify(d.payloads[0]).claims for d in (first, second)]
    assert ids[0] == ids[1]
    assert await _states(issuing, issuing.holders.holder(name).did) == ["REVOKED", "VALID"]
    await issuing.client.attestations.DeleteAttestation(
        attestations.DeleteAttestationRequest(request_id=rid(), did=issuing.holders.holder(name).did)
    )
    assert (await issuing.ask(name, "Renewed"))[0] == 403


async def test_r4_what_is_not_delivered_replaces_nothing(issuing: Issuing, holders: SandboxHolders) -> None:
    """R4: a delivery that is refused leaves the previous credential valid, until the same is delivered later."""
    await issuing.define({**SEED, "id": "Replaced", "onReissue": "revokePrevious"})
    name = await issuing.member()
    did = issuing.holders.holder(name).did
    await _asked(issuing, name, "Replaced")

    holders.faults = HolderFaults(storage_status=403)
    refused = await _asked(issuing, name, "Replaced")
    assert refused.error == pb.ISSUANCE_ERROR_DELIVERY_REFUSED
    assert await _states(issuing, did) == ["VALID", "VALID"]

    holders.faults = HolderFaults()
    request = issuance.RedeliverIssuanceRequest(request_id=rid(), id=refused.id)
    child = (await issuing.client.issuance.RedeliverIssuance(request)).process
    assert (await issuing.ends(child.id)).state == pb.ISSUANCE_STATE_DELIVERED
    assert await _states(issuing, did) == ["REVOKED", "VALID"]


async def test_r9_a_batch_is_one_process_and_all_or_nothing(issuing: Issuing) -> None:
    """R9: 60 definitions in one request; one that fails refuses all."""
    ids = [f"Batch{number}" for number in range(60)]
    for id_ in ids:
        await issuing.define(template_definition(id_))
    name = await issuing.member()

    status, _ = await issuing.ask(name, *ids)

    assert status == 201
    delivery = (await issuing.holders.wait(name, 1))[0]
    assert len({issuing.verify(payload).status[0].index for payload in delivery.payloads[:3]}) == 3
    assert len(delivery.payloads) == 60
    failing = {"type": "expression", "configuration": {"claim": "nothing", "operator": "exists"}}
    await issuing.define(template_definition("BatchBad", rules=[failing]))
    other = await issuing.member()
    assert (await issuing.ask(other, *ids[:3], "BatchBad"))[0] == 403
    assert not await issuing.rows(
        "select 1 from issuance_process where holder_did = $1", issuing.holders.holder(other).did
    )


async def test_r10_a_process_keeps_the_version_it_was_accepted_with(issuing: Issuing) -> None:
    """R10: a definition that changes while a process waits changes nothing for it."""
    await issuing.define(template_definition("Pinned", approvalsRequired=1))
    name = await issuing.member()
    _, location = await issuing.ask(name, "Pinned")
    changed = {"credentialSubject": {"changed": True}}
    await issuing.define(template_definition("Pinned", approvalsRequired=1, template=changed))

    await _approve(issuing, location)

    verified = issuing.verify((await issuing.holders.wait(name, 1))[0].payloads[0])
    assert verified.claims == {"id": issuing.holders.holder(name).did, "company": "DK-123"}


async def test_r24_r26_submitted_waits_for_approval(issuing: Issuing) -> None:
    """R24, R26: with approval required the process is SUBMITTED and nothing happens until somebody approves."""
    await issuing.define(template_definition("Approved", approvalsRequired=1))
    name = await issuing.member()
    _, location = await issuing.ask(name, "Approved")
    assert (await issuing.process(location)).state == pb.ISSUANCE_STATE_SUBMITTED
    assert (await issuing.holders.status(name, location, issuing.did))[1]["status"] == "RECEIVED"

    approved = await _approve(issuing, location)

    assert approved.state == pb.ISSUANCE_STATE_APPROVED
    await issuing.holders.wait(name, 1)
    await issuing.ends(location)
    assert await issuing.events(approved.id) == [
        "IssuanceSubmitted",
        "IssuanceApproved",
        "IssuanceGenerated",
        "IssuanceDelivered",
    ]


async def test_r24_rejection_ends_it_and_tells_the_holder(issuing: Issuing) -> None:
    """R24: reject leads to ERRORED with REJECTED, a REJECTED CredentialMessage, and the status says so."""
    await issuing.define(template_definition("Rejected", approvalsRequired=1))
    name = await issuing.member()
    _, location = await issuing.ask(name, "Rejected")
    process = await issuing.process(location)
    request = issuance.RejectIssuanceRequest(request_id=rid(), id=process.id, rejection_reason="not this year")
    rejected = (await issuing.client.issuance.RejectIssuance(request)).process

    assert (rejected.state, rejected.error) == (pb.ISSUANCE_STATE_ERRORED, pb.ISSUANCE_ERROR_REJECTED)
    message = (await issuing.holders.wait(name, 1))[0].message
    assert (message["status"], message["rejectionReason"]) == ("REJECTED", "not this year")
    assert (await issuing.holders.status(name, location, issuing.did))[1]["status"] == "REJECTED"


async def test_r24_an_approval_deadline_passes(issuing: Issuing) -> None:
    """R24: nobody approves in time: ERRORED with APPROVAL_EXPIRED, and the holder is told."""
    await issuing.define(template_definition("Expiring", approvalsRequired=1, approvalWindow=1))
    name = await issuing.member()
    _, location = await issuing.ask(name, "Expiring")
    ended = await issuing.ends(location)
    assert ended.error == pb.ISSUANCE_ERROR_APPROVAL_EXPIRED
    assert (await issuing.holders.wait(name, 1))[0].message["status"] == "REJECTED"


async def test_r28_r29_retries_deliver_the_same_bytes(issuing: Issuing, holders: SandboxHolders) -> None:
    """R28, R29: a holder that is not ready yet (404) gets the same credential later; no new signature."""
    holders.faults = HolderFaults(storage_status=404, storage_times=2)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    delivery = (await issuing.holders.wait(name, 1))[0]

    ended = await issuing.ends(location)
    assert ended.attempts == 3
    stored = await issuing.rows("select payload from credential where process_id = $1", uuid.UUID(ended.id))
    assert [row["payload"] for row in stored] == delivery.payloads


async def test_r28_a_lost_answer_is_made_good(issuing: Issuing, holders: SandboxHolders) -> None:
    """R28: delivered, but the answer was lost: the repeat carries identical bytes."""
    holders.faults = HolderFaults(drop_reply=True, drop_times=1)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    first, second = await issuing.holders.wait(name, 2)
    assert first.message == second.message
    assert (await issuing.ends(location)).state == pb.ISSUANCE_STATE_DELIVERED


async def test_r29_r30_permanent_refusal_ends_and_can_be_redelivered(issuing: Issuing, holders: SandboxHolders) -> None:
    """R29, R30: a 403 is permanent: ERRORED at once, terminal; Redeliver makes a child with the same credentials."""
    holders.faults = HolderFaults(storage_status=403)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    ended = await issuing.ends(location)
    assert (ended.state, ended.error) == (pb.ISSUANCE_STATE_ERRORED, pb.ISSUANCE_ERROR_DELIVERY_REFUSED)
    assert ended.attempts == 1
    holders.faults = HolderFaults()

    request = issuance.RedeliverIssuanceRequest(request_id=rid(), id=ended.id)
    child = (await issuing.client.issuance.RedeliverIssuance(request)).process

    assert child.parent_id == ended.id
    delivery = (await issuing.holders.wait(name, 1))[0]
    assert delivery.message["issuerPid"] == ended.id
    stored = await issuing.rows("select id, payload from credential where process_id = $1", uuid.UUID(ended.id))
    assert [row["payload"] for row in stored] == delivery.payloads
    # To the holder it is one request, which is answered now.
    await issuing.ends(child.id)
    _, status = await issuing.holders.status(name, location, issuing.did)
    assert (status["status"], status["issuerPid"]) == ("ISSUED", ended.id)
    told = await issuing.rows(
        "select payload from outbox where aggregate_id = $1 and type like '%.IssuanceDelivered'", child.id
    )
    event = events_pb2.IssuanceDelivered.FromString(told[0]["payload"])
    assert list(event.credential_ids) == [str(row["id"]) for row in stored]


async def test_r29_the_window_for_delivery_ends(issuing: Issuing, holders: SandboxHolders) -> None:
    """R29: a holder that stays away until the window is over: ERRORED with DELIVERY_EXPIRED, to be redelivered."""
    holders.faults = HolderFaults(storage_status=500)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    id_ = uuid.UUID(location.rpartition("/")[2])
    async with asyncio.timeout(60):
        while not await issuing.rows("select 1 from issuance_process where id = $1 and attempts > 0", id_):
            await asyncio.sleep(0.05)
    await issuing.rows("update issuance_process set delivery_deadline = now() where id = $1", id_)
    ended = await issuing.ends(location)
    assert (ended.state, ended.error) == (pb.ISSUANCE_STATE_ERRORED, pb.ISSUANCE_ERROR_DELIVERY_EXPIRED)
    assert "500" in ended.error_detail
    holders.faults = HolderFaults()
    await issuing.client.issuance.RedeliverIssuance(issuance.RedeliverIssuanceRequest(request_id=rid(), id=str(id_)))
    await issuing.holders.wait(name, 1)


async def test_r24_r29_the_window_begins_with_the_approval(issuing: Issuing, holders: SandboxHolders) -> None:
    """R24, R29: waiting for approval takes nothing of the time for delivery; a refusal is told until it is heard."""
    await issuing.define(template_definition("Patient", approvalsRequired=1))
    name = await issuing.member()
    (_, first), (_, second) = [await issuing.ask(name, "Patient") for _ in range(2)]
    ids = [uuid.UUID(location.rpartition("/")[2]) for location in (first, second)]
    statement = "select delivery_deadline - now() as left from issuance_process where id = $1"
    assert (await issuing.rows(statement, ids[0]))[0]["left"] is None
    await _approve(issuing, first)
    left = (await issuing.rows(statement, ids[0]))[0]["left"]
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    await issuing.holders.wait(name, 1)

    holders.faults = HolderFaults(storage_status=503, storage_times=2)
    request = issuance.RejectIssuanceRequest(request_id=rid(), id=str(ids[1]), rejection_reason="not this year")
    await issuing.client.issuance.RejectIssuance(request)
    told = (await issuing.holders.wait(name, 2))[1].message
    assert (told["status"], told["rejectionReason"]) == ("REJECTED", "not this year")


async def test_r27_a_service_at_a_private_address_is_never_called(issuing: Issuing) -> None:
    """R27: where a DID document points to an address that is nobody's business, delivery ends at once."""
    name = await issuing.member()
    issuing.holders.holder(name).base = "http://10.0.0.1:7203/metrics"
    _, location = await issuing.ask(name, "MembershipCredential")
    ended = await issuing.ends(location)
    assert (ended.state, ended.error) == (pb.ISSUANCE_STATE_ERRORED, pb.ISSUANCE_ERROR_DELIVERY_REFUSED)
    assert "EGRESS_REFUSED" in ended.error_detail


async def test_r28_a_holder_that_cannot_resolve_us_yet_is_asked_again(
    issuing: Issuing, holders: SandboxHolders
) -> None:
    """R28: 401 may mean that our DID document, or its youngest key, is not there yet: not the end at once."""
    holders.faults = HolderFaults(storage_status=401, storage_times=2)
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    await issuing.holders.wait(name, 1)
    ended = await issuing.ends(location)
    assert (ended.state, ended.attempts) == (pb.ISSUANCE_STATE_DELIVERED, 3)


async def test_r25_repeats_are_the_same_request(issuing: Issuing) -> None:
    """R25: repeats of a running request get the same Location, also at once; another set of credentials conflicts."""
    await issuing.define(template_definition("Slow", approvalsRequired=1))
    name, pid = await issuing.member(), rid()
    first = await issuing.ask(name, "Slow", holder_pid=pid)
    again = await asyncio.gather(*(issuing.ask(name, "Slow", holder_pid=pid) for _ in range(10)))
    assert {first, *again} == {first}
    assert first[0] == 201
    assert (await issuing.ask(name, "MembershipCredential", holder_pid=pid))[0] == 409


async def test_r12_r27_a_holder_has_a_hundred_running_processes_at_most(issuing: Issuing) -> None:
    """R12, R27: one more is 429 with Retry-After, at the door and over gRPC; others are not touched."""
    await issuing.define(template_definition("Hundred", approvalsRequired=1))
    name = await issuing.member()
    holder = issuing.holders.holder(name)
    assert (await issuing.ask(name, "Hundred"))[0] == 201
    await more_running(issuing, 99, holder.did)
    body = holder.request(rid(), ["Hundred"])
    status, headers, _ = await issuing.post("/credentials", body, holder.token(issuing.did))
    assert (status, headers["retry-after"]) == (429, "30")
    own = issuance.RequestIssuanceRequest(request_id=rid(), holder_did=holder.did, definition_ids=["Hundred"])
    with pytest.raises(ResourceExhausted):
        await issuing.client.issuance.RequestIssuance(own)
    assert (await issuing.ask(await issuing.member(), "Hundred"))[0] == 201
    await issuing.rows("delete from issuance_process where holder_did = $1", holder.did)


async def test_r31_what_no_event_told_is_found_by_the_sweeper(issuing: Issuing) -> None:
    """R31: a process approved without anybody being told, as after a lost event, is generated and delivered."""
    await issuing.define(template_definition("Unheard", approvalsRequired=1))
    name = await issuing.member()
    _, location = await issuing.ask(name, "Unheard")
    await issuing.rows(
        """update issuance_process set state = 'APPROVED', phase = 'generate', next_attempt_time = now(),
               version = version + 1 where id = $1""",
        uuid.UUID(location.rpartition("/")[2]),
    )
    assert (await issuing.ends(location)).state == pb.ISSUANCE_STATE_DELIVERED
    await issuing.holders.wait(name, 1)


async def test_a_finished_holder_pid_may_be_used_again_unless_the_tenant_says_no(
    issuing: Issuing, new_tenant: Any
) -> None:
    """The same holderPid after the end is a new process, or 409 by the tenant's switch."""
    name, pid = await issuing.member(), rid()
    _, first = await issuing.ask(name, "MembershipCredential", holder_pid=pid)
    await issuing.ends(first)
    status, second = await issuing.ask(name, "MembershipCredential", holder_pid=pid)
    assert status == 201
    assert second != first
    strict = await new_tenant(conflict_after_terminal=True)
    name = await strict.member()
    _, first = await strict.ask(name, "MembershipCredential", holder_pid=pid)
    await strict.ends(first)
    assert (await strict.ask(name, "MembershipCredential", holder_pid=pid))[0] == 409


async def test_expanded_json_as_real_holders_send_it(issuing: Issuing) -> None:
    """The expanded form without @context is taken; holderPid stays as it was sent."""
    name = await issuing.member()
    status, _ = await issuing.ask(name, "MembershipCredential", holder_pid="pid-7", expanded=True)
    assert status == 201
    assert (await issuing.holders.wait(name, 1))[0].message["holderPid"] == "pid-7"


async def test_r8_the_process_names_its_protocol(issuing: Issuing) -> None:
    """R8: protocol and version stand in the process; the door is one of several."""
    name = await issuing.member()
    _, location = await issuing.ask(name, "MembershipCredential")
    process = await issuing.ends(location)
    assert (process.protocol, process.protocol_version) == (pb.ISSUANCE_PROTOCOL_DCP, "1.0")


async def _approve(issuing: Issuing, location: str) -> pb.IssuanceProcess:
    request = issuance.ApproveIssuanceRequest(request_id=rid(), id=location.rsplit("/", 1)[1])
    return (await issuing.client.issuance.ApproveIssuance(request)).process


async def _asked(issuing: Issuing, name: str, definition: str) -> pb.IssuanceProcess:
    """The process of a holder's request, once it is over."""
    status, location = await issuing.ask(name, definition)
    assert status == 201
    return await issuing.ends(location)


async def _states(issuing: Issuing, did: str) -> list[str]:
    """The states of a holder's credentials, oldest first."""
    rows = await issuing.rows("select state from credential where holder_did = $1 order by id", did)
    return [row["state"] for row in rows]
