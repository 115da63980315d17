"""Any credential of ours from its bytes: tells the format and checks it."""

from __future__ import annotations

from datetime import datetime

from sealwright_common.verify.data_integrity import verify_ldp_vc
from sealwright_common.verify.jws import MAX_BYTES, strict_object
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.keys import unb64url
from sealwright_common.verify.mdoc import verify_issuer_signed
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.sd_jwt import verify_sd_jwt_vc
from sealwright_common.verify.trust import Trust


def verify_credential(content: bytes, trust: Trust, now: datetime) -> Verified:
    """Checks a credential in any format: SD-JWT VC, VC as JWT, Data Integrity JSON, mdoc as CBOR or its base64url."""
    if len(content) > MAX_BYTES:
        raise NotVerified("malformed", "a credential of more than 1 MiB")
    text = content.strip()
    if text.startswith(b"{"):
        return verify_ldp_vc(strict_object(text), trust, now)
    if not text.isascii():
        return verify_issuer_signed(content, trust, now)
    if b"~" in text:
        return verify_sd_jwt_vc(text.decode(), trust, now)
    if text.count(b".") == 2:
        return verify_jwt_vc(text.decode(), trust, now)
    return verify_issuer_signed(unb64url(text.decode()), trust, now)
