"""The refusals OpenID4VCI 1.0, RFC 6749, RFC 6750 and RFC 9449 name: a code for programs and a sentence for people."""

from __future__ import annotations


class ProtocolError(Exception):
    """A refusal by its protocol code. ``status`` is the HTTP status; ``description`` ASCII without quotes."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status


class TokenRefused(ProtocolError):
    """No, a wrong or an insufficient access token (RFC 6750): answered with WWW-Authenticate."""

    def __init__(self, code: str, description: str, status: int = 401, scheme: str = "Bearer") -> None:
        super().__init__(code, description, status)
        self.scheme = scheme


def invalid_request(description: str) -> ProtocolError:
    """RFC 6749: the request is malformed."""
    return ProtocolError("invalid_request", description)


def invalid_grant(description: str) -> ProtocolError:
    """RFC 6749: a wrong, spent or expired code, or a wrong transaction code."""
    return ProtocolError("invalid_grant", description)


def invalid_credential_request(description: str) -> ProtocolError:
    """OpenID4VCI section 8.3.1.2: the credential request is malformed."""
    return ProtocolError("invalid_credential_request", description)


def invalid_proof(description: str) -> ProtocolError:
    """OpenID4VCI section 8.3.1.2: a proof is missing, wrong or without its nonce."""
    return ProtocolError("invalid_proof", description)


def invalid_nonce() -> ProtocolError:
    """OpenID4VCI section 8.3.1.2: get a new nonce and try again."""
    return ProtocolError("invalid_nonce", "the nonce is unknown, used or expired; get a new one at the nonce endpoint")


def request_denied(description: str) -> ProtocolError:
    """OpenID4VCI section 8.3.1.2: the issuer will not issue this; trying again changes nothing."""
    return ProtocolError("credential_request_denied", description)
