"""Waiting until a process answers over HTTP."""

import asyncio
import time

import aiohttp

from sealwright_sandbox.embedded.child import Child
from sealwright_sandbox.errors import SandboxError

PAUSE_SECONDS = 0.05


async def await_ready(child: Child, url: str, deadline: float) -> None:
    """Returns once `url` answers 200. Raises SandboxError, with the end of the log, if the process ends before.

    `deadline` is a moment of time.monotonic(); past it the error holds what the URL answered last.
    """
    answer = "nothing"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while time.monotonic() < deadline:
            if not child.running:
                raise SandboxError(
                    f"{child.name} ended with code {child.exit_code}; the end of {child.log}:\n{child.last_words()}"
                )
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
                    answer = f"{response.status}: {(await response.text())[:500]}"
            except (aiohttp.ClientError, TimeoutError) as error:
                answer = str(error)
            await asyncio.sleep(PAUSE_SECONDS)
    raise SandboxError(
        f"{child.name} is not ready in time; {url} says {answer}; the end of {child.log}:\n{child.last_words()}"
    )
