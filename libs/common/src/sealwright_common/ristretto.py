"""libsodium's ristretto255 (RFC 9496), by rbcl, loaded without leaving anything behind.

rbcl unpacks libsodium into a temporary file when it is imported and leaves it there: 3 MB for every process that ever
started. A loaded library needs its file no longer, so that it goes with a folder of its own.
"""

from __future__ import annotations

import tempfile

__all__ = ["rbcl"]

with tempfile.TemporaryDirectory(prefix="sealwright-") as _folder:
    _before, tempfile.tempdir = tempfile.tempdir, _folder
    try:
        import rbcl
    finally:
        tempfile.tempdir = _before
