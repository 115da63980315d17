"""The demonstration that the README promises: from meter readings to wallet, from claims to a checked credential."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)
DELIVERED = [("MembershipCredential", "vc11-sl2021/jwt"), ("DataAuditCredential", "vc20-bssl/jwt")]
COMMAND = Path(sysconfig.get_path("scripts"), "sealwright")


def run_demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "mesh", "demo", *arguments],
        env={**os.environ, "SEALWRIGHT_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def test_the_demo_issues_the_day_and_the_credential(tmp_path: Path) -> None:
    run = run_demo(tmp_path / "with space", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(run.stdout)
    assert told["ok"] is True
    electricity = told["electricity"]
    assert electricity["readings"] == 24
    assert electricity["skipped"] + electricity["issued"] == 24
    assert electricity["matched"] == electricity["issued"] == len(electricity["certificates"]) > 0
    assert len({hour["position"] for hour in electricity["certificates"]}) == electricity["issued"]
    assert {hour["delivery"] for hour in electricity["certificates"]} == {"delivered"}
    assert told["credential"]["type"] == "MembershipCredential"
    assert told["credential"]["claims"]["companyNumber"] == "DK-12345678"
    company = told["dataspace"]
    assert [(one["type"], one["profile"]) for one in company["credentials"]] == DELIVERED
    assert {one["claims"]["companyNumber"] for one in company["credentials"]} == {"DK-12345678"}
    assert company["did"].startswith("did:web:")
    assert all(one["status"] and one["valid_until"] for one in company["credentials"])


def test_the_demo_shows_tables_and_starts_afresh_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        run = run_demo(tmp_path)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "15 of 15 match" in run.stdout
        assert "MembershipCredential" in run.stdout
        assert "DataAuditCredential" in run.stdout


def test_a_demo_that_cannot_run_says_why(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("in the way")
    run = run_demo(tmp_path, "--json")
    assert run.returncode == 1
    assert json.loads(run.stdout)["ok"] is False
