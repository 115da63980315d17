"""The rules of certificates: positions, lanes, endpoint keys, hashed attributes, what an order may say."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from bip32 import BIP32
from hypothesis import given
from hypothesis import strategies as st
from sealwright_common.domain.certificates import (
    MAX_POSITION,
    Attribute,
    CertificateOrder,
    CertificateType,
    DoorRules,
    EndpointKey,
    HashedAttribute,
    check_order,
    lanes,
    position_of,
    position_of_unix,
    repeats_quantity,
)
from sealwright_common.domain.errors import Reason
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_stamp.adapters.proofs.owner_keys import owner_key

RULES = DoorRules(frozenset({"sandbox"}), {"DK1": frozenset()})
START = datetime(2025, 6, 21, 10, tzinfo=UTC)
ORDER = CertificateOrder(
    UUID(int=1), "sandbox", UUID(int=2), "meter", CertificateType.PRODUCTION, 1234, START, START + timedelta(hours=1),
    "DK1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "position"),
    [
        ("2022-01-01T00:00:00Z", 0),
        ("2022-01-01T00:01:00Z", 1),
        ("2022-01-01T01:00:00Z", 60),
        ("2023-01-01T00:00:00Z", 525600),
        ("6105-01-24T02:06:00Z", 2147483646),
        ("6105-01-24T02:07:00Z", 2147483647),
        ("6105-01-24T02:08:00Z", None),
        ("2021-12-31T23:59:00Z", None),
        ("2022-01-01T00:00:01Z", None),
    ],
)
def test_position(moment: str, position: int | None) -> None:
    assert position_of(datetime.fromisoformat(moment)) == position


def test_position_at_the_last_moment() -> None:
    assert position_of_unix(130490014020) == MAX_POSITION
    assert position_of(datetime(2022, 1, 1, 0, 1, 0, 1, tzinfo=UTC)) is None


def test_lanes() -> None:
    found = list(lanes(100))
    assert found[:3] == [100, 100 + 2**24, 100 + 2**25]
    assert len(found) == 128
    assert max(found) <= MAX_POSITION
    assert list(lanes(MAX_POSITION)) == [MAX_POSITION]


@given(st.integers(0, MAX_POSITION), st.binary(min_size=32, max_size=32))
def test_owner_keys_are_bip32_children(position: int, seed: bytes) -> None:
    raw = BIP32.from_seed(seed).get_xpub_bytes()[4:]
    expected = BIP32.from_xpub(BIP32.from_seed(seed).get_xpub()).get_pubkey_from_path([position])
    assert owner_key(EndpointKey(raw), position) == expected


def test_owner_key_refuses_hardened_positions() -> None:
    key = EndpointKey(WalletKey().endpoint(0))
    with pytest.raises(ValueError, match="2147483647"):
        owner_key(key, 2**31)


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: raw + b"\0", lambda raw: raw[:41] + b"\4" + raw[42:]]
)
def test_endpoint_keys_are_checked(change: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text differs
        EndpointKey(change(WalletKey().endpoint(7)))


def test_half_of_all_x_are_no_points() -> None:
    head = WalletKey().endpoint(0)[:41]
    refused = 0
    for x in range(1, 65):
        try:
            EndpointKey(head + b"\x02" + x.to_bytes(32, "big"))
        except ValueError:
            refused += 1
    assert 16 < refused < 48


def test_hashed_attribute_is_the_registrys_formula() -> None:
    name, salt = UUID("0192F0C1-7C1E-7D4F-8E2A-3B1F6C9D5E70"), bytes.fromhex("00ff10ab" * 4)
    text = "assetId" + "5713" + "0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70" + "00FF10AB" * 4
    expected = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert HashedAttribute("assetId", "5713", salt).digest(name) == expected


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"end": START}, "start_time", Reason.FIELD_INVALID),
        ({"end": START + timedelta(seconds=30)}, "end_time", Reason.FIELD_INVALID),
        ({"end": START + timedelta(minutes=61)}, "end_time", Reason.FIELD_INVALID),
        ({"end": START + timedelta(minutes=1, seconds=1)}, "end_time", Reason.FIELD_INVALID),
        ({"start": START + timedelta(seconds=1)}, "start_time", Reason.POSITION_UNAVAILABLE),
        ({"registry": "other"}, "registry", Reason.REGISTRY_UNKNOWN),
        ({"grid_area": "DK2"}, "grid_area", Reason.GRID_AREA_UNKNOWN),
        ({"metering_point_id": ""}, "metering_point_id", Reason.FIELD_INVALID),
        ({"metering_point_id": "a\x00"}, "metering_point_id", Reason.FIELD_INVALID),
        ({"quantity": 2**32}, "quantity", Reason.FIELD_INVALID),
        (
            {"clear_text": (Attribute("a", ""), Attribute("A", ""))},
            "clear_text_attributes[1].key",
            Reason.FIELD_INVALID,
        ),
        (
            {"clear_text": (Attribute("a", ""),), "hashed": (Attribute("A", ""),)},
            "hashed_attributes[0].key",
            Reason.FIELD_INVALID,
        ),
        ({"hashed": (Attribute("k" * 257, ""),)}, "hashed_attributes[0].key", Reason.FIELD_INVALID),
        ({"hashed": (Attribute("k", "v" * 513),)}, "hashed_attributes[0].value", Reason.FIELD_INVALID),
        ({"clear_text": (Attribute("face", "1.234 kWh"),)}, "clear_text_attributes[0].value", Reason.QUANTITY_LEAKED),
    ],
)
def test_orders_are_checked(change: dict[str, Any], path: str, reason: Reason) -> None:
    problem = check_order(replace(ORDER, **change), RULES)
    assert problem is not None
    assert (problem.fields[0].path, problem.reason) == (path, reason)


def test_a_sound_order_passes() -> None:
    assert check_order(ORDER, RULES) is None
    leaking = replace(ORDER, clear_text=(Attribute("face", "1234"),), allow_clear_text_quantity=True)
    assert check_order(leaking, RULES) is None


@pytest.mark.parametrize(
    ("text", "repeats"),
    [("1234", True), (" 1234 Wh", True), ("1.234 kWh", True), ("0,001234 MWh", True), ("12345", False), ("True", False),
     ("NaN", False), ("", False), ("meter 1234", False)],
)  # fmt: skip
def test_leaked_quantities_are_found(text: str, repeats: bool) -> None:
    assert repeats_quantity(text, 1234) is repeats


def test_digest_tells_orders_apart() -> None:
    digests = {
        ORDER.digest(),
        replace(ORDER, quantity=1).digest(),
        replace(ORDER, clear_text=(Attribute("a", "b"),)).digest(),
        replace(ORDER, hashed=(Attribute("a", "b"),)).digest(),
        replace(ORDER, clear_text=(Attribute("ab", ""),)).digest(),
    }
    assert len(digests) == 5
    assert replace(ORDER, start=START.astimezone()).digest() == ORDER.digest()
