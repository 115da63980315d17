"""What holders show to be attested: which presentations count, and what of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.holder.store import Delivery, Holder
from sealwright_sandbox.mesh import Mesh

from tests.support.certify import Issuing, rid, template_definition

pytestmark = pytest.mark.timeout(180)

NOW = int(time.time())
PAST, LATER = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
TYPE = "MembershipCredential"


@pytest.fixture
def outer(holders: SandboxHolders) -> Holder:
    """Another issuer, whom the tenant trusts."""
    return holders.holder("outer-issuer")


@pytest.fixture(scope="module")
async def attested(small_mesh: Mesh, all_holders: SandboxHolders) -> AsyncIterator[Issuing]:
    """A tenant that gives a credential to those who show ``foo`` in a membership credential of the other issuer."""
    outer = all_holders.holder("outer-issuer")
    tenant = await Issuing.open(small_mesh, all_holders, "attested")
    await tenant.attestation(
        "shown",
        "presentation",
        {"scopes": [f"org.eclipse.dspace.dcp.vc.type:{TYPE}:read"], "trustedIssuers": [outer.did]},
    )
    template = {"credentialSubject": {"foo": {"$eval": f"claims.shown.{TYPE}.foo"}}}
    await tenant.define(template_definition("Second", attestations=["shown"], template=template))
    yield tenant
    await tenant.client.close()


def _shown(issuer: Holder, holder: Holder, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A 1.1 credential of ``issuer`` about ``holder``; ``changes`` replace, None leaves out, ``vc_`` go inside."""
    vc = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "id": f"urn:uuid:{rid()}",
        "type": ["VerifiableCredential", TYPE],
        "issuer": issuer.did,
        "issuanceDate": datetime.fromtimestamp(NOW - 60, UTC).isoformat(),
        "credentialSubject": {"id": holder.did, "foo": "bar"},
    }
    claims: dict[str, Any] = {"iss": issuer.did, "sub": holder.did, "nbf": NOW - 60, "exp": NOW + 3600}
    for name, value in changes.items():
        (vc if name.startswith("vc_") else claims)[name.removeprefix("vc_")] = value
    inside = {name: value for name, value in vc.items() if value is not None}
    outside = {name: value for name, value in claims.items() if value is not None}
    return issuer.sign({**outside, "vc": inside}, **(header or {}))


async def _answer(attested: Issuing, *credentials: str, name: str) -> int:
    held = {"credentials": [{"payload": each} for each in credentials]}
    attested.holders.holder(name).receive(Delivery(held, {}, time.monotonic()))
    return (await attested.ask(name, "Second", show=True))[0]


GOOD: dict[str, dict[str, Any]] = {
    "as it is": {},
    "without typ, as some issuers leave it": {"header": {"typ": None}},
    "the general type last": {"vc_type": [TYPE, "VerifiableCredential"]},
    "issuer by its claim alone": {"vc_issuer": None},
    "issuer by the credential's member alone": {"iss": None},
    "without end": {"exp": None},
}
BAD: dict[str, dict[str, Any]] = {
    "expired inside though not outside": {"vc_expirationDate": PAST},
    "expired outside though not inside": {"exp": NOW - 3600, "vc_expirationDate": LATER},
    "not begun inside though outside": {"vc_issuanceDate": LATER},
    "not begun outside though inside": {"nbf": NOW + 3600, "vc_issuanceDate": PAST},
    "about somebody else": {"sub": None, "vc_credentialSubject": {"id": "did:web:other.example", "foo": "bar"}},
    "two issuers": {"vc_issuer": "did:web:other.example"},
    "no VerifiableCredential": {"vc_type": [TYPE]},
    "a status of a kind that is not understood": {
        "vc_credentialStatus": {"id": "x", "type": "RevocationList2020Status"}
    },
    "a status list that cannot be had": {
        "vc_credentialStatus": {
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "1",
            "statusListCredential": "http://127.0.0.1:9/list",
        }
    },
    "another type of token": {"header": {"typ": "kb+jwt"}},
    "a key of nobody": {"header": {"kid": None}},
}


@pytest.mark.parametrize("case", GOOD)
async def test_a_good_credential_attests(attested: Issuing, outer: Holder, case: str) -> None:
    """However its issuer writes it down."""
    holder = attested.holders.holder(name := f"g{rid()}")
    assert await _answer(attested, _shown(outer, holder, **GOOD[case]), name=name) == 201


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_credential_attests_nothing(attested: Issuing, outer: Holder, case: str) -> None:
    """And spoils the presentation it is in, as DCP has it, wherever in it it stands."""
    for order in (slice(None), slice(None, None, -1)):
        holder = attested.holders.holder(name := f"b{rid()}")
        shown = [_shown(outer, holder, **BAD[case]), _shown(outer, holder)]
        assert await _answer(attested, *shown[order], name=name) == 403
    holder = attested.holders.holder(name := f"b{rid()}")
    assert await _answer(attested, _shown(outer, holder, **BAD[case]), name=name) == 403


async def test_credentials_of_other_issuers_do_no_harm(attested: Issuing, outer: Holder) -> None:
    """A holder may show more than it was asked for; what nobody here trusts is neither believed nor in the way."""
    stranger = attested.holders.holder("stranger")
    for order in (slice(None), slice(None, None, -1)):
        holder = attested.holders.holder(name := f"o{rid()}")
        shown = [_shown(stranger, holder, vc_credentialSubject={"id": holder.did, "foo": "no"}), _shown(outer, holder)]
        assert await _answer(attested, *shown[order], name=name) == 201
        payload = (await attested.holders.wait(name, 2))[1].payloads[0]
        assert attested.verify(payload).claims["foo"] == "bar"
    holder = attested.holders.holder(name := f"o{rid()}")
    assert await _answer(attested, _shown(stranger, holder), name=name) == 403
