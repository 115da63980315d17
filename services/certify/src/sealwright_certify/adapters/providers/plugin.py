"""``plugin``: claims from a plugin service. ``{"plugin": NAME, "settings": {...}}``; NAME is one of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grpc import aio
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Problem, Unavailable

from sealwright_certify.codec.plugins import DataProviderPlugin, provider_refusal
from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest


class PluginClaims:
    """Asks data provider plugins."""

    def __init__(self, channels: Mapping[str, aio.Channel]) -> None:
        self._plugins = {name: DataProviderPlugin(channel) for name, channel in channels.items()}

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong, the plugin's own opinion included; Unavailable if it cannot be asked."""
        found = plugin_problems(settings, {"plugin", "settings"}, self._plugins.keys())
        return found or await self._plugins[settings["plugin"]].problems(settings.get("settings", {}))

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        """What the plugin says; anything but an answer is Unavailable, as it says nothing of the subject."""
        try:
            return await self._plugins[request.settings["plugin"]].fetch(request, request.settings.get("settings", {}))
        except (Unavailable, FailedPrecondition):
            raise
        except (Problem, InvalidArgument) as problem:
            raise provider_refusal(problem) from problem


def plugin_problems(settings: Mapping[str, Any], members: set[str], known: Any) -> list[str]:
    """What is wrong with the part of the settings that names a plugin."""
    found = [f"no member {name}" for name in settings.keys() - members]
    if settings.get("plugin") not in known:
        found.append(f"plugin: one of {', '.join(sorted(known)) or '(none is configured)'}")
    if not isinstance(settings.get("settings", {}), Mapping):
        found.append("settings: an object")
    return found
