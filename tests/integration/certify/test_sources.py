"""Attestation sources of every type, and the attestation table's grants."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from sealwright.certify.v1 import attestation_service_pb2 as attestations
from sealwright.certify.v1 import credential_service_pb2 as credentials
from sealwright.certify.v1 import definition_service_pb2 as definitions
from sealwright.certify.v1 import holder_service_pb2 as holder_pb
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_common.domain.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from sealwright_common.domain.status_lists import decode_list, is_set
from sealwright_common.verify.jws import parse
from sealwright_sandbox.holder import HolderFaults, SandboxHolders

from tests.support.certify import SEED, Issuing, fetch, rid, template_definition

pytestmark = pytest.mark.timeout(180)


async def test_r5_onboarding_inserts_and_the_database_forbids_the_rest(issuing: Issuing) -> None:
    """R5: the onboarding role may insert and neither read, change nor delete; grants say so, not code."""
    connection = await asyncpg.connect(issuing.mesh.profile.databases["certify"])
    try:
        async with connection.transaction():
            await connection.execute("set local role sealwright_onboarding")
            await connection.execute(
                "insert into attestation values ('default', 'did:web:grants.example', '{}', now(), now())"
            )
        for statement in (
            "select * from attestation",
            "update attestation set attributes = '{}'",
            "delete from attestation",
            "truncate attestation",
            "select * from credential",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await _as_onboarding(connection, statement)
    finally:
        await connection.close()


async def _as_onboarding(connection: Any, statement: str) -> None:
    async with connection.transaction():
        await connection.execute("set local role sealwright_onboarding")
        await connection.execute(statement)


async def test_r5_a_row_is_inserted_once_and_a_batch_is_all_or_none(issuing: Issuing) -> None:
    """R5: a second row for a DID is refused, and with it the whole batch."""
    await issuing.onboard("did:web:first.example", a=1)
    rows = [pb.Attestation(did=f"did:web:{n}.example", attributes_json="{}") for n in ("second", "first")]
    with pytest.raises(AlreadyExists):
        await issuing.client.attestations.InsertAttestations(
            attestations.InsertAttestationsRequest(request_id=rid(), attestations=rows)
        )
    assert not await issuing.rows("select 1 from attestation where did = 'did:web:second.example'")


async def test_r18_types_are_a_registry_and_configurations_are_validated(issuing: Issuing) -> None:
    """R18: registered types are listed; an unknown type and a wrong configuration are refused when stored."""
    listed = await issuing.client.attestations.ListAttestationTypes(attestations.ListAttestationTypesRequest())
    assert list(listed.types) == ["database", "holder", "presentation", "pushed", "remote", "static"]
    for type_, configuration in (
        ("fax", {}),
        ("database", {"dataSource": "elsewhere", "table": "t"}),
        ("database", {"dataSource": "certify", "table": "credential"}),
        ("database", {"dataSource": "certify", "table": "attestation", "colour": "red"}),
        ("static", {}),
        ("remote", {"plugin": "none"}),
        ("presentation", {"scopes": []}),
    ):
        with pytest.raises(InvalidArgument):
            await issuing.attestation("bad", type_, configuration)


async def test_r17_claims_are_kept_apart_per_attestation(issuing: Issuing) -> None:
    """R17: two sources with a name in common do not overwrite each other; the plain name is ambiguous and absent."""
    await issuing.attestation("left", "static", {"claims": {"level": 1, "only": "l"}})
    await issuing.attestation("right", "static", {"claims": {"level": 2}})
    template = {
        "credentialSubject": {
            "left": {"$eval": "claims.left.level"},
            "right": {"$eval": "claims.right.level"},
            "only": {"$eval": "claims.only"},
            "ambiguous": {"$eval": "defined('level')"},
        }
    }
    await issuing.define(template_definition("Apart", attestations=["left", "right"], template=template))
    name = await issuing.member()
    await issuing.ask(name, "Apart")
    claims = issuing.verify((await issuing.holders.wait(name, 1))[0].payloads[0]).claims
    assert {k: claims[k] for k in ("left", "right", "only", "ambiguous")} == {
        "left": 1,
        "right": 2,
        "only": "l",
        "ambiguous": False,
    }


async def test_r17_a_collision_of_output_claims_is_a_definition_time_error(issuing: Issuing) -> None:
    """R17: two attestations of one definition under the same output claim are refused when it is stored."""
    await issuing.attestation("a", "static", {"claims": {}, "outputClaim": "same"})
    await issuing.attestation("b", "static", {"claims": {}, "outputClaim": "same"})
    with pytest.raises(InvalidArgument, match="same"):
        await issuing.define(template_definition("Collision", attestations=["a", "b"]))


async def test_r19_optional_attestations_leave_their_claims_absent(issuing: Issuing) -> None:
    """R19: nothing and required is refused; nothing and optional leaves the claim absent, and only exists can tell."""
    await issuing.attestation("extra", "holder", {"required": False})
    without = {"type": "expression", "configuration": {"claim": "extra.gold", "operator": "exists", "value": False}}
    await issuing.define(template_definition("Optional", attestations=["onboarding", "extra"], rules=[without]))
    name = await issuing.member()
    assert (await issuing.ask(name, "Optional"))[0] == 201
    holder = pb.Holder(did=issuing.holders.holder(name).did, attributes_json=json.dumps({"gold": True}))
    await issuing.client.holders.StoreHolder(holder_pb.StoreHolderRequest(request_id=rid(), holder=holder))
    await issuing.holders.wait(name, 1)
    assert (await issuing.ask(name, "Optional"))[0] == 403


async def test_r6_r20_r23_a_credential_of_another_issuer_is_the_attestation(
    issuing: Issuing, new_tenant: Any, holders: SandboxHolders
) -> None:
    """R6, R20: issuer X has no channel to onboarding; the holder shows the membership credential, and gets X's."""
    other = await new_tenant()
    await other.attestation(
        "membership",
        "presentation",
        {
            "scopes": ["org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"],
            "trustedIssuers": [issuing.did],
        },
    )
    template = {"credentialSubject": {"company": {"$eval": "claims.membership.MembershipCredential.companyNumber"}}}
    await other.define(template_definition("CredentialX", attestations=["membership"], template=template))
    name = await issuing.member()
    assert (await other.ask(name, "CredentialX", show=True))[0] == 403, "it has nothing to show yet"
    await issuing.ask(name, "MembershipCredential")
    await holders.wait(name, 1)
    assert (await other.ask(name, "CredentialX"))[0] == 403, "without access token nothing may be asked"

    assert (await other.ask(name, "CredentialX", show=True))[0] == 201

    delivery = (await holders.wait(name, 2))[1]
    assert other.verify(delivery.payloads[0]).claims["company"] == "DK-123"
    # R23: the access token that came with the request went back with the delivery; the database cannot read it.
    shown = delivery.token["token"]
    assert shown in holders.holder(name).access_tokens
    kept = await issuing.rows(
        "select access_token from issuance_process where holder_did = $1 and access_token is not null",
        holders.holder(name).did,
    )
    assert kept
    assert all(shown.encode() not in row["access_token"] for row in kept)

    credential = await issuing.rows(
        "select id from credential where holder_did = $1 and tenant = 'default'", holders.holder(name).did
    )
    await issuing.client.credentials.RevokeCredentials(
        credentials.RevokeCredentialsRequest(request_id=rid(), ids=[str(credential[0]["id"])])
    )
    entry = issuing.verify(holders.holder(name).credentials()[0]).status[0]
    async with asyncio.timeout(60):
        # A list may be a second old.
        while not is_set(decode_list(issuing.verify(fetch(entry.uri)[2]).claims["encodedList"]), entry.index):
            await asyncio.sleep(0.1)
    assert (await other.ask(name, "CredentialX", show=True))[0] == 403, "revoked credentials attest nothing"
    holders.faults = HolderFaults(refuse_presentations=True)
    assert (await other.ask(name, "CredentialX", show=True))[0] == 403


async def test_r21_a_dry_run_explains_every_rule(issuing: Issuing) -> None:
    """R21, R22: CheckIssuance stores nothing and tells attestations and every rule's outcome, never a claim's value."""
    rules = [
        {"type": "expression", "configuration": {"claim": "onboarding.level", "operator": "geq", "value": 3}},
        {"type": "cel", "configuration": {"expression": "claims.onboarding.companyNumber.startsWith('DK')"}},
    ]
    await issuing.define(template_definition("Explained", rules=rules))
    did = issuing.holders.holder(await issuing.member(level=2)).did
    request = issuance.CheckIssuanceRequest(holder_did=did, definition_ids=["Explained"])
    checked = await issuing.client.issuance.CheckIssuance(request)

    assert not checked.accepted
    assert [(rule.type, rule.passed) for rule in checked.rules] == [("expression", False), ("cel", True)]
    assert "integer" in checked.rules[0].explanation
    assert "DK-123" not in str(checked)
    schema = {"type": "object", "properties": {"company": {"pattern": "^SE-"}}}
    await issuing.define(template_definition("Shaped", schema=schema))
    shaped = issuance.CheckIssuanceRequest(holder_did=did, definition_ids=["Shaped"])
    unfit = await issuing.client.issuance.CheckIssuance(shaped)
    assert not unfit.accepted
    assert "company" in unfit.problems[0], "what the request itself would be refused for is told here, too"
    assert "DK-123" not in str(unfit)
    unknown = issuance.CheckIssuanceRequest(holder_did="did:web:nobody.example", definition_ids=["Explained"])
    assert list((await issuing.client.issuance.CheckIssuance(unknown)).missing_attestations) == ["onboarding"]


async def test_a_definition_is_tried_before_it_is_used(issuing: Issuing) -> None:
    """Outcome of every rule, what would be signed, or what is in the way; nothing is stored by trying."""
    rule = {"type": "expression", "configuration": {"claim": "onboarding.level", "operator": "geq", "value": 3}}
    stored = await issuing.define(template_definition("Tried", rules=[rule]))

    async def attempt(tried: pb.CredentialDefinition | None = None, **claims: Any) -> Any:
        request = definitions.TryDefinitionRequest(claims_json=json.dumps({"onboarding": claims}))
        if tried is None:
            request.id = "Tried"
        else:
            request.definition.CopyFrom(tried)
        return await issuing.client.definitions.TryDefinition(request)

    good = await attempt(level=3, companyNumber="DK-123")
    assert [outcome.passed for outcome in good.rules] == [True]
    assert not good.problems
    made = json.loads(good.credential_json)
    assert (made["iss"], made["credentialSubject"]["company"]) == (issuing.did, "DK-123")
    low = await attempt(level=2, companyNumber="DK-123")
    assert ([outcome.passed for outcome in low.rules], low.credential_json) == ([False], "")
    unfit = await attempt(level=3)
    assert unfit.problems
    assert not unfit.credential_json
    changed = pb.CredentialDefinition()
    changed.CopyFrom(stored)
    changed.id = "NeverStored"
    assert (await attempt(changed, level=3, companyNumber="DK-123")).credential_json
    changed.attestations.append("nobody")
    assert "attestations[1]" in (await attempt(changed, level=3)).problems[0]
    with pytest.raises(NotFound):
        await issuing.client.definitions.GetDefinition(definitions.GetDefinitionRequest(id="NeverStored"))


async def test_a_template_that_does_not_fit_is_our_trouble(issuing: Issuing) -> None:
    """Refused before the 201, as 503: the holder did nothing wrong, and is told nothing of the template."""
    template = {"credentialSubject": {"secretMember": {"$eval": "claims.onboarding.nowhere"}}}
    await issuing.define(template_definition("Unfit", template=template))
    holder = issuing.holders.holder(await issuing.member())
    status, headers, text = await issuing.post(
        "/credentials", holder.request(rid(), ["Unfit"]), holder.token(issuing.did)
    )
    assert (status, int(headers["retry-after"]) >= 1) == (503, True)
    assert "emplate" not in text
    assert not await issuing.rows("select 1 from issuance_process where holder_did = $1", holder.did)


async def test_r3_a_definition_needs_an_attestation(issuing: Issuing) -> None:
    """R3: an empty list of attestations is refused when the definition is stored."""
    with pytest.raises(InvalidArgument, match="attestation"):
        await issuing.define({**SEED, "attestations": []})


async def test_r15_the_schema_is_compiled_enforced_and_served(issuing: Issuing) -> None:
    """R15: a broken schema is refused when stored; a subject that does not fit is refused before the 201."""
    with pytest.raises(InvalidArgument, match="schema"):
        await issuing.define(template_definition("BadSchema", schema='{"type": "nonsense"}'))
    with pytest.raises(InvalidArgument, match="outside"):
        await issuing.define(template_definition("FarSchema", schema={"$ref": "https://elsewhere.example/schema"}))
    schema = {
        "type": "object",
        "properties": {"company": {"type": "string", "pattern": "^DK-"}},
        "required": ["company"],
    }
    await issuing.define(template_definition("Schema", schema=schema))
    assert (await issuing.ask(await issuing.member(companyNumber="SE-1"), "Schema"))[0] == 403
    name = await issuing.member()
    await issuing.ask(name, "Schema")
    payload = (await issuing.holders.wait(name, 1))[0].payloads[0]
    credential = parse(payload).claims
    assert credential["credentialSchema"]["type"] == "JsonSchema", "which is about the whole credential"
    whole = json.loads(fetch(credential["credentialSchema"]["id"])[2])
    assert JsonSchemas().violations(whole, credential) == []
    assert JsonSchemas().violations(whole, {**credential, "credentialSubject": {"company": "SE-1"}})
    async with asyncio.timeout(60):
        # The metadata may be a second old.
        while not {"MembershipCredential", "Schema"} <= (uris := _subject_schemas(issuing)).keys():
            await asyncio.sleep(0.2)
    assert json.loads(fetch(uris["Schema"])[2]) == schema
    assert json.loads(fetch(uris["MembershipCredential"])[2]) == {"type": "object"}
    for nowhere in ("0", "2", str(2**31), str(2**80)):
        assert fetch(f"{uris['Schema'].rpartition('/')[0]}/{nowhere}")[0] == 404
        assert fetch(f"{uris['Schema'].rpartition('/')[0]}/{nowhere}/credential")[0] == 404


@pytest.mark.parametrize(
    "member",
    [
        {"additionalContext": ["no uri"]},
        {"additionalContext": ["https://c.example/1"] * 2},
        {"display": [{"name": "", "locale": "en"}]},
        {"display": [{"name": "Name", "locale": "en", "backgroundColor": "red"}]},
        {"rules": [{"type": "expression", "configuration": {"claim": "a", "operator": "exists"}}] * 65},
        {"rules": [{"type": "../x", "configuration": {}}]},
    ],
)
async def test_a_definition_in_json_meets_the_same_rules(issuing: Issuing, member: dict[str, Any]) -> None:
    """One door: what a message may not hold, its JSON form may not either."""
    with pytest.raises(InvalidArgument):
        await issuing.define(template_definition("SameRules", **member))


def _subject_schemas(issuing: Issuing) -> dict[str, str]:
    """Where the metadata says that the schemas of the subjects are."""
    listed = json.loads(fetch(f"{issuing.base}/metadata")[2])["credentialsSupported"]
    return {entry["id"]: entry["credentialSchema"] for entry in listed}


async def test_definitions_are_versioned_and_taken_out_of_use(issuing: Issuing) -> None:
    """Storing again makes a version; a deleted definition is not found, its versions stay readable."""
    first = await issuing.define(template_definition("Versions"))
    second = await issuing.define(template_definition("Versions", validity=7200))
    assert (first.version, second.version) == (1, 2)
    stub = issuing.client.definitions
    old = await stub.GetDefinition(definitions.GetDefinitionRequest(id="Versions", version=1))
    assert old.definition.validity_duration.seconds == 3600
    with pytest.raises(FailedPrecondition):
        await issuing.client.attestations.DeleteAttestationDefinition(
            attestations.DeleteAttestationDefinitionRequest(request_id=rid(), id="onboarding")
        )
    await stub.DeleteDefinition(definitions.DeleteDefinitionRequest(request_id=rid(), id="Versions"))
    assert (await issuing.ask(await issuing.member(), "Versions"))[0] == 400
    assert (await stub.GetDefinition(definitions.GetDefinitionRequest(id="Versions", version=2))).definition.id


async def test_pushed_claims_are_refused_where_no_pushed_attestation_wants_them(issuing: Issuing) -> None:
    """Nothing is accepted and ignored: claims for an attestation of another type are an error."""
    request = issuance.IssueCredentialRequest(
        request_id=rid(),
        definition_id="MembershipCredential",
        holder_did="did:web:x.example",
        claims_json=json.dumps({"onboarding": {"signedDocuments": True}}),
    )
    with pytest.raises(InvalidArgument, match="pushed"):
        await issuing.client.issuance.IssueCredential(request)
    request.claims_json = ""
    request.request_id = rid()
    with pytest.raises(PermissionDenied):
        await issuing.client.issuance.IssueCredential(request)
