"""JSON bodies as issuers send them: names without regard to case, numbers also as text, enums as names or integers.

Every problem names the path of the member at fault. A member nobody knows is refused: nothing is accepted and ignored.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sealwright_common.domain.certificates import (
    Attribute,
    CertificateOrder,
    CertificateType,
    EndpointKey,
    OnClash,
    WalletEndpoint,
)
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Problem

E = TypeVar("E", bound=StrEnum)

_TYPE_NUMBERS = {1: CertificateType.CONSUMPTION, 2: CertificateType.PRODUCTION}
_CLASH_NUMBERS = {1: OnClash.OTHER_LANE, 2: OnClash.REJECT}
_PATHS = {
    "recipient_id": "recipientId",
    "registry": "registryName",
    "metering_point_id": "meteringPointId",
    "certificate_id": "certificate.id",
    "start_time": "certificate.start",
    "end_time": "certificate.end",
    "quantity": "certificate.quantity",
    "grid_area": "certificate.gridArea",
    "clear_text_attributes": "certificate.clearTextAttributes",
    "hashed_attributes": "certificate.hashedAttributes",
    "wallet_endpoint": "walletEndpointReference",
    "on_clash": "certificate.onClash",
}


def parse(body: bytes) -> Any:
    """The JSON value of a body. Raises InvalidArgument if it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidArgument.of("$", "a JSON object") from None


def wallet_endpoint(body: Any) -> WalletEndpoint:
    """The endpoint of ``{walletEndpointReference: {version, endpoint, publicKey}}``."""
    reference = _object(body, "", ("walletEndpointReference",))["walletEndpointReference"]
    path = "walletEndpointReference"
    members = _object(reference, path, ("version", "endpoint", "publicKey"))
    if _integer(members["version"], f"{path}.version", 0, 2**31) != 1:
        raise InvalidArgument.of(f"{path}.version", "1, the only version there is")
    url = _text(members["endpoint"], f"{path}.endpoint", 1, 512)
    try:
        key = EndpointKey(_bytes(members["publicKey"], f"{path}.publicKey"))
    except ValueError as error:
        raise InvalidArgument.of(f"{path}.publicKey", str(error)) from None
    return WalletEndpoint(url, key)


def order(body: Any) -> CertificateOrder:
    """The order of ``{recipientId, registryName, meteringPointId, certificate: {...}}``."""
    members = _object(body, "", ("recipientId", "registryName", "meteringPointId", "certificate"))
    certificate = _object(
        members["certificate"],
        "certificate",
        ("id", "type", "quantity", "start", "end", "gridArea", "clearTextAttributes", "hashedAttributes"),
        ("onClash", "allowClearTextQuantity"),
    )
    return CertificateOrder(
        _uuid(members["recipientId"], "recipientId"),
        _text(members["registryName"], "registryName", 1, 64),
        _uuid(certificate["id"], "certificate.id"),
        _text(members["meteringPointId"], "meteringPointId", 1, 256),
        _enum(certificate["type"], "certificate.type", CertificateType, _TYPE_NUMBERS),
        _integer(certificate["quantity"], "certificate.quantity", 0, 2**32),
        _moment(certificate["start"], "certificate.start"),
        _moment(certificate["end"], "certificate.end"),
        _text(certificate["gridArea"], "certificate.gridArea", 1, 64),
        _clear_text(certificate["clearTextAttributes"]),
        _hashed(certificate["hashedAttributes"]),
        _enum(certificate.get("onClash", "OTHER_LANE"), "certificate.onClash", OnClash, _CLASH_NUMBERS),
        _boolean(certificate.get("allowClearTextQuantity", False), "certificate.allowClearTextQuantity"),
    )


def renamed(problem: Problem) -> Problem:
    """The problem with its field paths as this door calls them."""
    fields = [FieldProblem(_path(field.path), field.expected) for field in problem.fields]
    if not fields or all(new.path == old.path for new, old in zip(fields, problem.fields, strict=True)):
        return problem
    if isinstance(problem, InvalidArgument):
        return InvalidArgument.of_all(fields, reason=problem.reason)
    return type(problem)(
        problem.reason, problem.message, fields=fields, metadata=problem.metadata, retry_after=problem.retry_after
    )


def _path(path: str) -> str:
    head, bracket, rest = path.partition("[")
    name, dot, below = head.partition(".")
    return _PATHS.get(name, name) + dot + below + bracket + rest


def _object(value: Any, path: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    """The members of an object under their proper names."""
    if not isinstance(value, Mapping):
        raise InvalidArgument.of(path or "$", "a JSON object")
    proper = {name.casefold(): name for name in (*required, *optional)}
    prefix = f"{path}." if path else ""
    members: dict[str, Any] = {}
    for name, member in value.items():
        known = proper.get(name.casefold())
        if known is None:
            raise InvalidArgument.of(f"{prefix}{name[:64]}", f"no such member; known are {', '.join(proper.values())}")
        if known in members:
            raise InvalidArgument.of(f"{prefix}{known}", "one member of this name, without regard to case")
        members[known] = member
    missing = [name for name in required if members.get(name) is None]
    if missing:
        raise InvalidArgument.of_all(FieldProblem(f"{prefix}{name}", "a value; it is required") for name in missing)
    return members


def _text(value: Any, path: str, shortest: int, longest: int) -> str:
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise InvalidArgument.of(path, f"{shortest} to {longest} characters")
    return value


def _uuid(value: Any, path: str) -> UUID:
    try:
        return UUID(_text(value, path, 32, 38))
    except ValueError:
        raise InvalidArgument.of(path, "a UUID") from None


def _integer(value: Any, path: str, least: int, below: int) -> int:
    if isinstance(value, str):
        try:
            value = int(value) if len(value) <= 20 else None
        except ValueError:
            value = None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < below:
        raise InvalidArgument.of(path, f"a whole number from {least} to {below - 1}")
    return value


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgument.of(path, "true or false")
    return value


def _bytes(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(_text(value, path, 0, 1024), validate=True)
    except binascii.Error:
        raise InvalidArgument.of(path, "bytes in standard base64") from None


def _enum(value: Any, path: str, kind: type[E], numbers: Mapping[int, E]) -> E:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in numbers:
        return numbers[value]
    if isinstance(value, str):
        folded = value.replace("_", "").casefold()
        for member in kind:
            if member.value.replace("_", "").casefold() == folded:
                return member
    names = ", ".join(f"{member.value.lower()} ({number})" for number, member in numbers.items())
    raise InvalidArgument.of(path, f"one of {names}")


def _moment(value: Any, path: str) -> datetime:
    """Unix seconds."""
    return datetime.fromtimestamp(_integer(value, path, -62135596800, 253402300800), UTC)


def _clear_text(value: Any) -> tuple[Attribute, ...]:
    path = "certificate.clearTextAttributes"
    if not isinstance(value, Mapping):
        raise InvalidArgument.of(path, "an object of names and texts")
    return tuple(Attribute(key, _text(text, f"{path}.{key[:64]}", 0, 512)) for key, text in value.items())


def _hashed(value: Any) -> tuple[Attribute, ...]:
    path = "certificate.hashedAttributes"
    if not isinstance(value, list):
        raise InvalidArgument.of(path, "a list of objects with key and value")
    attributes: list[Attribute] = []
    for index, item in enumerate(value):
        members = _object(item, f"{path}[{index}]", ("key", "value"))
        attributes.append(
            Attribute(
                _text(members["key"], f"{path}[{index}].key", 1, 256),
                _text(members["value"], f"{path}[{index}].value", 0, 512),
            )
        )
    return tuple(attributes)
