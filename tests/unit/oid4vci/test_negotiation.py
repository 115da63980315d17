"""Which representation an Accept header likes best."""

from __future__ import annotations

import pytest
from sealwright_certify.http.negotiation import best_type

JWT, CWT = "application/statuslist+jwt", "application/statuslist+cwt"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JWT),
        ("*/*", JWT),
        ("application/*", JWT),
        (CWT, CWT),
        (JWT, JWT),
        (CWT.upper(), CWT),
        (f"{JWT}, {CWT}", JWT),
        (f"{CWT}, {JWT}", CWT),
        (f"{JWT};q=0.5, {CWT}", CWT),
        (f"{CWT}; q=0.4, */*; q=0.9", JWT),
        (f"{CWT}, */*", CWT),
        (f"{JWT};q=0, */*", CWT),
        (f"{CWT};q=0", JWT),
        (f"{CWT};q=lots", JWT),
        ("text/html", JWT),
        ("application/json", JWT),
        (",;,=;q", JWT),
    ],
)
def test_the_form_liked_best(accept: str, chosen: str) -> None:
    assert best_type(accept, (JWT, CWT)) == chosen
