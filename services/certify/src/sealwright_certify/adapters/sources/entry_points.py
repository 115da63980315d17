"""Attestation types of installed packages: entry points of the group ``sealwright.attestation_sources``.

Each names a callable without arguments that returns an :class:`~sealwright_certify.ports.AttestationSourceFactory`.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from sealwright_certify.ports import AttestationSourceFactory

GROUP = "sealwright.attestation_sources"


def entry_point_factories() -> list[AttestationSourceFactory]:
    """The factories that installed packages bring, by name. Whatever fails to load stops the start, loudly."""
    return [entry.load()() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]
