"""Whose access token this is, and what it allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sealwright_common.domain.oid4vci import Configuration, Issuer
from sealwright_common.domain.oid4vci_grants import Access, secret_hash

from sealwright_certify.usecases.oid4vci.errors import ProtocolError, TokenRefused, invalid_credential_request
from sealwright_certify.usecases.oid4vci.ports import DpopProof, ForeignTokens, Oid4vciWork


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of its authority."""

    token: str
    scheme: str
    """Bearer or DPoP, as in the Authorization header."""
    dpop: DpopProof | None = None


async def foreign_access(
    foreign: ForeignTokens, issuer: Issuer, identifier: str, presented: Presented, now: datetime
) -> Access | None:
    """The access of an external server's token; None for tokens of ours. May ask for that server's keys, so it is
    called before any transaction."""
    if not issuer.authorization_servers or presented.token.count(".") != 2:
        return None
    return await foreign.check(presented.token, issuer, identifier, now)


async def authorize(work: Oid4vciWork, issuer: Issuer, presented: Presented, foreign: Access | None) -> Access:
    """The access of a token for this issuer, an expired one too; counts the DPoP proof as used. TokenRefused otherwise.

    Expired: a deferred credential may come days later, and its transaction id, which is as secret as a token, is what
    is redeemed there; the token only says for which grant. The same goes for notifications.
    """
    token = secret_hash(presented.token)
    access = checked_access(issuer, presented, foreign or (await work.access.get([token])).get(token))
    if presented.dpop is not None and not all(await work.once.use([presented.dpop.once])):
        raise proof_used()
    return access


def checked_access(
    issuer: Issuer, presented: Presented, access: Access | None, unexpired_at: datetime | None = None
) -> Access:
    """``access`` if it is for this issuer, not expired at ``unexpired_at``, and bound as the request shows it.
    TokenRefused otherwise."""
    if access is None or access.issuer != issuer.path or access.tenant != issuer.tenant:
        raise TokenRefused("invalid_token", "the access token is unknown here", scheme=presented.scheme)
    if unexpired_at is not None and access.expires <= unexpired_at:
        raise TokenRefused("invalid_token", "the access token expired; get a new one", scheme=presented.scheme)
    proof = presented.dpop
    if access.thumbprint is not None:
        if presented.scheme != "DPoP" or proof is None:
            raise TokenRefused(
                "invalid_token", "the access token is bound to a key; use the DPoP scheme", scheme="DPoP"
            )
        if proof.thumbprint != access.thumbprint:
            raise TokenRefused("invalid_token", "the DPoP proof is of another key than the token's", scheme="DPoP")
    elif presented.scheme == "DPoP":
        raise TokenRefused("invalid_token", "the access token is bound to no key; use the Bearer scheme")
    elif issuer.dpop_required:
        raise TokenRefused("invalid_token", "this issuer takes only tokens that are bound by DPoP", scheme="DPoP")
    return access


def proof_used() -> TokenRefused:
    """The refusal of a DPoP proof that was used before."""
    return TokenRefused("invalid_dpop_proof", "this DPoP proof was used before; make a new one", scheme="DPoP")


def chosen_configuration(issuer: Issuer, access: Access, identifier: object, configuration_id: object) -> Configuration:
    """The configuration a request names, exactly one way (section 8.2), within what the token allows."""
    if (identifier is None) == (configuration_id is None):
        raise invalid_credential_request("expected either credential_identifier or credential_configuration_id")
    if identifier is not None:
        name = access.identifiers.get(identifier) if isinstance(identifier, str) else None
        if name is None:
            raise ProtocolError(
                "unknown_credential_identifier", "the token response named no such credential identifier"
            )
    else:
        if access.identifiers:
            raise invalid_credential_request("use credential_identifier, as the token response named identifiers")
        name = configuration_id
    configuration = issuer.configurations.get(name) if isinstance(name, str) else None
    if configuration is None:
        raise ProtocolError("unknown_credential_configuration", "the issuer has no such credential configuration")
    if configuration.id not in access.configuration_ids:
        raise TokenRefused("insufficient_scope", "the access token does not cover this credential", 403)
    return configuration
