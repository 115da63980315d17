"""The rotator's contract and its domain say the same: enums, events, leaves, policy rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import events_pb2, resources_pb2, rotator_service_pb2
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.domain.merkle import leaf_hash
from sealwright_common.domain.schedule import Schedule, ScheduleMode
from sealwright_common.runtime.grpc.policy import compare
from sealwright_rotator.codec import resources, values
from sealwright_rotator.main import POLICIES
from sealwright_rotator.ports import LogEntry
from sealwright_rotator.usecases.recording import Happening, Kind, Recorded, RotationFailure, leaf_of, of_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
times = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
maybe = st.none() | times
uuids = st.uuids()

schedules = st.builds(
    Schedule,
    valid_from=times,
    duration=st.sampled_from(["PT1M", "P1D", "P1Y2M3DT4H5M6S"]).map(CalendarDuration.parse),
    buffer=st.integers(1, 366),
    overlap=st.integers(0, 366),
    mode=st.sampled_from(ScheduleMode),
    expires_at=maybe,
    publish_lead=st.integers(60, 10**8).map(lambda seconds: timedelta(seconds=seconds)),
)
issuers = st.builds(
    Issuer,
    id=uuids,
    tenant=st.just("default"),
    issuer_type=st.sampled_from(["DK1", "did:web:example.com/issuer"]),
    cohorts=st.just((1, 2)),
    max_tokens=st.integers(1, 1000),
    schedule=schedules,
    algorithm=st.sampled_from(KeyAlgorithm),
    purpose=st.sampled_from(KeyPurpose),
    protection=st.sampled_from(Protection),
    verify_for=st.integers(0, 10**8).map(lambda seconds: timedelta(seconds=seconds)),
    destroy_delay=st.just(timedelta(days=30)),
    allow_legacy_protocol=st.booleans(),
    state=st.sampled_from([state for state in IssuerState if state is not IssuerState.CREATING]),
    created_at=times,
    version=st.integers(1, 10**6),
    last_rotated_at=maybe,
)
keys = st.builds(
    IssuerKey,
    id=uuids,
    issuer=issuers,
    cohort=st.integers(1, 32767),
    slot=st.integers(0, 2**40),
    window=times.map(lambda start: Interval(start, start + timedelta(days=1))),
    state=st.sampled_from([state for state in KeyState if state is not KeyState.DESTROYED]),
    batch=uuids,
    created_at=times,
    key_id=uuids,
    public_key=st.binary(min_size=1, max_size=300),
    version=st.integers(1, 10**6),
    published_at=maybe,
    activated_at=maybe,
    retired_at=maybe,
    compromised_at=maybe,
    verify_until=maybe,
    destroy_at=maybe,
)


def entry(happening: Happening) -> LogEntry:
    """The log entry of a happening."""
    leaf = leaf_of(happening, 7, NOW)
    return LogEntry(7, happening.kind.value, "default", NOW, leaf, leaf_hash(leaf))


@given(keys)
def test_a_leaf_holds_the_whole_key(key: IssuerKey) -> None:
    change = resources.change_message(entry(of_key(key)))
    assert change.key == resources.key_message(key)
    assert change.position == 7
    assert not change.HasField("issuer")


@given(issuers)
def test_a_leaf_holds_the_whole_issuer(issuer: Issuer) -> None:
    change = resources.change_message(entry(Happening(Kind.ISSUER_CHANGED, issuer)))
    assert change.issuer == resources.issuer_message(issuer)


@given(keys)
def test_a_leaf_is_canonical_json(key: IssuerKey) -> None:
    leaf = leaf_of(of_key(key), 7, NOW)
    assert json.dumps(json.loads(leaf), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == leaf


@given(keys)
def test_every_event_carries_the_new_state_and_its_aggregate(key: IssuerKey) -> None:
    record = resources.encode_event(Recorded(of_key(key), 9))
    assert record.message.key == resources.key_message(key)  # type: ignore[attr-defined]
    assert record.message.position == 9  # type: ignore[attr-defined]
    assert (record.aggregate_id, record.aggregate_version) == (str(key.id), key.version)


def test_the_events_of_the_contract_are_those_that_happen() -> None:
    names = {"".join(word.title() for word in kind.value.split("_")) for kind in Kind}
    names |= {"RotationFailed", "AuditHeadSigned", "AuditHeadTaken"}
    assert names == set(events_pb2.DESCRIPTOR.message_types_by_name)


def test_a_failed_rotation_is_an_event() -> None:
    issuer = _issuer()
    record = resources.encode_event(RotationFailure(issuer, 2, "TOKEN_UNAVAILABLE", "x" * 600, NOW))
    assert record.message.failures == 2  # type: ignore[attr-defined]
    assert len(record.message.message) == 500  # type: ignore[attr-defined]


def _issuer() -> Issuer:
    return Issuer.checked(
        id=UUID(int=1),
        tenant="default",
        issuer_type="DK1",
        cohorts=(),
        max_tokens=None,
        schedule=Schedule(NOW, CalendarDuration(days=1)),
        algorithm=None,
        purpose=KeyPurpose.TRANSACTION,
        protection=None,
        verify_for=None,
        destroy_delay=None,
        allow_legacy_protocol=False,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("domain", "proto", "prefix", "mapped"),
    [
        (KeyAlgorithm, keys_pb2.KeyAlgorithm, "KEY_ALGORITHM", values.ALGORITHM),
        (KeyPurpose, keys_pb2.KeyPurpose, "KEY_PURPOSE", values.PURPOSE),
        (KeyState, keys_pb2.KeyState, "KEY_STATE", values.KEY_STATE),
        (Protection, keys_pb2.Protection, "PROTECTION", values.PROTECTION),
        (ScheduleMode, resources_pb2.ScheduleMode, "SCHEDULE_MODE", values.MODE),
        (Kind, resources_pb2.KeyLogEntryType, "KEY_LOG_ENTRY_TYPE", values.KIND),
    ],
)
def test_enums_are_the_same_on_both_sides(domain: Any, proto: Any, prefix: str, mapped: Any) -> None:
    assert {f"{prefix}_{member.name}" for member in domain} | {f"{prefix}_UNSPECIFIED"} == set(proto.keys())
    assert all(mapped.domain(mapped.proto(member)) is member for member in domain)
    assert mapped.domain(0) is None


def test_creating_is_no_state_that_anybody_sees() -> None:
    assert "ISSUER_STATE_CREATING" not in resources_pb2.IssuerState.keys()  # noqa: SIM118 - an enum, no dictionary


def test_every_rpc_has_a_policy_row() -> None:
    compare(POLICIES, [rotator_service_pb2.DESCRIPTOR.services_by_name["RotatorService"]])
