"""TokenService."""

from __future__ import annotations

from sealwright.signer.v1 import token_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.runtime.grpc.answers import answer

from sealwright_signer.codec import tokens as token_codec
from sealwright_signer.usecases.blind_sign import BlindSign
from sealwright_signer.usecases.redeem import Redeem


class TokenServicer:
    """Blind signing and redemption."""

    def __init__(self, blind_sign: BlindSign, redeem: Redeem) -> None:
        self._blind_sign = blind_sign
        self._redeem = redeem

    async def BlindSign(self, request: pb.BlindSignRequest, call: Call) -> pb.BlindSignResponse:
        """Signs blinded tokens."""
        return await answer(call, self._blind_sign, token_codec.blind_items(request), token_codec.blind_response)

    async def Redeem(self, request: pb.RedeemRequest, call: Call) -> pb.RedeemResponse:
        """Redeems one token."""
        items = [token_codec.redeem_item(request.item, "item")]
        return await answer(call, self._redeem, items, token_codec.redeem_response)

    async def RedeemBatch(self, request: pb.RedeemBatchRequest, call: Call) -> pb.RedeemBatchResponse:
        """Redeems many tokens."""
        return await answer(
            call, self._redeem, token_codec.redeem_items(request.items), token_codec.redeem_batch_response
        )
