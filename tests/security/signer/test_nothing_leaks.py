"""No key, PIN, token or input in logs, errors, traces, metrics or the process listing."""

from __future__ import annotations

import base64
import os
import urllib.request
from pathlib import Path

import pytest
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    resources_pb2,
    signing_service_pb2,
    signing_service_pb2_grpc,
    token_service_pb2,
    token_service_pb2_grpc,
)
from sealwright_common.domain.errors import Problem
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.crypto.voprf import VOPRF_RISTRETTO255

from tests.integration.signer.issuers import blind_sign, make_keys, tell_issuer, until_known
from tests.support import blinding
from tests.support.bus import Bus
from tests.support.signer import SignerProcess


def forms(secret: bytes) -> list[bytes]:
    """How a secret may appear in text."""
    return [
        secret,
        secret.hex().encode(),
        base64.b64encode(secret).rstrip(b"="),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
        repr(secret).encode(),
    ]


@pytest.mark.promise(35)
async def test_nothing_leaks(
    tmp_path: Path, database_dsn: str, nats_url: str, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = {"TELEMETRY__LOG_LEVEL": "INFO", "TELEMETRY__SAMPLE_RATIO": "1.0"}
    process = SignerProcess(tmp_path, database_dsn, nats_url, token, spans)
    process.start()
    said: list[str] = []
    try:
        await process.wait_ready()
        async with Bus(nats_url) as bus:
            channel = process.channel()
            await make_keys(channel, "leaks", "VOPRF_RISTRETTO255", 1)
            await tell_issuer(bus, "leaks", 1)
            await until_known(channel, "leaks")
            blinded = blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(98))
            (result,) = await blind_sign(channel, "leaks", [blinded.blinded], "leaks")
            output = blinding.voprf_output(VOPRF_RISTRETTO255, blinded, result.signed_tokens[0])
            payload, wrong = os.urandom(24), os.urandom(64)
            tokens = token_service_pb2_grpc.TokenServiceStub(channel)
            for proof in (output, output, wrong):
                item = token_service_pb2.RedeemItem(
                    issuer_type="leaks",
                    protocol=token_service_pb2.ProtocolToken(key_id=result.key_id, input=blinded.input, output=proof),
                    payload=payload,
                )
                said.append(
                    str((await tokens.Redeem(token_service_pb2.RedeemRequest(item=item))).outcome.error_message)
                )
            bad = os.urandom(31)
            (refused,) = await blind_sign(channel, "leaks", [bad], "bad")
            said.append(refused.error_message)
            message = os.urandom(40)
            signing = signing_service_pb2_grpc.SigningServiceStub(channel)
            spec = key_service_pb2.KeySpec(
                algorithm=keys_pb2.KEY_ALGORITHM_ES256,
                purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
                protection=keys_pb2.PROTECTION_WRAPPED,
                state=keys_pb2.KEY_STATE_ACTIVE,
            )
            made = await key_service_pb2_grpc.KeyServiceStub(channel).CreateKeys(
                key_service_pb2.CreateKeysRequest(keys=[spec])
            )
            request = signing_service_pb2.SignRequest(
                key_id=made.keys[0].id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=message
            )
            signature = (await signing.Sign(request)).signature
            request.input_kind = resources_pb2.INPUT_KIND_DIGEST
            with pytest.raises(Problem) as problem:
                await signing.Sign(request)
            said.append(problem.value.message)
            await channel.close()
        metrics = urllib.request.urlopen(f"http://{process.ops}/metrics", timeout=5).read()
        assert process.process is not None
        listing = Path(f"/proc/{process.process.pid}/cmdline").read_bytes()
    finally:
        process.stop()
    seen = process.log.read_bytes() + metrics + listing + "\n".join(said).encode()
    secrets = {
        "PIN": token.pin.encode(),
        "message": message,
        "signature": signature,
        "blinded token": blinded.blinded,
        "blind": blinded.blind,
        "token input": blinded.input,
        "token output": output,
        "wrong output": wrong,
        "bad token": bad,
        "payload": payload,
        "proof": result.proof,
    }
    assert b"started" in seen, "the log was looked at"
    found = [name for name, secret in secrets.items() for form in forms(secret) if form in seen]
    assert found == []
