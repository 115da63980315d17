"""Every credential is read back by the verifier before it leaves: format, key, type, holder, validity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sealwright_common.domain.errors import Internal, Reason
from sealwright_common.domain.formats import FormatOptions, HolderKey, IssuerKey, MdocOptions, SdJwtOptions, VcOptions
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.trust import Trust


class CredentialCheck:
    """Checks finished credentials with ``sealwright_common.verify``."""

    def check(
        self,
        credential: str | Mapping[str, Any],
        options: FormatOptions,
        key: IssuerKey,
        holder: HolderKey | None,
        now: datetime,
    ) -> None:
        """Raises Internal (SIGNATURE_FAULTY) unless the credential is what was to be made."""
        public = from_jwk({**key.jwk, "alg": key.algorithm.value})
        names = {key.method: public}
        if isinstance(options, MdocOptions):
            names[options.doctype] = public
        # With x5c the leaf is trusted for this check alone: that it carries our key is what matters here.
        content = credential.encode() if isinstance(credential, str) else json.dumps(credential).encode()
        try:
            trust = Trust(
                keys=names,
                anchors=key.chain[-1:],
                contexts=known_contexts(options),
                skew=int(timedelta(hours=1).total_seconds()),
            )
            verified = verify_credential(content, trust, now)
            _compare(verified, options, holder)
        except NotVerified as error:
            raise Internal(
                Reason.SIGNATURE_FAULTY, f"a credential did not pass its check ({error.reason}); nothing was issued"
            ) from error


def known_contexts(options: FormatOptions) -> tuple[Mapping[str, Any], ...]:
    """The inline contexts that a configuration itself names."""
    contexts = options.contexts if isinstance(options, VcOptions) else ()
    return tuple(context for context in contexts if not isinstance(context, str))


def _compare(verified: Verified, options: FormatOptions, holder: HolderKey | None) -> None:
    match options:
        case SdJwtOptions():
            expected = {options.vct}
        case MdocOptions():
            expected = {options.doctype}
        case VcOptions():
            expected = set(options.types)
    if not expected <= set(verified.types):
        raise NotVerified("type", "another type than was asked for")
    if holder is not None and verified.holder is not None and dict(verified.holder) != dict(holder.jwk):
        raise NotVerified("holder", "bound to another key")
    if holder is not None and verified.holder is None and verified.subject != holder.did:
        raise NotVerified("holder", "bound to another holder")
