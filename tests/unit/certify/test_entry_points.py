"""R18: attestation types of installed packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sealwright_certify.adapters.sources.entry_points import entry_point_factories
from sealwright_certify.adapters.sources.simple import StaticFactory
from sealwright_certify.ports import AttestationContext, AttestationDefinition
from sealwright_certify.usecases.evaluate import SourceRegistry
from sealwright_common.domain.errors import FailedPrecondition

MODULE = """
class Weather:
    type = "weather"

    async def problems(self, tenant, definition):
        return [] if "city" in definition.configuration else ["city: a name"]

    def create(self, definition):
        return self

    async def evaluate(self, context):
        return {"sunny": True, "text": "x" * int(context.holder_did.rpartition(":")[2])}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package somebody else wrote, as its installation leaves it; the name of its module."""
    (tmp_path / "weather_attestations.py").write_text(MODULE)
    metadata = tmp_path / "weather_attestations-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: weather-attestations\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[sealwright.attestation_sources]\nweather = weather_attestations:Weather\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "weather_attestations", raising=False)
    return "weather_attestations"


async def test_r18_an_installed_package_adds_a_type(installed: str) -> None:
    """R18: its factory validates and evaluates like our own; what it gives is bounded like everybody's."""
    sources = SourceRegistry(StaticFactory(), *entry_point_factories())
    assert sources.types == ("static", "weather")
    assert await sources.problems("default", AttestationDefinition("w", "weather", {})) == ["city: a name"]
    definition = AttestationDefinition("w", "weather", {"city": "Aarhus"})
    given = await sources.evaluate(definition, AttestationContext("default", "did:web:holder.example:3"))
    assert given == {"sunny": True, "text": "xxx"}
    with pytest.raises(FailedPrecondition):
        await sources.evaluate(definition, AttestationContext("default", "did:web:holder.example:300000"))


def test_r18_what_cannot_be_loaded_stops_the_start(installed: str, tmp_path: Path) -> None:
    """R18: a type that silently was not there would refuse holders later."""
    (tmp_path / f"{installed}.py").write_text("raise ImportError('half installed')")
    with pytest.raises(ImportError, match="half installed"):
        entry_point_factories()
