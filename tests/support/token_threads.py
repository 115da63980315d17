"""Threads that use one token as hard as they can, in a process of their own: it may die of it.

Run as ``python -m tests.support.token_threads MODULE LABEL HOW`` with the PIN in ``TOKEN_PIN``; HOW is ``locking`` (as
the signer loads a module) or ``plain`` (as python-pkcs11 does). Exit code 0 means that nothing went wrong.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.util.ec import encode_named_curve_parameters
from sealwright_signer.adapters.pkcs11.module import Module

THREADS, SECONDS, SIGNATURES = 16, 10.0, 5


def main(module: str, label: str, how: str) -> int:
    """The exit code."""
    token: Any = Module(module).token(label) if how == "locking" else pkcs11.lib(module).get_token(token_label=label)
    # Held until the end: with its last session a token forgets the login.
    login = token.open(user_pin=os.environ["TOKEN_PIN"])
    problems: list[str] = []
    start = threading.Barrier(THREADS)

    def work() -> None:
        try:
            start.wait()
            until = time.monotonic() + SECONDS
            while time.monotonic() < until and not problems:
                with token.open() as session:
                    _sign(session)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            problems.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{len(problems)} of {THREADS} threads failed: {sorted(set(problems))}", flush=True)
    if not problems:
        login.close()
    return 1 if problems else 0


def _sign(session: Any) -> None:
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
    public, private = parameters.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN, store=False)
    for _ in range(SIGNATURES):
        data = os.urandom(32)
        signature = private.sign(data, mechanism=Mechanism.ECDSA)
        if not public.verify(data, signature, mechanism=Mechanism.ECDSA):
            raise AssertionError("a signature does not verify")


if __name__ == "__main__":
    # Without the interpreter's clean-up: a module that was broken on purpose may crash or hang in it.
    os._exit(main(*sys.argv[1:]))
