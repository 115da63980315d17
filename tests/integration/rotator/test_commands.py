"""``sealwright issuers`` and ``sealwright keylog`` against a real rotator, as an operator types them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from sealwright_client import key_log

from tests.integration.rotator.conftest import Mesh


async def sealwright(mesh: Mesh, *words: str, width: int = 120) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    tls = mesh.rotator.ca.issue("operator", file="client-operator")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")} | {
        "SEALWRIGHT_ROTATOR": mesh.rotator.target,
        "SEALWRIGHT_TLS_CERT": str(tls.cert),
        "SEALWRIGHT_TLS_KEY": str(tls.key),
        "SEALWRIGHT_TLS_CA": str(tls.ca),
        "COLUMNS": str(width),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from sealwright_client.cli import main; main()", *words,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def said(mesh: Mesh, *words: str) -> Any:
    """The JSON a command prints; it must succeed."""
    code, out, err = await sealwright(mesh, *words, "--json")
    assert code == 0, err
    return json.loads(out)


async def test_the_life_of_an_issuer_by_commands(mesh: Mesh, tmp_path: Path) -> None:
    create = ["issuers", "create", "cli", "--duration", "P1D", "--buffer", "2", "--mode", "spare"]
    keys = await said(mesh, *create, "--purpose", "transaction")
    assert [(key["slot"], key["state"]) for key in keys] == [(0, "ACTIVE"), (1, "PUBLISHED")]
    code, _, err = await sealwright(mesh, *create)
    assert code == 1
    assert "ISSUER_EXISTS" in err
    lead = ["--buffer", "1", "--publish-lead", "PT6H", "--protection", "wrapped"]
    wrapped = await said(
        mesh, "issuers", "create", "cli-wrapped", "--duration", "P1D", "--purpose", "transaction", *lead
    )
    assert [(key["slot"], key["protection"]) for key in wrapped] == [(0, "WRAPPED")]
    _, listed, _ = await sealwright(mesh, "issuers", "list", width=80)
    (row,) = [line for line in listed.splitlines() if " cli " in line]
    assert all(word in row for word in ("ACTIVE", "EDDSA", "P1D 2+0 SPARE")), "not readable in eighty columns"
    rotated = await said(mesh, "issuers", "rotate", "cli", "1")
    assert (rotated["rotated"], rotated["slot"]) == (True, 1)
    async with asyncio.timeout(60):
        while len(keys := await said(mesh, "issuers", "keys", "cli")) < 3:
            pass
    compromised = await said(mesh, "issuers", "compromise", "cli", "1", "--comment", "drill")
    assert [(key["slot"], key["state"]) for key in compromised] == [(1, "COMPROMISED"), (2, "ACTIVE")]
    assert (await said(mesh, "issuers", "pause", "cli"))["state"] == "PAUSED"
    assert (await said(mesh, "issuers", "resume", "cli"))["state"] == "ACTIVE"

    code, drawn, _ = await sealwright(mesh, "issuers", "timeline", "cli", width=90)
    assert code == 0
    assert "█" in drawn
    assert "slot 2" in drawn
    assert "now" in drawn
    assert max(len(line) for line in drawn.splitlines()) <= 130
    picture = tmp_path / "timeline.svg"
    code, _, _ = await sealwright(mesh, "issuers", "timeline", "cli", "--svg", str(picture))
    assert code == 0
    root = ElementTree.fromstring(picture.read_text())
    bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if len(rect)]
    assert len(bars) >= 4

    assert (await said(mesh, "issuers", "retire", "cli"))["state"] == "RETIRED"
    assert (await said(mesh, "issuers", "expire", "cli"))["state"] == "EXPIRED"
    slots = await said(
        mesh, "issuers", "preview", "--duration", "P1M", "--valid-from", "2024-01-31", "--slots", "3", "--overlap", "1"
    )
    assert [slot["start"][:10] for slot in slots][:3] == ["2024-01-31", "2024-02-29", "2024-03-31"]


async def test_a_whole_log_is_verified_offline_and_every_change_is_found(mesh: Mesh, tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        while not (head := await said(mesh, "keylog", "head"))["jws"]:
            pass
    await said(mesh, "issuers", "create", "log", "--duration", "PT1H", "--purpose", "token")
    file = tmp_path / "log.json"
    async with asyncio.timeout(20):
        while (await said(mesh, "keylog", "head"))["size"] == head["size"]:
            pass
    await said(mesh, "keylog", "export", str(file))
    earlier = f"{head['size']}:{head['root']}"
    verdict = await said(mesh, "keylog", "verify", str(file), "--since", earlier)
    assert verdict["whole"]
    assert verdict["signed_by"]
    assert verdict["leaves_read"] == verdict["size"] > head["size"]
    assert (await said(mesh, "keylog", "verify"))["whole"]
    assert len(await said(mesh, "keylog", "entries", "--limit", "5")) == 5

    copy = key_log.Copy.from_json(file.read_text())

    def problems(**over: Any) -> list[str]:
        return key_log.verify(key_log.Copy(**({f: getattr(copy, f) for f in key_log.Copy.__slots__} | over))).problems

    assert not problems()
    for n in (0, copy.size // 2, copy.size - 1):
        forged = [
            *copy.leaves[:n],
            copy.leaves[n].replace("ACTIVE", "PENDING").replace("2", "3"),
            *copy.leaves[n + 1 :],
        ]
        assert any(f"entry {n} was changed" in problem for problem in problems(leaves=forged))
    swapped = [copy.hashes[1], copy.hashes[0], *copy.hashes[2:]]
    assert problems(hashes=swapped)
    assert problems(leaves=copy.leaves[:-1], hashes=copy.hashes[:-1])
    assert problems(leaves=copy.leaves[:-1], hashes=copy.hashes[:-1], size=copy.size - 1)
    assert problems(jws="")
    assert problems(jws=copy.jws[:-6] + "AAAAAA")
    assert key_log.verify(copy, since=f"{head['size']}:{'00' * 32}").problems
    assert key_log.verify(copy, since=f"{copy.size + 1}:{copy.root}").problems
    assert key_log.verify(copy, trust="another").problems
    file.write_text(key_log.Copy(copy.size, "00" * 32, copy.jws, copy.leaves, copy.hashes).to_json())
    code, out, _ = await sealwright(mesh, "keylog", "verify", str(file))
    assert code == 1
    assert "the root does not fit the entries" in out


async def test_a_kept_head_shows_what_was_cut_off_the_audit_log(mesh: Mesh, tmp_path: Path) -> None:
    here = ("rotator", "--dsn", mesh.dsn)
    await said(mesh, "issuers", "create", "audited", "--duration", "P1D", "--purpose", "transaction")
    [head] = await said(mesh, "audit", "head", *here)
    assert head["seq"] > 0
    file = tmp_path / "heads.json"
    file.write_text(json.dumps([head]))
    assert [row["verdict"] for row in await said(mesh, "audit", "verify", *here, "--heads", str(file))] == ["whole"]
    file.write_text(json.dumps([{**head, "seq": head["seq"] + 1}]))
    code, out, _ = await sealwright(mesh, "audit", "verify", *here, "--heads", str(file), "--json")
    assert code == 1
    assert "missing: a published head" in json.loads(out)[0]["verdict"]
    file.write_text("[1]")
    code, _, err = await sealwright(mesh, "audit", "verify", *here, "--heads", str(file), width=400)
    assert code == 2
    assert "is not what" in err
    code, _, err = await sealwright(mesh, "audit", "verify")
    assert code == 1
    assert "no database is known" in err
