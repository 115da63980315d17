"""libsodium's ristretto255 (RFC 9496), by rbcl, loaded without a file; and libsodium itself.

rbcl unpacks libsodium into a temporary file when it is imported and leaves it there: 3 MB for every process that ever
started, and no start at all where temporary files may not be executed, as in containers. Here it unpacks into memory.
"""

from __future__ import annotations

import os
import tempfile
from ctypes import CDLL
from types import SimpleNamespace

__all__ = ["rbcl", "sodium"]

_memory = os.memfd_create("libsodium.so")
_original = tempfile.NamedTemporaryFile
tempfile.NamedTemporaryFile = lambda **_: SimpleNamespace(name=f"/proc/self/fd/{_memory}")
try:
    import rbcl
finally:
    tempfile.NamedTemporaryFile = _original
    os.close(_memory)  # what is loaded stays

sodium: CDLL = rbcl._sodium  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportPrivateUsage]
"""The library itself, for what rbcl does not wrap. Calls release the interpreter's lock."""
