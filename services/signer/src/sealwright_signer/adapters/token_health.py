"""The self-test that feeds readiness: one signature of the token at intervals."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import structlog
from sealwright_common.domain.errors import Problem

from sealwright_signer.adapters import metrics
from sealwright_signer.adapters.vault import KeyVault

log = structlog.get_logger(__name__)


class TokenHealth:
    """Signs with the token's self-test key again and again; a part of the app that is ready while that works."""

    name = "token"

    def __init__(self, vault: KeyVault, interval: timedelta) -> None:
        self._vault = vault
        self._interval = interval.total_seconds()
        self._why_not: str | None = "not tested yet"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to test; a token that comes late is waited for."""
        self._task = asyncio.create_task(self._watch(), name="token self-test")

    async def stop(self) -> None:
        """Ends the tests and gives the token back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._vault.close()

    def ready(self) -> str | None:
        """None while the token signs, else why it does not."""
        return self._why_not

    async def _watch(self) -> None:
        while True:
            try:
                await self._vault.self_test()
            except Problem as problem:
                if problem.message != self._why_not:
                    log.warning("the token does not sign", reason=problem.reason.value, problem=problem.message)
                self._why_not = problem.message
            except Exception as error:
                log.error("the token's self-test failed", exc_info=error)
                self._why_not = f"self-test failed: {type(error).__name__}"
            else:
                if self._why_not is not None:
                    log.info("the token signs", token=self._vault.root)
                self._why_not = None
            metrics.TOKEN_UP.set(self._why_not is None)
            ended = self._vault.token_ended
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval if self._why_not is None else min(self._interval, 0.5)):
                    await ended.wait()
            if ended.is_set():
                ended.clear()
                self._why_not = "the process that holds the token ended and is started again"
                metrics.TOKEN_UP.set(0)
