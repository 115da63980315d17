"""Blind signing and redemption: domain values to protobuf and back, over gRPC and on the work queue."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from sealwright.signer.v1 import queue_pb2, token_service_pb2
from sealwright_common.domain.errors import InvalidArgument, NotFound, Problem, Reason
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.runtime.db import EventRecord

from sealwright_signer.codec.keys import ALGORITHM, EnumMap, interval, reason, reason_value, timestamp
from sealwright_signer.crypto import cbp
from sealwright_signer.crypto.groups import BadElement
from sealwright_signer.crypto.privacypass import public_key_encoding
from sealwright_signer.ports import QueueAnswer
from sealwright_signer.usecases.blind_sign import BlindAnswer, BlindItem, RefusedItem, SignedShare
from sealwright_signer.usecases.redeem import (
    LegacyToken,
    PrivacyPassToken,
    ProtocolToken,
    RedeemItem,
    RedeemOutcome,
    RedeemStatus,
    Token,
)

REDEEM_STATUS = EnumMap(RedeemStatus, token_service_pb2.RedeemStatus, "REDEEM_STATUS")
BLIND_SIGN = "blind_sign"
REDEEM = "redeem"
REQUESTS = "sealwright.signer.v1.requests."
RESULTS = "sealwright.signer.v1.results."
"""Subjects of the work queue: these and the name of the queue."""

Result = TypeVar("Result", token_service_pb2.BlindSignResult, queue_pb2.QueuedBlindSignResult)


# -- blind signing --


def blind_items(request: token_service_pb2.BlindSignRequest) -> list[BlindItem]:
    """The items of a gRPC request."""
    return [
        BlindItem(item.issuer_type, item.issuer_cohort or 1, list(item.blinded_tokens), item.associated_data)
        for item in request.items
    ]


def queued_blind_item(item: queue_pb2.QueuedBlindSignItem, problem: Problem | None) -> BlindItem:
    """An item of a queued request; ``problem`` or tokens that are not standard base64 make it unreadable."""
    tokens: list[bytes] = []
    for position, text in enumerate(item.blinded_tokens if problem is None else ()):
        try:
            tokens.append(base64_decode(text))
        except ValueError:
            problem = InvalidArgument.of(
                f"blinded_tokens[{position}]",
                "standard base64 with padding (RFC 4648 section 4)",
                reason=Reason.BLINDED_TOKEN_BASE64,
            )
            break
    return BlindItem(item.issuer_type, item.issuer_cohort or 1, tokens, item.associated_data, problem)


def base64_decode(text: str) -> bytes:
    """Standard base64 with padding, in its one canonical form. ValueError for anything else."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not standard base64") from error
    if _base64(data) != text:
        raise ValueError("not canonical base64")
    return data


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def blind_response(answer: BlindAnswer) -> token_service_pb2.BlindSignResponse:
    """The answer as its gRPC message."""
    return token_service_pb2.BlindSignResponse(
        request_id=answer.request_id, results=[_result(result) for result in answer.results]
    )


def _result(result: SignedShare | RefusedItem) -> token_service_pb2.BlindSignResult:
    if isinstance(result, RefusedItem):
        return _refusal(token_service_pb2.BlindSignResult, result)
    key = result.key
    assert key.slot is not None
    return token_service_pb2.BlindSignResult(
        item=result.item,
        status=token_service_pb2.BLIND_SIGN_STATUS_OK,
        associated_data=result.associated_data,
        key_id=str(key.id),
        slot=key.slot.slot,
        window=interval(key.slot.window),
        algorithm=ALGORITHM.to_proto[key.algorithm],
        public_key=public_key_encoding(key.algorithm, key.public_key),
        blinded_tokens=result.blinded_tokens,
        signed_tokens=result.signatures.signed_tokens,
        proof=result.signatures.proof,
    )


@lru_cache(maxsize=4096)
def _public_key_text(algorithm: KeyAlgorithm, public_key: bytes) -> str:
    return _base64(public_key_encoding(algorithm, public_key))


def queued_blind_answer(answer: BlindAnswer) -> queue_pb2.QueuedBlindSignAnswer:
    """The answer as its message on the queue."""
    return queue_pb2.QueuedBlindSignAnswer(
        request_id=answer.request_id, results=[_queued_result(result) for result in answer.results]
    )


def _queued_result(result: SignedShare | RefusedItem) -> queue_pb2.QueuedBlindSignResult:
    if isinstance(result, RefusedItem):
        return _refusal(queue_pb2.QueuedBlindSignResult, result)
    key = result.key
    assert key.slot is not None
    return queue_pb2.QueuedBlindSignResult(
        item=result.item,
        status=token_service_pb2.BLIND_SIGN_STATUS_OK,
        associated_data=result.associated_data,
        key_id=str(key.id),
        slot=key.slot.slot,
        window=interval(key.slot.window),
        algorithm=ALGORITHM.to_proto[key.algorithm],
        public_key=_public_key_text(key.algorithm, key.public_key),
        blinded_tokens=[_base64(token) for token in result.blinded_tokens],
        signed_tokens=[_base64(token) for token in result.signatures.signed_tokens],
        proof=_base64(result.signatures.proof),
    )


def _refusal(kind: type[Result], refused: RefusedItem) -> Result:
    problem = refused.problem
    if problem is None:
        return kind(
            item=refused.item,
            status=token_service_pb2.BLIND_SIGN_STATUS_NOT_SIGNED,
            associated_data=refused.associated_data,
            error_message="another item of the request was refused, so nothing was signed",
        )
    unknown = isinstance(problem, NotFound)
    return kind(
        item=refused.item,
        status=(
            token_service_pb2.BLIND_SIGN_STATUS_UNKNOWN_ISSUER
            if unknown
            else token_service_pb2.BLIND_SIGN_STATUS_INVALID
        ),
        associated_data=refused.associated_data,
        error_reason=reason(problem),
        error_message=problem.message,
    )


# -- redemption --


def redeem_item(item: token_service_pb2.RedeemItem, path: str) -> RedeemItem:
    """The item in a request. InvalidArgument if no token is set."""
    token: Token
    match item.WhichOneof("token"):
        case "privacy_pass":
            token = PrivacyPassToken(item.privacy_pass.token)
        case "protocol":
            key_id = parse_id(item.protocol.key_id, f"{path}.protocol.key_id")
            token = ProtocolToken(key_id, item.protocol.input, item.protocol.output)
        case "legacy":
            token = _legacy_token(item.legacy)
        case _:
            raise InvalidArgument.of(f"{path}.token", "one of privacy_pass, protocol and legacy")
    return RedeemItem(item.issuer_type, item.issuer_cohort, token, item.payload, item.associated_data)


def _legacy_token(message: token_service_pb2.LegacyToken) -> LegacyToken:
    try:
        element = cbp.element(message.preimage)
    except BadElement:
        element = b""
    return LegacyToken(message.preimage, message.signature, element)


def queued_redeem_item(item: token_service_pb2.RedeemItem, problem: Problem | None) -> RedeemItem:
    """An item of a queued request, which ``problem`` makes unreadable."""
    if problem is None:
        return redeem_item(item, "item")
    nothing = PrivacyPassToken(b"")
    return RedeemItem(item.issuer_type, item.issuer_cohort, nothing, item.payload, item.associated_data, problem)


def redeem_items(items: Sequence[token_service_pb2.RedeemItem]) -> list[RedeemItem]:
    """The items of a bulk request."""
    return [redeem_item(item, f"items[{position}]") for position, item in enumerate(items)]


def outcome_message(outcome: RedeemOutcome) -> token_service_pb2.RedeemOutcome:
    """An outcome as its message."""
    held = outcome.redemption
    if held is None:
        return token_service_pb2.RedeemOutcome(
            status=REDEEM_STATUS.to_proto[outcome.status],
            associated_data=outcome.associated_data,
            error_reason=None if outcome.reason is None else reason_value(outcome.reason),
            error_message=outcome.message,
        )
    return token_service_pb2.RedeemOutcome(
        status=REDEEM_STATUS.to_proto[outcome.status],
        redemption_id=str(held.id),
        key_id=str(held.key_id),
        issuer_cohort=held.cohort,
        redeem_time=timestamp(held.time),
        associated_data=outcome.associated_data,
    )


def refused_outcome(associated_data: bytes, problem: Problem) -> token_service_pb2.RedeemOutcome:
    """The outcome of an item that was not looked at, for the reason of ``problem``."""
    return token_service_pb2.RedeemOutcome(
        status=token_service_pb2.REDEEM_STATUS_MALFORMED,
        associated_data=associated_data,
        error_reason=reason(problem),
        error_message=problem.message,
    )


def redeem_response(outcomes: Sequence[RedeemOutcome]) -> token_service_pb2.RedeemResponse:
    """The single outcome as its message."""
    return token_service_pb2.RedeemResponse(outcome=outcome_message(outcomes[0]))


def redeem_batch_response(outcomes: Sequence[RedeemOutcome]) -> token_service_pb2.RedeemBatchResponse:
    """The outcomes as their message."""
    return token_service_pb2.RedeemBatchResponse(outcomes=[outcome_message(outcome) for outcome in outcomes])


# -- the work queue --


def queue_event(answer: QueueAnswer) -> EventRecord:
    """An answer of the work queue as it is published: the stored bytes, under the results subject."""
    kind = queue_pb2.QueuedBlindSignAnswer if answer.queue == BLIND_SIGN else queue_pb2.QueuedRedeemAnswer
    return EventRecord(kind.FromString(answer.answer), answer.request_id, 1, answer.tenant, RESULTS + answer.queue)
