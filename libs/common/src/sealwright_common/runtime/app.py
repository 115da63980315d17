"""The life of a service: parts start in order, become ready, drain and stop in reverse; signals and exit codes.

A ``main.py`` calls :func:`run_service` with its settings class and its composition root::

    def main() -> None:
        run_service("signer", SignerSettings, build)
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar, runtime_checkable

import structlog
import uvloop

from sealwright_common.domain.errors import Problem
from sealwright_common.runtime import completion, faults
from sealwright_common.runtime.clock import SleepingClock, SystemClock
from sealwright_common.runtime.config import LimitSettings, ServiceSettings
from sealwright_common.runtime.loading import ConfigError, describe, load

log = structlog.get_logger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_CONFIG = 0, 1, 2
COLLECT_AFTER = 50_000
"""Objects made since the garbage collector looked that make it look again; Python's own 700 are for scripts."""


class Part(Protocol):
    """Something that runs: a server, a pool, a loop. ``start`` does not wait for a late dependency; ``ready`` tells."""

    @property
    def name(self) -> str:
        """How logs and /readyz call it."""
        ...

    async def start(self) -> None:
        """Begin; raising stops the service with exit code 1."""
        ...

    async def stop(self) -> None:
        """End and release everything."""
        ...


@runtime_checkable
class Attached(Protocol):
    """A part that needs to know its app."""

    def attach(self, app: App) -> None:
        """Called by :meth:`App.add`."""
        ...


@runtime_checkable
class Readiness(Protocol):
    """A part that may be not ready."""

    def ready(self) -> str | None:
        """None when ready, else why not, in words for an operator."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A part that tells others whether the service is ready."""

    async def readiness(self, ready: bool) -> None:
        """Called after each change, and with False before draining."""
        ...


@runtime_checkable
class Draining(Protocol):
    """A part with work in flight."""

    async def drain(self) -> None:
        """Take nothing new and finish what is running."""
        ...


P = TypeVar("P", bound=Part)
S = TypeVar("S", bound=ServiceSettings)


class App:
    """The parts of one service process and their common life."""

    def __init__(
        self,
        name: str,
        *,
        clock: SleepingClock | None = None,
        limits: LimitSettings | None = None,
        watch_interval: float = 0.2,
    ) -> None:
        self.name = name
        self.clock: SleepingClock = clock or SystemClock()
        self.limits = limits or LimitSettings()
        self._parts: list[Part] = []
        self._started: list[Part] = []
        self._watch_interval = watch_interval
        self._watcher: asyncio.Task[None] | None = None
        self._stop_asked = asyncio.Event()
        self._failure: Exception | None = None
        self._ready_now = asyncio.Event()
        self._running = False
        self._draining = False

    def add(self, part: P) -> P:
        """Append a part; it starts after those added before and stops before them. Returns the part."""
        if self._started:
            raise RuntimeError("parts are added before the app starts")
        if any(part.name == other.name for other in self._parts):
            raise ValueError(f"two parts are called {part.name!r}; give one another name")
        self._parts.append(part)
        if isinstance(part, Attached):
            part.attach(self)
        return part

    @property
    def draining(self) -> bool:
        """Whether the app is on its way to stop."""
        return self._draining

    def reasons(self) -> dict[str, str]:
        """Why the service is not ready, by part; empty when it is."""
        if self._draining:
            return {"app": "stopping"}
        if not self._running:
            return {"app": "starting"}
        return {
            part.name: why for part in self._parts if isinstance(part, Readiness) and (why := part.ready()) is not None
        }

    async def start(self) -> None:
        """Start all parts in order; if one fails, stop those that had started and raise its error."""
        try:
            for part in self._parts:
                await part.start()
                self._started.append(part)
                log.debug("part started", part=part.name)
        except BaseException:
            await self._stop_parts()
            raise
        self._running = True
        self._watcher = asyncio.create_task(self._watch(), name="readiness")
        log.info("started", service=self.name, parts=[part.name for part in self._parts])

    async def wait_ready(self) -> None:
        """Return once every part is ready."""
        await self._ready_now.wait()

    def request_stop(self) -> None:
        """Ask :meth:`run` to stop gracefully; may be called from a part."""
        self._stop_asked.set()

    def fail(self, error: Exception) -> None:
        """Stop because of something that waiting will not mend, found after the start; :meth:`run` raises it."""
        self._failure = self._failure or error
        self._stop_asked.set()

    async def run(self) -> None:
        """Start, serve until asked to stop, stop."""
        await self.start()
        try:
            await self._stop_asked.wait()
        finally:
            await self.stop()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Say not ready, drain in reverse within the grace, let work past its point of no return finish, stop."""
        log.info("stopping", service=self.name)
        self._draining = True
        self._ready_now.clear()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
        await self._tell(False)
        if any(isinstance(part, Watching) for part in self._started):
            await asyncio.sleep(self.limits.drain_delay.total_seconds())
        # A second more than the parts give their work, so that a part which keeps to the grace is not cut off itself.
        deadline = asyncio.get_running_loop().time() + self.limits.grace.total_seconds() + 1
        for part in reversed(self._started):
            if isinstance(part, Draining):
                await self._within(deadline, part.drain(), part.name)
        left = await completion.finish(max(1.0, deadline - asyncio.get_running_loop().time()))
        if left:
            log.error("work past its point of no return did not finish in time", count=left)
        await self._stop_parts()
        self._running = False
        log.info("stopped", service=self.name)

    async def _within(self, deadline: float, work: Awaitable[None], part: str) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await work
        except TimeoutError:
            log.warning("part did not drain within the grace", part=part)
        except Exception as error:
            log.error("part failed to drain", part=part, exc_info=error)

    async def _stop_parts(self) -> None:
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception as error:
                log.error("part failed to stop", part=part.name, exc_info=error)

    async def _watch(self) -> None:
        known: dict[str, str] | None = None
        while True:
            reasons = self.reasons()
            if reasons != known:
                log.info("ready" if not reasons else "not ready", service=self.name, reasons=reasons or None)
                if known is None or bool(known) != bool(reasons):
                    await self._tell(not reasons)
                known = reasons
            await asyncio.sleep(self._watch_interval)

    async def _tell(self, ready: bool) -> None:
        if ready:
            self._ready_now.set()
        else:
            self._ready_now.clear()
        for part in self._started:
            if isinstance(part, Watching):
                await part.readiness(ready)


Build = Callable[[App, S], Awaitable[None]]
"""A composition root: adds the parts of a service to the app."""


def run_service(name: str, settings_type: type[S], build: Build[S], argv: Sequence[str] | None = None) -> NoReturn:
    """Parse the command line, read the settings, run until a signal, exit.

    Exit codes: 0 stopped as asked, 1 failed, 2 wrong settings, 128 + signal when a second signal forced the end.
    """
    arguments = _parser(name, settings_type).parse_args(argv)
    overrides = {"plaintext": True} if arguments.plaintext else {}
    try:
        settings = load(settings_type, name, arguments.config, overrides=overrides)
        faults.arm(settings.environment)
    except (ConfigError, faults.FaultsForbidden) as error:
        for problem in error.problems if isinstance(error, ConfigError) else [error]:
            print(f"sealwright-{name}: {problem}", file=sys.stderr)
        sys.exit(EXIT_CONFIG)
    if arguments.check_config:
        print(f"sealwright-{name}: settings are fine")
        sys.exit(EXIT_OK)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_serve(name, settings, build))
    sys.exit(code)


async def _serve(name: str, settings: S, build: Build[S]) -> int:
    # Imported here: only a running service needs the ops listener and the exporters.
    from sealwright_common.runtime.http.ops import OpsServer
    from sealwright_common.runtime.telemetry import Telemetry

    app = App(name, limits=settings.limits)
    app.add(Telemetry(name, settings.telemetry))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, app, number)
    loop.set_exception_handler(_on_loop_error)
    if settings.plaintext:
        log.warning(
            "plaintext: no TLS and no authentication, every local caller gets every role", listen=settings.listen
        )
    try:
        app.add(OpsServer(app, settings.ops_listen))
        await build(app, settings)
        _spare_the_collector()
        await app.run()
    except Problem as problem:
        log.error("failed", service=name, reason=problem.reason.value, problem=problem.message)
        return EXIT_FAILED
    except ConfigError as error:
        log.error("wrong settings", service=name, problems=error.problems)
        return EXIT_CONFIG
    except Exception as error:
        log.error("failed", service=name, exc_info=error)
        return EXIT_FAILED
    return EXIT_OK


def _spare_the_collector() -> None:
    """What stands now stands until the end: looking through it again and again costs up to a quarter of an event."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def _on_signal(app: App, number: signal.Signals) -> None:
    if app._stop_asked.is_set():  # pyright: ignore[reportPrivateUsage]
        log.warning("second signal: leaving at once", signal=number.name)
        os._exit(128 + number)
    log.info("signal", signal=number.name)
    app.request_stop()


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """asyncio's own report prints the exception and the task, hence data; ours goes through the redacting log."""
    error = context.get("exception")
    log.error("unhandled in the event loop", exc_info=error if isinstance(error, BaseException) else None)


def _parser(name: str, settings_type: type[ServiceSettings]) -> argparse.ArgumentParser:
    lines = [
        f"  {setting.key:<32} {setting.env}\n      {' '.join(setting.doc.split())}"
        + (f" Default: {setting.default or 'none'}." if setting.default is not None else " Required.")
        for setting in describe(settings_type, name)
    ]
    parser = argparse.ArgumentParser(
        prog=f"sealwright-{name}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="settings (TOML key, environment variable; VARIABLE_FILE names a file with the value):\n"
        + "\n".join(lines),
    )
    parser.add_argument("--config", type=Path, help="TOML file with settings")
    parser.add_argument("--check-config", action="store_true", help="check the settings and exit: 0 fine, 2 wrong")
    parser.add_argument("--plaintext", action="store_true", help="no TLS and no authentication; loopback only")
    return parser
