"""Settings that would leave a door open are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sealwright_common.runtime.config import DatabaseSettings, TlsSettings
from sealwright_rotator.config import RotatorSettings

HERE = Path("/nowhere")


def settings(**over: Any) -> RotatorSettings:
    """A production rotator."""
    values: dict[str, Any] = {
        "database": DatabaseSettings(dsn=SecretStr("postgresql://db/x")),
        "tls": TlsSettings(cert=HERE, key=HERE, ca=HERE),
        "environment": "production",
    }
    return RotatorSettings(**(values | over))


def test_an_open_door_is_refused_in_production() -> None:
    with pytest.raises(ValidationError, match="open to everybody"):
        settings()
    with pytest.raises(ValidationError, match="16 characters"):
        settings(issuer_tokens=("short",))
    assert settings(issuer_tokens=("a-token-of-some-length",)).http_listen
    assert not settings(issuer_door=False).issuer_door
    assert settings(http_listen=None).http_listen is None
    assert settings(environment="development").issuer_door
