"""A token that is not there or does not open: the signer says which and how to mend it, stays up and is not ready."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sealwright_sandbox.embedded.softhsm import Token

from tests.support.signer import SignerProcess


async def until_said(signer: SignerProcess, words: str, seconds: float = 60) -> str:
    """The body of /readyz once it is not ready and says so for the reason expected."""
    until = time.monotonic() + seconds
    said = ""
    while time.monotonic() < until:
        assert signer.process is not None
        assert signer.process.poll() is None, signer.tail()
        ready, said = await asyncio.to_thread(signer.get, "readyz")
        assert not ready
        if words in said:
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(f"{words!r} was never said: {said}; {signer.tail()}")


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("PKCS11__PIN", "00000000", "refused the PIN"),
        ("PKCS11__LABEL", "nobody", "set pkcs11.label"),
        ("PKCS11__MODULE", "/nowhere/module.so", "set pkcs11.module"),
    ],
)
async def test_not_ready_and_how_to_mend_it(
    tmp_path: Path, database_dsn: str, nats_url: str, token: Token, setting: str, value: str, words: str
) -> None:
    signer = SignerProcess(tmp_path, database_dsn, nats_url, token, {setting: value})
    signer.start()
    try:
        await until_said(signer, words)
        assert signer.log.read_text().count(words) <= 2, "said once, not at every test"
        assert token.pin not in signer.log.read_text()
    finally:
        assert signer.stop() == 0


async def test_the_file_root_serves_development_and_warns(tmp_path: Path, database_dsn: str, nats_url: str) -> None:
    signer = SignerProcess(tmp_path, database_dsn, nats_url, None)
    signer.start()
    try:
        await signer.wait_ready()
        assert "for development only" in signer.log.read_text()
    finally:
        signer.stop()
    refused = SignerProcess(tmp_path / "production", database_dsn, nats_url, None, {"ENVIRONMENT": "production"})
    refused.start()
    assert refused.process is not None
    assert await asyncio.to_thread(refused.process.wait, 60) == 2
    assert "refused in production" in refused.log.read_text()


def test_settings_do_not_show_the_pin(token: Token) -> None:
    from sealwright_signer.adapters.roots import Pkcs11Root

    settings = Pkcs11Root(str(token.module), token.label, token.pin)
    assert token.pin not in repr(settings)
    assert token.pin not in str(replace(settings, label="other"))
