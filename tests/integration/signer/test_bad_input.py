"""Bad blinded tokens of every protocol and items that break a rule: each has its own reason, no key is used for any."""

from __future__ import annotations

import asyncio
import base64
import os
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from sealwright.common.v1 import errors_pb2
from sealwright.signer.v1 import queue_pb2, token_service_pb2, token_service_pb2_grpc
from sealwright_common.runtime.grpc import Channel
from sealwright_signer.crypto.p384 import P384_SHA384
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255

from tests.integration.signer.issuers import make_keys, tell_issuer, until_known
from tests.support import blinding
from tests.support.bus import Bus
from tests.support.signer import SignerProcess

ROUNDS = 40
"""How often each kind of mistake is made, with other random bytes each time: 640 bad tokens."""
PER_REQUEST = 60

Bad = tuple[str, Callable[[int], bytes]]
"""The reason expected, and a maker of such tokens, told the modulus of an RSA key."""

MISTAKES: dict[str, list[Bad]] = {
    "VOPRF_RISTRETTO255": [
        ("IDENTITY", lambda _: RISTRETTO255.identity),
        ("LENGTH", lambda _: os.urandom(31)),
        ("LENGTH", lambda _: os.urandom(33)),
        ("LENGTH", lambda _: b""),
        # A canonical encoding is never odd, never above the field's prime.
        ("INVALID", lambda _: bytes([os.urandom(1)[0] | 1]) + os.urandom(31)),
        ("INVALID", lambda _: os.urandom(31) + b"\xff"),
    ],
    "VOPRF_P384": [
        ("IDENTITY", lambda _: P384_SHA384.identity),
        ("LENGTH", lambda _: b"\x02" + os.urandom(47)),
        ("LENGTH", lambda _: b"\x04" + os.urandom(96)),
        ("INVALID", lambda _: bytes([4 + os.urandom(1)[0] // 2]) + os.urandom(48)),
        ("INVALID", lambda _: b"\x02" + b"\xff" * 40 + os.urandom(8)),
    ],
    "RSABSSA_DETERMINISTIC": [
        ("LENGTH", lambda _: os.urandom(255)),
        ("LENGTH", lambda _: b"\0" + os.urandom(256)),
        ("OUT_OF_RANGE", lambda n: (n + int.from_bytes(os.urandom(20))).to_bytes(256)),
        ("OUT_OF_RANGE", lambda n: (n - 1).to_bytes(256)),
        ("OUT_OF_RANGE", lambda _: bytes(255) + bytes([os.urandom(1)[0] & 1])),
    ],
}


@pytest.mark.promise(14)
@pytest.mark.parametrize("algorithm", list(MISTAKES))
async def test_no_key_is_used_for_a_bad_token(
    signer: SignerProcess, channel: Channel, nats_url: str, algorithm: str
) -> None:
    name = f"bad {algorithm}"
    keys = await make_keys(channel, name, algorithm, 2)
    async with Bus(nats_url) as bus:
        await tell_issuer(bus, name, 2)
        await until_known(channel, name)
    modulus = 0
    if algorithm.startswith("RSA"):
        publics = [blinding.public_rsa(key.public_key) for key in keys]
        modulus = publics[1].public_numbers().n
        good = [blinding.rsa_blind(public, os.urandom(98)).blinded for public in publics]
    else:
        voprf = VOPRF_P384 if algorithm == "VOPRF_P384" else VOPRF_RISTRETTO255
        good = [blinding.voprf_blind(voprf, os.urandom(98)).blinded for _ in keys]
    mistakes = MISTAKES[algorithm] * ROUNDS
    for start in range(0, len(mistakes), PER_REQUEST):
        part = mistakes[start : start + PER_REQUEST]
        tokens = [good, *([good[0], make(modulus)] for _, make in part)]
        items = [token_service_pb2.BlindSignItem(issuer_type=name, blinded_tokens=pair) for pair in tokens]
        request = token_service_pb2.BlindSignRequest(request_id=f"{name} {start}", items=items)
        first, *refused = (await token_service_pb2_grpc.TokenServiceStub(channel).BlindSign(request)).results
        assert first.status == token_service_pb2.BLIND_SIGN_STATUS_NOT_SIGNED, "all items or none"
        for (reason, _), result in zip(part, refused, strict=True):
            assert result.error_reason == errors_pb2.ErrorReason.Value(f"ERROR_REASON_BLINDED_TOKEN_{reason}")
            assert "blinded_tokens[1]" in result.error_message, "its place in the item, whichever key it is for"
            assert not result.signed_tokens
    with urllib.request.urlopen(f"http://{signer.ops}/metrics") as answer:
        assert b"sealwright_signer_blind_signatures_total{" not in answer.read()


async def test_an_item_that_breaks_a_rule_is_answered_on_the_queue_too(channel: Channel, nats_url: str) -> None:
    await make_keys(channel, "ruled", "VOPRF_RISTRETTO255", 1)
    async with Bus(nats_url) as bus:
        await tell_issuer(bus, "ruled", 1)
        await until_known(channel, "ruled")
        signed, redeemed = [
            await bus.listen(f"sealwright.signer.v1.results.{name}") for name in ("blind_sign", "redeem")
        ]
        text = base64.b64encode(blinding.voprf_blind(VOPRF_RISTRETTO255, b"x").blinded).decode()
        wrong: list[dict[str, Any]] = [{"issuer_cohort": 2}, {"issuer_cohort": -1}, {"issuer_type": ""}]
        items = [
            queue_pb2.QueuedBlindSignItem(
                **{"issuer_type": "ruled", "blinded_tokens": [text], "associated_data": b"%d" % number, **fields}
            )
            for number, fields in enumerate(wrong)
        ]
        request = queue_pb2.QueuedBlindSignRequest(request_id="wrong items", items=items)
        await bus.publish("sealwright.signer.v1.requests.blind_sign", request, aggregate_id="wrong items")
        answer = queue_pb2.QueuedBlindSignAnswer.FromString(await asyncio.wait_for(signed.get(), 60))
        assert [(result.error_reason, result.associated_data) for result in answer.results] == [
            (errors_pb2.ERROR_REASON_ISSUER_UNKNOWN, b"0"),
            (errors_pb2.ERROR_REASON_FIELD_INVALID, b"1"),
            (errors_pb2.ERROR_REASON_FIELD_INVALID, b"2"),
        ]
        protocol = token_service_pb2.ProtocolToken(key_id="no id", input=b"x", output=b"x")
        tokens = [
            token_service_pb2.RedeemItem(issuer_type="ruled", associated_data=b"0"),
            token_service_pb2.RedeemItem(issuer_type="ruled", protocol=protocol, associated_data=b"1"),
        ]
        redeem = queue_pb2.QueuedRedeemRequest(request_id="wrong tokens", items=tokens)
        await bus.publish("sealwright.signer.v1.requests.redeem", redeem, aggregate_id="wrong tokens")
        outcomes = queue_pb2.QueuedRedeemAnswer.FromString(await asyncio.wait_for(redeemed.get(), 60)).outcomes
    assert [(o.status, o.error_reason, o.associated_data) for o in outcomes] == [
        (token_service_pb2.REDEEM_STATUS_MALFORMED, errors_pb2.ERROR_REASON_FIELD_INVALID, b"%d" % number)
        for number in range(2)
    ]
