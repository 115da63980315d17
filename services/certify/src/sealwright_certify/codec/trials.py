"""What a dry run came to."""

from __future__ import annotations

import base64

from sealwright.certify.v1 import definition_service_pb2 as pb

from sealwright_certify.codec.definitions import outcome_message
from sealwright_certify.usecases.definitions import Trial


def trial_response(definition_id: str, trial: Trial) -> pb.TryDefinitionResponse:
    """Outcomes, and what would be signed as readable text: a JWS is shown by its payload."""
    return pb.TryDefinitionResponse(
        rules=[outcome_message(definition_id, outcome) for outcome in trial.outcomes],
        credential_json=_readable(trial.signing_input),
        problems=trial.problems,
    )


def _readable(signing_input: bytes) -> str:
    head, dot, payload = signing_input.partition(b".")
    if head and dot:
        return base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)).decode()
    return signing_input.decode(errors="replace")
