"""Domain enums and their proto twins have the same members."""

from __future__ import annotations

from typing import Any

import pytest
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import events_pb2, resources_pb2, token_service_pb2
from sealwright_signer.codec.keys import ALGORITHM, FORM, KIND, PROTECTION, PURPOSE, STATE, EnumMap
from sealwright_signer.codec.tokens import REDEEM_STATUS
from sealwright_signer.crypto.public_keys import FORMATS
from sealwright_signer.ports import KeyEventKind


@pytest.mark.parametrize(
    ("mapping", "proto"),
    [
        (ALGORITHM, keys_pb2.KeyAlgorithm),
        (PURPOSE, keys_pb2.KeyPurpose),
        (PROTECTION, keys_pb2.Protection),
        (STATE, keys_pb2.KeyState),
        (KIND, resources_pb2.InputKind),
        (FORM, resources_pb2.SignatureFormat),
        (REDEEM_STATUS, token_service_pb2.RedeemStatus),
    ],
)
def test_every_value_has_its_twin(mapping: EnumMap, proto: Any) -> None:
    assert set(mapping.to_domain) == set(proto.values()) - {0}


def test_every_format_is_written() -> None:
    names = {name.removeprefix("PUBLIC_KEY_FORMAT_") for name in resources_pb2.PublicKeyFormat.keys()}  # noqa: SIM118
    assert set(FORMATS) == names - {"UNSPECIFIED"}


def test_every_event_has_its_message() -> None:
    assert {kind.value for kind in KeyEventKind} | {"AuditHeadTaken"} == set(
        events_pb2.DESCRIPTOR.message_types_by_name
    )
