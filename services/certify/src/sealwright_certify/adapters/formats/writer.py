"""These formats for certify's own processes: definitions with the same options, delivered by any door.

``format_options_json`` of a definition: dc+sd-jwt ``vct``, ``disclose``, ``decoys``; ldp_vc ``suite``; jwt_vc_json
none. An mdoc needs a device key and a document signer's certificate, so it leaves by the OpenID4VCI door alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sealwright_common.domain.credentials import CredentialDefinition, CredentialFormat, StatusKind
from sealwright_common.domain.errors import FieldProblem, InvalidArgument
from sealwright_common.domain.formats import (
    Content,
    FormatOptions,
    HolderKey,
    IssuerKey,
    StatusReference,
)
from sealwright_common.domain.formats import Unsigned as Made
from sealwright_common.domain.oid4vci_document import read_options

from sealwright_certify.adapters.formats import MAKERS
from sealwright_certify.adapters.oid4vci.checks import CredentialCheck
from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.ports import Draft, Signed, Unsigned

_KINDS = {
    StatusKind.TOKEN: "TokenStatusList",
    StatusKind.BITSTRING: "BitstringStatusListEntry",
    StatusKind.STATUS_LIST_2021: "StatusList2021Entry",
}


@dataclass(frozen=True, slots=True)
class _Rest:
    made: Made


class FormatWriter:
    """Writes the OpenID4VCI formats for certify's processes."""

    formats = frozenset(MAKERS) - {CredentialFormat.MSO_MDOC}

    def problems(self, definition: CredentialDefinition) -> list[FieldProblem]:
        """What in the definition's options does not suit the format."""
        try:
            _options(definition)
        except InvalidArgument as problem:
            return list(problem.fields)
        return []

    def prepare(self, draft: Draft) -> Unsigned:
        """The bytes to sign."""
        subject = cast(Mapping[str, Any], draft.content.get("credentialSubject", draft.content))
        content = Content(
            credential_id=f"urn:uuid:{draft.id}",
            claims={name: value for name, value in subject.items() if name != "id"},
            issued=draft.valid_from,
            valid_from=draft.valid_from,
            valid_until=draft.valid_until,
            subject=draft.holder_did or None,
        )
        status = tuple(
            StatusReference(_KINDS[place.kind], place.uri, place.index, place.purpose.value) for place in draft.status
        )
        maker = MAKERS[draft.definition.format]
        made = maker.prepare(content, _options(draft.definition), _issuer(draft), _holder(draft), status)
        return Unsigned(made.message, _Rest(made))

    def complete(self, unsigned: Unsigned, signature: bytes) -> str:
        """The finished credential; JSON text for ldp_vc."""
        assert isinstance(unsigned.rest, _Rest)
        credential = unsigned.rest.made.assemble(signature)
        return credential if isinstance(credential, str) else json.dumps(credential)

    def check(self, payload: str, draft: Draft) -> Sequence[Signed]:
        """Verifies with the verifier's code and compares with the draft."""
        credential = json.loads(payload) if payload.startswith("{") else payload
        CredentialCheck().check(
            credential, _options(draft.definition), _issuer(draft), _holder(draft), draft.valid_from
        )
        return ()


def _options(definition: CredentialDefinition) -> FormatOptions:
    """The options, with the type from the definition for the W3C formats."""
    given = dict(definition.format_options or {})
    if definition.format in (CredentialFormat.LDP_VC, CredentialFormat.JWT_VC_JSON):
        given |= {"types": [definition.credential_type], "contexts": list(definition.additional_contexts)}
    if definition.format is CredentialFormat.DC_SD_JWT:
        given.setdefault("vct", definition.credential_type)
    return read_options(definition.format, given, "format_options_json")


def _issuer(draft: Draft) -> IssuerKey:
    key = draft.key
    jwk = verification_key(key.algorithm, key.public_key).jwk
    return IssuerKey(key.key_id, key.algorithm, jwk, draft.issuer.did, key.method)


def _holder(draft: Draft) -> HolderKey | None:
    if draft.holder_jwk is None:
        return None
    return HolderKey(draft.holder_jwk, draft.holder_did or None)
