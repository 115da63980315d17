"""What a received slice says, how it is read from JSON, and how it is compared with its certificate."""

import base64
import binascii
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry

from sealwright_sandbox.registry.rangeproof import commit
from sealwright_sandbox.registry.verify import ISSUED, WITHDRAWN
from sealwright_sandbox.wallet.keys import POSITIONS, owner_key

Status = Literal["pending", "matched", "mismatch"]


@dataclass(frozen=True)
class HashedAttribute:
    """An attribute whose salted hash stands in the certificate."""

    key: str
    value: str
    salt: bytes

    def digest(self, stream_id: str) -> str:
        """The value the certificate must hold for it."""
        text = self.key + self.value + stream_id.lower() + self.salt.hex().upper()
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True)
class Slice:
    """A slice as it was posted."""

    public_key: bytes
    position: int
    registry: str
    stream_id: str
    quantity: int
    random_r: bytes
    hashed_attributes: tuple[HashedAttribute, ...]


@dataclass
class Received:
    """A slice, how often it came, and what the comparison with the registry said."""

    slice: Slice
    wallet: str
    endpoint: int
    deliveries: int = 1
    status: Status = "pending"
    reason: str = "not compared with the registry yet"
    certificate: dict[str, Any] = field(default_factory=dict)


def read_slice(body: Mapping[str, Any]) -> Slice:
    """A slice from JSON; names are matched without regard to case. Raises ValueError that names what is wrong."""
    top = _members(body, "publicKey", "position", "certificateId", "quantity", "randomR", "hashedAttributes")
    certificate = _members(_object(top["certificateid"], "certificateId"), "registry", "streamId")
    attributes = top["hashedattributes"]
    if not isinstance(attributes, Sequence) or isinstance(attributes, str):
        raise ValueError("hashedAttributes: expected a list")  # noqa: TRY004
    return Slice(
        public_key=_bytes(top["publickey"], "publicKey", 74),
        position=_number(top["position"], "position", POSITIONS),
        registry=_text(certificate["registry"], "certificateId.registry"),
        stream_id=_uuid(certificate["streamid"], "certificateId.streamId"),
        quantity=_number(top["quantity"], "quantity", 2**32),
        random_r=_bytes(top["randomr"], "randomR", 32),
        hashed_attributes=tuple(_attribute(item) for item in attributes),
    )


def compare(received: Slice, stream: Sequence[registry.Transaction]) -> tuple[Status, str, dict[str, Any]]:
    """Compares a slice with its certificate's stream: status, reason, and what the certificate says.

    Status is pending while there is no certificate; the reason names everything that does not match.
    """
    if not stream or stream[0].header.payload_type != ISSUED:
        return "pending", "the registry has no such certificate (yet)", {}
    event = electricity.IssuedEvent.FromString(stream[0].payload)
    problems: list[str] = []
    try:
        if commit(received.quantity, received.random_r) != event.quantity_commitment.content:
            problems.append("the commitment does not open to this quantity and blinding")
    except ValueError as error:
        problems.append(str(error))
    if owner_key(received.public_key, received.position) != event.owner_public_key.content:
        problems.append(f"the owner is not the key at position {received.position} of this endpoint")
    hashed = {a.key.lower(): a.value for a in event.attributes if a.type == electricity.HASHED}
    attributes = {a.key: a.value for a in event.attributes if a.type == electricity.CLEARTEXT}
    for attribute in received.hashed_attributes:
        if hashed.get(attribute.key.lower()) == attribute.digest(received.stream_id):
            attributes[attribute.key] = attribute.value
        else:
            known = "differs from" if attribute.key.lower() in hashed else "is not in"
            problems.append(f"hashed attribute {attribute.key!r} {known} the certificate")
    certificate = {
        "type": electricity.GranularCertificateType.Name(event.type).lower(),
        "start": event.period.start.seconds,
        "end": event.period.end.seconds,
        "gridArea": event.grid_area,
        "attributes": attributes,
        "withdrawn": any(later.header.payload_type == WITHDRAWN for later in stream),
    }
    return "mismatch" if problems else "matched", "; ".join(problems), certificate


def as_posted(one: Slice) -> dict[str, Any]:
    """The slice as JSON, the way stamps post it."""
    return {
        "publicKey": base64.b64encode(one.public_key).decode(),
        "position": one.position,
        "certificateId": {"registry": one.registry, "streamId": one.stream_id},
        "quantity": one.quantity,
        "randomR": base64.b64encode(one.random_r).decode(),
        "hashedAttributes": [
            {"key": a.key, "value": a.value, "salt": base64.b64encode(a.salt).decode()} for a in one.hashed_attributes
        ],
    }


def _attribute(item: object) -> HashedAttribute:
    members = _members(_object(item, "hashedAttributes[]"), "key", "value", "salt")
    return HashedAttribute(
        _text(members["key"], "hashedAttributes[].key"),
        _text(members["value"], "hashedAttributes[].value"),
        _bytes(members["salt"], "hashedAttributes[].salt", None),
    )


def _members(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    found = {name.lower(): value for name, value in body.items()}
    missing = [name for name in names if found.get(name.lower()) is None]
    if missing:
        raise ValueError(f"required: {', '.join(missing)}")
    return found


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected an object, not {json.dumps(value)[:40]}")  # noqa: TRY004
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text")  # noqa: TRY004
    return value


def _bytes(value: object, name: str, length: int | None) -> bytes:
    try:
        data = base64.b64decode(_text(value, name), validate=True)
    except binascii.Error:
        raise ValueError(f"{name}: expected base64") from None
    if length is not None and len(data) != length:
        raise ValueError(f"{name}: expected {length} bytes, got {len(data)}")
    return data


def _number(value: object, name: str, below: int) -> int:
    """A whole number; numbers may come as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
        raise ValueError(f"{name}: expected a whole number from 0 to {below - 1}")
    return value


def _uuid(value: object, name: str) -> str:
    try:
        return str(uuid.UUID(_text(value, name)))
    except ValueError:
        raise ValueError(f"{name}: expected a UUID") from None
