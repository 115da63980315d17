"""Both services together: the signer signs blind by the rotator's schedule, through its rotations."""

from __future__ import annotations

import asyncio
import uuid

from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.signer.v1 import token_service_pb2 as tokens
from sealwright.signer.v1.token_service_pb2_grpc import TokenServiceStub
from sealwright_common.domain.errors import Unavailable

from tests.integration.rotator.conftest import Mesh

NAME = "tokens"


async def signed(mesh: Mesh, count: int) -> tokens.BlindSignResponse:
    """The answer to so many blinded tokens, small numbers below every modulus."""
    item = tokens.BlindSignItem(
        issuer_type=NAME, blinded_tokens=[(n + 2).to_bytes(256, "big") for n in range(count)], associated_data=b"x"
    )
    request = tokens.BlindSignRequest(request_id=str(uuid.uuid4()), items=[item])
    return await TokenServiceStub(mesh.signer_channel).BlindSign(request, timeout=30)


async def slots(mesh: Mesh, count: int, expected: list[int]) -> tokens.BlindSignResponse:
    """The answer once it is by these slots: the signer's copy of the schedule follows within moments."""
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await signed(mesh, count)
            except Unavailable:
                # The key that takes the place of the one used up is being made.
                continue
            if [r.slot for r in answer.results if r.status == tokens.BLIND_SIGN_STATUS_OK] == expected:
                return answer
            await asyncio.sleep(0.1)


async def test_blind_signing_follows_the_schedule(mesh: Mesh) -> None:
    await mesh.stub.CreateIssuer(
        pb.CreateIssuerRequest(
            issuer_type=NAME,
            max_tokens=2,
            schedule=resources_pb2.Schedule(duration="P1D", buffer=2, overlap=1),
            purpose=keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE,
            algorithm=keys_pb2.KEY_ALGORITHM_RSABSSA_DETERMINISTIC,
        ),
        timeout=60,
    )
    answer = await slots(mesh, 6, [0, 1, 2])
    listed = (await mesh.stub.GetActiveKeys(pb.GetActiveKeysRequest(issuer_type=NAME))).signing_keys
    assert [result.key_id for result in answer.results] == [key.key_id for key in listed]
    assert [result.window for result in answer.results] == [key.window for key in listed]
    for wrong in (0, 4, 9):
        refused = await signed(mesh, wrong)
        assert [result.status for result in refused.results] == [tokens.BLIND_SIGN_STATUS_INVALID]

    await mesh.stub.RotateNow(pb.RotateNowRequest(issuer_type=NAME, slot=1))
    await mesh.stub.RotateNow(pb.RotateNowRequest(issuer_type=NAME, slot=2))
    await slots(mesh, 3, [1, 2, 3])
    await mesh.stub.MarkCompromised(pb.MarkCompromisedRequest(issuer_type=NAME, slot=2, comment="drill"))
    await slots(mesh, 3, [1, 3, 4])
