"""certify's own metrics, as a scraper sees them."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sealwright_sandbox.holder import HolderFaults, SandboxHolders
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import Issuing, fetch, template_definition

pytestmark = pytest.mark.timeout(180)


def _value(issuing: Issuing, name: str, **labels: str) -> float:
    """A sample of certify's metrics; 0 if there is none."""
    listeners = issuing.mesh.services[Service.CERTIFY][0].listeners
    assert listeners is not None
    text = fetch(f"http://{listeners.ops}/metrics")[2]
    assert "did:web" not in text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and all(sample.labels.get(label) == value for label, value in labels.items()):
                return sample.value
    return 0.0


async def test_issuances_are_counted_by_state_and_their_time_is_measured(issuing: Issuing) -> None:
    """One request of one credential: one step of each kind, one credential, one measured delivery."""
    counters = (
        ("sealwright_certify_issuances_total", {"protocol": "dcp", "state": "APPROVED"}),
        ("sealwright_certify_issuances_total", {"protocol": "dcp", "state": "DELIVERED", "error": ""}),
        ("sealwright_certify_credentials_total", {"protocol": "dcp"}),
        ("sealwright_certify_delivery_seconds_count", {"protocol": "dcp"}),
    )
    before = [_value(issuing, name, **labels) for name, labels in counters]
    _, location = await issuing.ask(await issuing.member(), "MembershipCredential")
    await issuing.ends(location)
    assert [_value(issuing, name, **labels) for name, labels in counters] == [value + 1 for value in before]
    assert _value(issuing, "sealwright_certify_delivery_seconds_sum", protocol="dcp") > 0


async def test_who_waits_is_seen(issuing: Issuing, holders: SandboxHolders) -> None:
    """A process that waits for approval, and a holder that fails again and again, show within a look or two."""
    await issuing.define(template_definition("Patience", approvalsRequired=1))
    await issuing.ask(await issuing.member(), "Patience")
    holders.faults = HolderFaults(storage_status=500)
    _, location = await issuing.ask(await issuing.member(), "MembershipCredential")
    try:
        await _shown(issuing, "sealwright_certify_waiting_issuances", what="approval")
        await _shown(issuing, "sealwright_certify_stuck_holders")
        await _shown(issuing, "sealwright_certify_waiting_issuances", what="deliver")
    finally:
        holders.faults = HolderFaults()
    await issuing.ends(location)


async def _shown(issuing: Issuing, name: str, **labels: str) -> None:
    async with asyncio.timeout(60):
        while _value(issuing, name, **labels) < 1:
            await asyncio.sleep(0.2)
