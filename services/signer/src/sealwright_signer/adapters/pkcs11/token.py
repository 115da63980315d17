"""One logged-in token: a session per thread, healing after session, login or token loss, one try per PIN."""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from pkcs11 import exceptions
from sealwright_common.domain.errors import FailedPrecondition, Problem, Reason, Unavailable

from sealwright_signer.adapters.pkcs11.module import Module, Trouble, attribute_mapper, trouble
from sealwright_signer.adapters.pkcs11.signing import SignFunctions
from sealwright_signer.adapters.roots import Login, Pkcs11Root

T = TypeVar("T")
RETRY_AFTER = timedelta(seconds=1)


class Session:
    """One thread's session and the keys it has found. Void once the token's generation has moved on."""

    def __init__(self, raw: Any, generation: int, functions: SignFunctions) -> None:
        self.raw = raw
        self.generation = generation
        self.functions = functions
        self.handles: dict[str, Any] = {}
        """Private keys by label. They die with the session: handles are never carried over."""


class Unseen(Exception):
    """The token shows no key of this label. SoftHSM hides what another process made while this one made something, too,
    until either makes something more or the module is loaded anew."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


class Gate:
    """Many threads inside the module, or one that starts it over."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Hold the module open for one use."""
        with self._condition:
            while self._closed:
                self._condition.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside and keep everybody out."""
        with self._condition:
            while self._closed:
                self._condition.wait()
            self._closed = True
            while self._inside:
                self._condition.wait()
        try:
            yield
        finally:
            with self._condition:
                self._closed = False
                self._condition.notify_all()


class Token:
    """A token of a module, logged in once per process however many threads use it."""

    def __init__(
        self, settings: Pkcs11Root, prepare: Callable[[Session], None], on_login: Callable[[Login], None]
    ) -> None:
        """The module is loaded, and the login happens, with the first use. ``prepare`` makes what the token has to have
        of its own; it runs after every login, while no other process of this machine does. ``on_login`` is told of
        each login before and after it."""
        self.settings = settings
        self._prepare = prepare
        self._on_login = on_login
        self._module: Module | None = None
        self._gate = Gate()
        self._login_lock = threading.Lock()
        self._generation = 0
        self._login: tuple[int, Any] | None = None
        self._locked_out: str | None = None
        self._missing: set[str] = set()
        """Labels of keys that the module, loaded anew, did not show either."""
        self._local = threading.local()
        self._mapper = attribute_mapper()
        name = hashlib.sha256(f"{settings.module}\0{settings.label}".encode()).hexdigest()[:16]
        self._lock_path = settings.lock_dir / f"sealwright-token-{name}.lock"

    def use(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` with this thread's session; heal and run it once more if the session or the token was lost, or
        a key is not seen.

        ``work`` must be repeatable. Raises Unavailable TOKEN_UNAVAILABLE if healing did not help, FailedPrecondition
        KEY_NOT_USABLE if the token refuses the request itself or has no such key, and whatever Problem ``work`` raises.
        """
        try:
            return self._use(work)
        except Unseen as unseen:
            if unseen.label in self._missing:
                raise _no_key(unseen.label) from None
        self._heal(self._generation, Trouble.DEVICE)
        try:
            return self._use(work)
        except Unseen as unseen:
            self._missing.add(unseen.label)
            raise _no_key(unseen.label) from None

    def _use(self, work: Callable[[Session], T]) -> T:
        generation = self._generation
        try:
            return self._attempt(work)
        except exceptions.PKCS11Error as error:
            kind = self._refuse_unless_healable(error)
        self._heal(generation, kind)
        generation = self._generation
        try:
            return self._attempt(work)
        except exceptions.PKCS11Error as error:
            if self._refuse_unless_healable(error) is Trouble.SESSION:
                # New sessions did not help: some modules only recover from a full start-over.
                self._heal(generation, Trouble.DEVICE)
                try:
                    return self._attempt(work)
                except exceptions.PKCS11Error as last:
                    self._refuse_unless_healable(last)
                    raise self._unavailable(last) from last
            raise self._unavailable(error) from error

    def exclusively(self, work: Callable[[], T]) -> T:
        """Run ``work`` while no other process of this machine is in such a stretch of this token or logging in."""
        with self._lock_path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return work()

    def close(self) -> None:
        """Ends every session of this process and finalises the module."""
        with self._gate.alone():
            self._forget()
            if self._module is not None:
                self._module.finish()
                self._module = None

    def _attempt(self, work: Callable[[Session], T]) -> T:
        if self._locked_out is not None:
            raise self._pin_refused()
        with self._gate.inside():
            return work(self._session())

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None or session.generation != self._generation:
            session = self._open()
            self._local.session = session
        return session

    def _open(self) -> Session:
        """A session in the logged-in token; logs in first if this generation has not."""
        with self._login_lock:
            if self._locked_out is not None:
                raise self._pin_refused()
            generation = self._generation
            module = self._module
            if module is None or self._login is None or self._login[0] != generation:
                module, opened = self.exclusively(lambda: self._log_in(generation))
                self._login = (generation, opened)
            session = module.token(self.settings.label).open(rw=True, attribute_mapper=self._mapper)
            return Session(session, generation, module.functions)

    def _log_in(self, generation: int) -> tuple[Module, Any]:
        """Run it exclusively: SoftHSM's file store is not safe for two processes that log in at once. And it reads what
        others made for certain only when it is loaded: keys that are made once are looked for right after that."""
        if self._module is None:
            self._module = Module(self.settings.module)
        module = self._module
        token = module.token(self.settings.label)
        self._on_login(Login.TRIED)
        try:
            opened = token.open(rw=True, user_pin=self.settings.pin, attribute_mapper=self._mapper)
        except exceptions.UserAlreadyLoggedIn:
            opened = token.open(rw=True, attribute_mapper=self._mapper)
        except exceptions.PKCS11Error as error:
            if trouble(error) is Trouble.CREDENTIALS:
                # A second try could lock the token for everybody.
                self._locked_out = type(error).__name__
                self._on_login(Login.REFUSED)
            else:
                self._on_login(Login.UNTRIED)
            raise
        self._on_login(Login.ACCEPTED)
        self._prepare(Session(opened, generation, module.functions))
        return module, opened

    def _heal(self, generation: int, kind: Trouble) -> None:
        """Makes every session void; starts the module over if the device is in trouble. Once per failed generation."""
        with self._gate.alone():
            if self._generation != generation:
                return
            self._forget()
            if kind is Trouble.DEVICE and self._module is not None:
                try:
                    self._module.start_over()
                except exceptions.PKCS11Error as error:
                    raise self._unavailable(error) from error

    def _forget(self) -> None:
        self._generation += 1
        self._login = None

    def _refuse_unless_healable(self, error: exceptions.PKCS11Error) -> Trouble:
        kind = trouble(error)
        if kind is Trouble.CREDENTIALS:
            raise self._pin_refused() from error
        if kind is Trouble.REQUEST:
            lacking = isinstance(error, exceptions.MechanismInvalid)
            advice = "; it lacks the mechanism: choose another algorithm, or protection WRAPPED" if lacking else ""
            raise FailedPrecondition(
                Reason.KEY_NOT_USABLE, f"the token refuses this use of the key ({type(error).__name__}){advice}"
            ) from error
        return kind

    def _pin_refused(self) -> Problem:
        return Unavailable(
            Reason.TOKEN_UNAVAILABLE,
            f"the token {self.settings.label} refused the PIN ({self._locked_out}); it is not tried again: "
            "set the right PIN and restart the signer",
        )

    def _unavailable(self, error: exceptions.PKCS11Error) -> Problem:
        if isinstance(error, exceptions.NoSuchToken):
            return Unavailable(
                Reason.TOKEN_UNAVAILABLE,
                f"the module has no token labelled {self.settings.label}; initialise it or set pkcs11.label",
                retry_after=RETRY_AFTER,
            )
        return Unavailable(
            Reason.TOKEN_UNAVAILABLE,
            f"the token {self.settings.label} is away ({type(error).__name__}); repeat the call",
            retry_after=RETRY_AFTER,
        )


def _no_key(label: str) -> FailedPrecondition:
    return FailedPrecondition(Reason.KEY_NOT_USABLE, f"the token has no key labelled {label}; see its backup")
