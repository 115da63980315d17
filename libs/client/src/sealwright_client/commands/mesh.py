"""``sealwright mesh``: the verbs behind ``./mesh``."""

from __future__ import annotations

from sealwright_client.mesh.verbs import app

__all__ = ["app"]
