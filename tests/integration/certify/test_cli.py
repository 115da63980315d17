"""``sealwright issuance`` against a running certify."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from tests.support.certify import Issuing, template_definition


async def _sealwright(issuing: Issuing, *arguments: str) -> tuple[int, str, str]:
    tls = issuing.mesh.profile.tls
    assert tls is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
    environment |= {f"SEALWRIGHT_TLS_{name.upper()}": tls[name] for name in ("cert", "key", "ca")}
    environment["SEALWRIGHT_CERTIFY"] = issuing.mesh.profile.services["certify"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from sealwright_client.cli import main; main()", "issuance", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_list_show_approve_reject_and_redeliver(issuing: Issuing) -> None:
    """Each verb does what it says, as table and as JSON; a refusal exits with 1 and says why."""
    await issuing.define(template_definition("Cli", approvalsRequired=1))
    name = await issuing.member()
    (_, first), (_, second) = await issuing.ask(name, "Cli"), await issuing.ask(name, "Cli")
    ids = [location.rpartition("/")[2] for location in (first, second)]

    code, out, err = await _sealwright(issuing, "list", "--state", "submitted", "--json")
    assert code == 0, err
    listed: list[dict[str, Any]] = json.loads(out)
    assert set(ids) <= {row["id"] for row in listed}
    assert all(row["state"] == "SUBMITTED" for row in listed)

    assert "there may be more" not in err
    code, out, err = await _sealwright(issuing, "list", "--holder", listed[0]["holder"], "--limit", "1", "--json")
    assert (code, len(json.loads(out))) == (0, 1)
    assert "there may be more" in err

    code, out, _ = await _sealwright(issuing, "show", ids[0])
    assert code == 0
    assert "Cli@1" in out

    code, out, _ = await _sealwright(issuing, "approve", ids[0], "--json")
    assert (code, json.loads(out)["state"]) == (0, "APPROVED")
    code, out, _ = await _sealwright(issuing, "reject", ids[1], "--reason", "no", "--json")
    assert (code, json.loads(out)["error"]) == (0, "REJECTED")
    await issuing.ends(first)
    code, out, err = await _sealwright(issuing, "redeliver", ids[0], "--json")
    assert (code, json.loads(out)["parent"]) == (0, ids[0]), err

    code, _, err = await _sealwright(issuing, "approve", ids[1])
    assert code == 1
    assert "PROCESS_STATE_CONFLICT" in err
    assert (await _sealwright(issuing, "list", "--state", "lost"))[0] == 2
