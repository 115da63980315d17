"""A real rotator and a real signer: issuers are made whole, in the token, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.signer.v1 import key_service_pb2
from sealwright.signer.v1.key_service_pb2_grpc import KeyServiceStub
from sealwright_common.domain.errors import AlreadyExists, InvalidArgument, NotFound, Reason

from tests.integration.rotator.conftest import Mesh, held

DAY = "P1D"


def request(name: str, **over: object) -> pb.CreateIssuerRequest:
    """A transaction issuer as stamp wants it."""
    values: dict[str, object] = {
        "issuer_type": name,
        "schedule": resources_pb2.Schedule(duration=DAY, buffer=2, overlap=1),
        "algorithm": keys_pb2.KEY_ALGORITHM_EDDSA,
        "purpose": keys_pb2.KEY_PURPOSE_TRANSACTION,
    }
    return pb.CreateIssuerRequest(**(values | over))  # type: ignore[arg-type]


async def test_creates_buffer_plus_overlap_keys_in_the_token_and_activates_them(mesh: Mesh) -> None:
    answer = await mesh.stub.CreateIssuer(request("DK1", request_id="dk1"))
    assert answer.issuer.state == resources_pb2.ISSUER_STATE_ACTIVE
    assert answer.issuer.protection == keys_pb2.PROTECTION_HSM
    assert answer.issuer.modulus == 3
    assert [key.slot for key in answer.keys] == [0, 1, 2]
    assert [key.state for key in answer.keys] == [
        keys_pb2.KEY_STATE_ACTIVE, keys_pb2.KEY_STATE_PUBLISHED, keys_pb2.KEY_STATE_PUBLISHED,
    ]  # fmt: skip
    keys = KeyServiceStub(mesh.signer_channel)
    for key in answer.keys:
        held = (await keys.GetKey(key_service_pb2.GetKeyRequest(key_id=key.key_id))).key
        assert held.public_key == key.public_key
        assert held.slot.slot == key.slot
        assert held.slot.window == key.window
        assert held.state == key.state

    active = await mesh.stub.GetActiveKeys(pb.GetActiveKeysRequest(issuer_type="DK1"))
    assert [key.slot for key in active.keys] == [0]
    assert [key.slot for key in active.signing_keys] == [0, 1, 2]
    listed = await mesh.stub.ListKeys(pb.ListKeysRequest(issuer_type="DK1"))
    assert [key.key_id for key in listed.keys] == [key.key_id for key in answer.keys]
    assert [issuer.issuer_type for issuer in listed.issuers] == ["DK1"]


async def test_the_same_request_gets_the_same_answer_and_another_body_is_refused(mesh: Mesh) -> None:
    first = await mesh.stub.CreateIssuer(request("again", request_id="again"))
    assert await mesh.stub.CreateIssuer(request("again", request_id="again")) == first
    with pytest.raises(AlreadyExists) as refused:
        await mesh.stub.CreateIssuer(request("again", request_id="again", max_tokens=3))
    assert refused.value.reason is Reason.REQUEST_ID_REUSED
    with pytest.raises(AlreadyExists) as refused:
        await mesh.stub.CreateIssuer(request("again", request_id="another"))
    assert refused.value.reason is Reason.ISSUER_EXISTS


def _at(year: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(year, 1, 1, tzinfo=UTC))
    return stamp


def _schedule(**over: object) -> resources_pb2.Schedule:
    return resources_pb2.Schedule(**({"duration": DAY, "buffer": 1, "overlap": 0} | over))  # type: ignore[arg-type]


BAD = [
    ({"schedule": _schedule(duration="P0D")}, "schedule.duration"),
    ({"schedule": _schedule(duration="-P1D")}, "schedule.duration"),
    ({"schedule": _schedule(duration="P1.5D")}, "schedule.duration"),
    ({"schedule": _schedule(duration="PT59S")}, "schedule.duration"),
    ({"schedule": _schedule(duration="a day")}, "schedule.duration"),
    ({"schedule": _schedule(buffer=367)}, "schedule.buffer"),
    ({"schedule": _schedule(buffer=-1)}, "schedule.buffer"),
    ({"schedule": _schedule(overlap=-1)}, "schedule.overlap"),
    ({"schedule": _schedule(valid_from_time=_at(1960))}, "schedule.valid_from_time"),
    ({"schedule": _schedule(expire_time=_at(2001))}, "schedule.expire_time"),
    ({"schedule": _schedule(publish_lead_duration=Duration(seconds=59))}, "schedule.publish_lead_duration"),
    ({"schedule": _schedule(publish_lead_duration=Duration(seconds=86401))}, "schedule.publish_lead_duration"),
    ({"issuer_type": "no spaces please"}, "issuer_type"),
    ({"issuer_type": ""}, "issuer_type"),
    ({"issuer_type": "sealwright-directory"}, "issuer_type"),
    ({"cohorts": [0]}, "cohorts[0]"),
    ({"cohorts": [40000]}, "cohorts[0]"),
    ({"cohorts": [1, 1]}, "cohorts"),
    ({"max_tokens": 1001}, "max_tokens"),
    ({"algorithm": 99}, "algorithm"),
    ({"algorithm": keys_pb2.KEY_ALGORITHM_VOPRF_RISTRETTO255}, "purpose"),
    ({"purpose": keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE}, "purpose"),
    ({"allow_legacy_protocol": True}, "allow_legacy_protocol"),
    ({"destroy_delay_duration": Duration(seconds=60)}, "destroy_delay_duration"),
    ({"cohorts": list(range(1, 65)), "schedule": _schedule(buffer=20)}, "schedule.buffer"),
]


@pytest.mark.parametrize(("over", "path"), BAD, ids=[path + str(n) for n, (_, path) in enumerate(BAD)])
async def test_bad_input_names_the_field_and_leaves_nothing(mesh: Mesh, over: dict[str, object], path: str) -> None:
    before = await held(mesh)
    with pytest.raises(InvalidArgument) as refused:
        await mesh.stub.CreateIssuer(request(**({"name": "bad"} | over)))  # type: ignore[arg-type]
    assert path in {field.path for field in refused.value.fields}
    with pytest.raises(NotFound):
        await mesh.stub.GetIssuer(pb.GetIssuerRequest(issuer_type="bad"))
    assert await held(mesh) == before


async def test_lists_issuers_in_pages_within_the_tenant(mesh: Mesh) -> None:
    for name in ("page/a", "page/b", "page/c"):
        await mesh.stub.CreateIssuer(request(name, schedule=_schedule()))
    seen: list[str] = []
    token = ""
    while True:
        page = await mesh.stub.ListIssuers(pb.ListIssuersRequest(page_size=2, page_token=token))
        seen += [issuer.issuer_type for issuer in page.issuers]
        if not (token := page.next_page_token):
            break
    assert [name for name in seen if name.startswith("page/")] == ["page/a", "page/b", "page/c"]
    assert "sealwright-directory" in seen
    other = mesh.rotator.channel(tenant="other")
    stub = type(mesh.stub)(other)
    assert not (await stub.ListIssuers(pb.ListIssuersRequest())).issuers
    with pytest.raises(NotFound):
        await stub.GetIssuer(pb.GetIssuerRequest(issuer_type="page/a"))
    # The same name in another tenant is another issuer.
    assert (await stub.CreateIssuer(request("page/a", schedule=_schedule()))).issuer.tenant == "other"
    await other.close()


async def test_preview_shows_the_windows_without_making_a_key(mesh: Mesh) -> None:
    start = datetime(2024, 1, 31, tzinfo=UTC)
    stamp = Timestamp()
    stamp.FromDatetime(start)
    schedule = resources_pb2.Schedule(valid_from_time=stamp, duration="P1M", buffer=2, overlap=1)
    preview = await mesh.stub.PreviewSchedule(pb.PreviewScheduleRequest(schedule=schedule, page_size=4))
    starts = [slot.window.start_time.ToDatetime(UTC).strftime("%m-%d") for slot in preview.slots]
    assert starts == ["01-31", "02-29", "03-31", "04-30"]
    assert preview.modulus == 3
    assert preview.active == 2
    following = await mesh.stub.PreviewSchedule(
        pb.PreviewScheduleRequest(schedule=schedule, page_size=4, page_token=preview.next_page_token)
    )
    assert [slot.slot for slot in following.slots] == [4, 5, 6, 7]
    assert preview.schedule.publish_lead_duration.ToTimedelta() == timedelta(hours=24)
