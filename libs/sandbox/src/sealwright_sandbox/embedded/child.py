"""A child process with a log file, which ends when its parent does."""

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealwright_sandbox.errors import SandboxError


def bound_to_parent(argv: Sequence[str], stop: signal.Signals = signal.SIGTERM) -> list[str]:
    """`argv` such that the kernel sends `stop` when the thread that started it dies, even by SIGKILL.

    Uses util-linux' setpriv; where that is missing `argv` comes back unchanged, and a killed parent leaves an orphan,
    which the next start on the same data folder stops. Start children from a thread that lives as long as the program.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", stop.name.removeprefix("SIG"), "--", *argv] if setpriv else list(argv)


@dataclass
class Child:
    """One process: `start`, `stop` with a signal and patience, `kill` at once.

    `prefix` stands before the command (for example `unshare …`), `user` is the numeric user to run as (root only), and
    `stop_signal` asks for a clean end. Output goes to `log`, whose end is quoted in errors.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    prefix: Sequence[str] = ()
    user: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts the process. Raises SandboxError if it runs already or the program cannot be executed."""
        if self.running:
            raise SandboxError(f"{self.name} runs already (pid {self.pid}); stop it first")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    [*self.prefix, *bound_to_parent(self.argv, self.stop_signal)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=None if self.env is None else dict(self.env),
                    cwd=self.cwd,
                    user=self.user,
                    group=self.user,
                    extra_groups=None if self.user is None else [],
                    start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor only, which stops in order
                )
            except OSError as error:
                raise SandboxError(f"{self.name} cannot be started: {error}; is {self.argv[0]} installed?") from error

    @property
    def pid(self) -> int:
        """The process id. Raises SandboxError if it was never started."""
        if self.process is None:
            raise SandboxError(f"{self.name} was not started")
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs or before it was started."""
        return None if self.process is None else self.process.poll()

    def stop(self, patience: float = 30.0) -> int | None:
        """Asks for a clean end, waits `patience` seconds, then kills. Returns the exit code; harmless when stopped."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Harmless when stopped."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of the log, for an error message."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) or "(empty log)"
