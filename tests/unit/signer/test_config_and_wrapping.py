"""Settings that must not start, and wrapped keys that must not linger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError
from sealwright_common.domain.errors import DataLoss
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.runtime.config import DatabaseSettings, LimitSettings
from sealwright_signer.adapters.executors import Threads
from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.adapters.wrapped import WrappedKeys
from sealwright_signer.config import Pkcs11Settings, SignerSettings
from sealwright_signer.ports import NewKey, StoredKey

from tests.support.token_process import serving

DATABASE = DatabaseSettings(dsn=SecretStr("postgresql://localhost/none"))
TOKEN = Pkcs11Settings(module=Path("/module.so"), pin=SecretStr("1234"))


def settings(**values: Any) -> SignerSettings:
    chosen: dict[str, Any] = {"plaintext": True} | values
    return SignerSettings(database=DATABASE, **chosen)


def test_exactly_one_root_of_trust() -> None:
    assert settings(pkcs11=TOKEN).file_root is None
    assert settings(file_root=Path("/folder")).pkcs11 is None
    for wrong in ({}, {"pkcs11": TOKEN, "file_root": Path("/folder")}):
        with pytest.raises(ValidationError, match="one of them"):
            settings(**wrong)


def test_the_file_root_is_refused_in_production(tmp_path: Path) -> None:
    tls = {"cert": tmp_path / "a", "key": tmp_path / "b", "ca": tmp_path / "c"}
    with pytest.raises(ValidationError, match="refused in production"):
        settings(file_root=tmp_path, environment="production", plaintext=False, tls=tls)


def test_a_batch_of_a_thousand_fits_whatever_else_is_limited() -> None:
    assert settings(pkcs11=TOKEN).limits.receive_bytes == 4 * 2**20
    assert settings(pkcs11=TOKEN, limits={"drain_delay": 0}).limits.receive_bytes == 4 * 2**20
    assert LimitSettings().receive_bytes == 2**20


def new(algorithm: KeyAlgorithm) -> NewKey:
    return NewKey(uuid4(), "default", algorithm, KeyPurpose.BLIND_SIGNATURE, Protection.WRAPPED, 2048)


def stored(made: NewKey, public_key: bytes, wrapped: str) -> StoredKey:
    now = datetime(2025, 6, 1, tzinfo=UTC)
    key = Key(made.id, made.tenant, made.algorithm, made.purpose, made.protection, KeyState.ACTIVE, public_key, now)
    return StoredKey(key, wrapped)


@asynccontextmanager
async def wrapped_keys(folder: Path, limit: int) -> AsyncIterator[WrappedKeys]:
    threads = Threads("wrapping", 1)
    async with serving(FileHsm(folder)) as token:
        yield WrappedKeys(token, decoding=threads, making=threads, limit=limit)
    threads.close()


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.VOPRF_RISTRETTO255, KeyAlgorithm.VOPRF_P384])
async def test_scalars_are_bounded_and_wiped(tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    async with wrapped_keys(tmp_path, 2) as wrapped:
        made = [new(algorithm) for _ in range(4)]
        keys = [stored(each, *await wrapped.make(each)) for each in made]
        held = await wrapped.hold(keys[:1])
        first = held.scalar(keys[0].key)
        others = await wrapped.hold(keys)
        assert others.scalar(keys[0].key) is first
        assert all(any(others.scalar(key.key)) for key in keys)
        kept = others.scalar(keys[3].key)
        others.release()
        assert any(first), "in use: not wiped yet, though it left the cache"
        held.release()
        assert not any(first), "wiped with its last use"
        assert any(kept)
        wrapped.evict(keys[3].key)
        assert not any(kept)
        last = await wrapped.hold([keys[2]])
        scalar = last.scalar(keys[2].key)
        last.release()
        assert any(scalar)
        wrapped.evict_all()
        assert not any(scalar)


async def test_a_key_that_two_calls_open_at_once_is_kept_once(tmp_path: Path) -> None:
    async with wrapped_keys(tmp_path, 2) as wrapped:
        made = new(KeyAlgorithm.VOPRF_RISTRETTO255)
        key = stored(made, *await wrapped.make(made))
        one, other = await asyncio.gather(wrapped.hold([key]), wrapped.hold([key, key]))
        assert one.scalar(key.key) is other.scalar(key.key)
        scalar = one.scalar(key.key)
        wrapped.evict_all()
        one.release()
        assert any(scalar)
        other.release()
        assert not any(scalar)


async def test_a_blob_serves_its_own_key_only(tmp_path: Path) -> None:
    async with wrapped_keys(tmp_path, 2) as wrapped:
        one, other, right = (new(KeyAlgorithm.VOPRF_RISTRETTO255) for _ in range(3))
        good = stored(right, *await wrapped.make(right))
        with pytest.raises(DataLoss):
            await wrapped.hold([good, stored(other, *await wrapped.make(one))])
        held = await wrapped.hold([good])
        assert any(held.scalar(good.key))
