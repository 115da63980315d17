"""``issuer-plugin``: credentials of another issuer (proxy mode), none passed on that does not verify.

``{"plugin": NAME, "issuer": ID, "keys": [JWK with kid], "anchors": [base64 DER], "settings": {...}}``: the plugin
to ask, and whom to believe. What comes back is checked for signature, issuer, format and type, holder, validity and
status.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from grpc import aio
from sealwright_common.domain.errors import FailedPrecondition, Problem, Reason, Unavailable
from sealwright_common.domain.formats import HolderKey, MdocOptions, SdJwtOptions
from sealwright_common.domain.oid4vci import Configuration
from sealwright_common.domain.status_lists import decode_list, is_set
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.jws import strict_object
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import NotVerified, StatusEntry, Verified
from sealwright_common.verify.status_list import verify_status_list
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.oid4vci.checks import known_contexts
from sealwright_certify.adapters.providers.plugin import plugin_problems
from sealwright_certify.codec.plugins import IssuerPlugin, provider_refusal
from sealwright_certify.usecases.oid4vci.errors import request_denied
from sealwright_certify.usecases.oid4vci.ports import ProxyRequest

FetchList = Callable[[str], Awaitable[str | bytes]]
"""Gets a status list by its URL, through the egress guard: text, or bytes for a CWT. Raises Unavailable."""


class PluginIssuer:
    """Asks issuing plugins and verifies what they bring."""

    def __init__(self, channels: Mapping[str, aio.Channel], fetch: FetchList) -> None:
        self._plugins = {name: IssuerPlugin(channel) for name, channel in channels.items()}
        self._fetch = fetch

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong, the plugin's own opinion included."""
        found = plugin_problems(settings, {"plugin", "settings", "issuer", "keys", "anchors"}, self._plugins.keys())
        if not isinstance(settings.get("issuer"), str):
            found.append("issuer: the identifier the other issuer's credentials carry")
        try:
            trust = trust_of(settings)
            if not trust.keys and not trust.anchors:
                found.append("keys or anchors: whom to believe; without them nothing would ever verify")
        except (NotVerified, KeyError, TypeError, binascii.Error, ValueError):
            found.append("keys: public JWKs with kid; anchors: certificates as base64 DER")
        return found or await self._plugins[settings["plugin"]].problems(settings.get("settings", {}))

    async def issue(self, request: ProxyRequest, now: datetime) -> list[str | Mapping[str, Any]]:
        """The verified credentials, one per key, in order."""
        settings = request.settings
        try:
            given = await self._plugins[settings["plugin"]].issue(request, settings.get("settings", {}))
        except Unavailable:
            raise
        except Problem as problem:
            raise provider_refusal(problem) from problem
        if not given:
            raise request_denied("the other issuer refuses this credential")
        try:
            if len(given) != len(request.keys):
                raise NotVerified("proof", "another number of credentials than keys")
            for text, key in zip(given, request.keys, strict=True):
                await self._check(text, key, request.configuration, settings, now)
        except NotVerified as error:
            raise FailedPrecondition(
                Reason.PROVIDER_FAILED,
                f"a credential of the other issuer does not verify ({error.reason}); not passed on",
            ) from error
        return [strict_object(text) if text.startswith("{") else text for text in given]

    async def _check(
        self, text: str, key: HolderKey, configuration: Configuration, settings: Mapping[str, Any], now: datetime
    ) -> None:
        trust = replace(trust_of(settings), contexts=known_contexts(configuration.options))
        verified = verify_credential(text.encode(), trust, now)
        if verified.format != configuration.format.value:
            raise NotVerified("type", "another format")
        if verified.issuer != settings["issuer"]:
            raise NotVerified("issuer", "another issuer")
        if not _types(configuration) <= set(verified.types):
            raise NotVerified("type", "another type")
        if verified.holder is None or dict(verified.holder) != dict(key.jwk):
            raise NotVerified("holder", "bound to another key")
        for entry in verified.status:
            await self._check_status(entry, trust, verified, now)

    async def _check_status(self, entry: StatusEntry, trust: Trust, verified: Verified, now: datetime) -> None:
        token = await self._fetch(entry.uri)
        if entry.kind == "TokenStatusList":
            set_ = verify_status_list(token, entry.uri, trust, now).status(entry.index) != 0
        else:
            if not isinstance(token, str):
                raise NotVerified("status", "expected a status list credential")
            listed = verify_jwt_vc(token, trust, now)
            if listed.issuer != verified.issuer or listed.claims.get("statusPurpose") != entry.purpose:
                raise NotVerified("status", "another issuer's list, or one for another purpose")
            try:
                set_ = is_set(decode_list(cast(str, listed.claims["encodedList"])), entry.index)
            except (KeyError, ValueError) as error:
                raise NotVerified("status", "the status list cannot be read") from error
        if set_:
            raise NotVerified("status", "revoked or suspended")


def trust_of(settings: Mapping[str, Any]) -> Trust:
    """Whom the settings believe."""
    keys = {str(jwk["kid"]): from_jwk(jwk) for jwk in settings.get("keys", ())}
    return Trust(
        keys=keys, anchors=tuple(base64.b64decode(text, validate=True) for text in settings.get("anchors", ()))
    )


def _types(configuration: Configuration) -> set[str]:
    match configuration.options:
        case SdJwtOptions() as options:
            return {options.vct}
        case MdocOptions() as options:
            return {options.doctype}
        case options:
            return set(options.types)
