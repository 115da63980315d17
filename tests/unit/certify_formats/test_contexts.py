"""The bundled JSON-LD contexts of credentials are W3C's, byte by byte (vc-data-model-2.0, appendix B.1)."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("credentials-v1.jsonld", "ab4ddd9a531758807a79a5b450510d61ae8d147eab966cc9a200c07095b0cdcc"),
        ("credentials-v2.jsonld", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"),
    ],
)
def test_the_digest_is_the_published_one(name: str, digest: str) -> None:
    content = (files("sealwright_common.verify") / "contexts" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
