"""Accept-Language: ranges by weight, each display cut down to the best of them, nothing left nameless."""

from __future__ import annotations

from typing import Any

import pytest
from sealwright_certify.http.oid4vci.languages import localized, wanted_languages

GERMAN, SWISS, ENGLISH = ({"name": name, "locale": name} for name in ("de", "de-CH", "en"))
DOCUMENT: dict[str, Any] = {
    "display": [ENGLISH, GERMAN],
    "configurations": {
        "one": {"display": [SWISS, ENGLISH]},
        "two": {"claims": [{"path": ["a"], "display": [ENGLISH]}]},
    },
}


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("de", ["de"]),
        ("en;q=0.5, de-CH, fr;q=0.8", ["de-ch", "fr", "en"]),
        ("da;q=0, en;q=x, ;, *", ["*"]),
        ("", []),
    ],
)
def test_ranges_best_first(header: str, ranges: list[str]) -> None:
    assert wanted_languages(header) == ranges


def test_each_display_in_the_language_it_has() -> None:
    document, languages = localized(DOCUMENT, ["de"])
    assert document["display"] == [GERMAN]
    assert document["configurations"]["one"]["display"] == [SWISS]
    assert document["configurations"]["two"] == DOCUMENT["configurations"]["two"]
    assert languages == ["de", "de-CH"]


def test_a_language_nobody_speaks_changes_nothing() -> None:
    assert localized(DOCUMENT, ["fr", "*"]) == (DOCUMENT, [])
