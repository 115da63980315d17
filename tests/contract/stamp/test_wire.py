"""What goes to registries and wallets, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.certificates import (
    Attribute,
    CertificateOrder,
    CertificateState,
    CertificateType,
    EndpointKey,
    HashedAttribute,
    WalletEndpoint,
)
from sealwright_common.runtime.grpc.policy import compare
from sealwright_stamp.adapters.wallets import slice_json, verdict
from sealwright_stamp.codec.transactions import RegistryFormat, send_request
from sealwright_stamp.main import POLICIES
from sealwright_stamp.ports import Item, Material, PostVerdict

NAME = UUID("0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70")
START = datetime(2025, 6, 21, 10, tzinfo=UTC)
KEY = bytes.fromhex("03" + "01020304" + "00000007" + "11" * 32) + bytes.fromhex(
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
)
HASHED = HashedAttribute("assetId", "5713", bytes(range(16)))
ORDER = CertificateOrder(
    UUID(int=1), "sandbox", NAME, "meter", CertificateType.PRODUCTION, 250, START, START + timedelta(hours=1), "DK1",
    (Attribute("isTrial", "False"),), (Attribute("assetId", "5713"),),
)  # fmt: skip
ITEM = Item(
    1, "default", ORDER.ref, CertificateState.STORED, ORDER, (HASHED,),
    WalletEndpoint("https://wallet.example/v1/slices", EndpointKey(KEY)), 1825080, bytes(31) + b"\x01", 0, 0, None,
    None,
)  # fmt: skip
MATERIAL = Material(b"\x02" * 33, b"\xcc" * 32, b"\xbb" * 608)


def field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field, by hand."""
    size, length = len(data), b""
    while size >= 128:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def varint(number: int, value: int) -> bytes:
    out = bytes([number << 3])
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def test_issued_event_and_header_are_canonical() -> None:
    draft = RegistryFormat().issue(ITEM, MATERIAL, "5f0c6c2e-8b0e-4f6f-9a53-0c1c3a2f7b11")
    stream = field(1, b"sandbox") + field(2, field(1, str(NAME).encode()))
    seconds = int(START.timestamp())
    clear = field(1, b"isTrial") + field(2, b"False")
    hashed = field(1, b"assetId") + field(2, HASHED.digest(NAME).encode()) + varint(3, 1)
    payload = (
        field(1, stream)
        + varint(2, 2)
        + field(3, field(1, varint(1, seconds)) + field(2, varint(1, seconds + 3600)))
        + field(4, b"DK1")
        + field(6, field(1, MATERIAL.commitment) + field(2, MATERIAL.range_proof))
        + field(7, field(1, MATERIAL.owner_key))
        + field(8, clear)
        + field(8, hashed)
    )
    assert draft.payload == payload
    assert draft.header == (
        field(1, stream)
        + field(2, b"project_origin.electricity.v1.IssuedEvent")
        + field(3, hashlib.sha512(payload).digest())
        + field(4, b"5f0c6c2e-8b0e-4f6f-9a53-0c1c3a2f7b11")
    )
    transaction, name = RegistryFormat().seal(draft, b"\xaa" * 64)
    assert transaction == field(1, draft.header) + field(2, b"\xaa" * 64) + field(3, payload)
    assert name == base64.b64encode(hashlib.sha256(transaction).digest()).decode()
    (sent,) = send_request([transaction]).transactions
    assert sent.SerializeToString(deterministic=True) == transaction


def test_withdrawn_event_is_empty() -> None:
    draft = RegistryFormat().withdraw(ITEM, "n")
    header = registry.TransactionHeader.FromString(draft.header)
    assert (draft.payload, header.payload_type) == (b"", electricity.WithdrawnEvent.DESCRIPTOR.full_name)
    assert header.payload_sha512 == hashlib.sha512(b"").digest()


def test_slice_is_what_wallets_take() -> None:
    assert json.loads(slice_json(ITEM.slice())) == {
        "publicKey": base64.b64encode(KEY).decode(),
        "position": 1825080,
        "certificateId": {"registry": "sandbox", "streamId": str(NAME)},
        "quantity": 250,
        "randomR": base64.b64encode(ITEM.blinding).decode(),
        "hashedAttributes": [{"key": "assetId", "value": "5713", "salt": base64.b64encode(HASHED.salt).decode()}],
    }


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(200, "ACCEPTED"), (202, "ACCEPTED"), (301, "LATER"), (400, "REFUSED"), (404, "REFUSED"), (408, "LATER"),
     (410, "REFUSED"), (425, "LATER"), (429, "LATER"), (500, "LATER"), (503, "LATER")],
)  # fmt: skip
def test_what_a_wallets_answer_means(status: int, meaning: str) -> None:
    result = verdict(status, b"why")
    assert result.verdict is PostVerdict[meaning]
    assert result.reason == ("" if meaning == "ACCEPTED" else f"HTTP {status}: why")


def test_policies_cover_the_service() -> None:
    compare(POLICIES, [pb.DESCRIPTOR.services_by_name["StampService"]])
