"""A process that makes keys when it is told to, and signs with those that another one made.

`python -m tests.support.token_neighbour MODULE LABEL LOCK_DIR`, the PIN in TOKEN_PIN. Each line of standard input is a
JSON object: {"make": moment} makes keys at that moment (seconds since 1970) and answers their labels and public keys,
{"sign": those of another} answers what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from sealwright_common.domain.errors import Problem, Unavailable
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm
from sealwright_signer.adapters.roots import Pkcs11Root
from sealwright_signer.ports import TokenKey

KEYS = 3


def main(module: str, label: str, lock_dir: str) -> None:
    """Answers line by line until the input ends."""
    hsm = Pkcs11Hsm(Pkcs11Root(module, label, os.environ["TOKEN_PIN"], Path(lock_dir)))
    hsm.check()
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        answer = make(hsm, told["make"]) if "make" in told else sign(hsm, told["sign"])
        print(json.dumps(answer), flush=True)
    hsm.close()


def make(hsm: Pkcs11Hsm, moment: float) -> list[Any]:
    """Labels and public keys."""
    time.sleep(max(0.0, moment - time.time()))
    made: list[TokenKey] = []
    while len(made) < KEYS:
        try:
            made.append(hsm.generate(str(uuid4()), KeyAlgorithm.ES256, 0))
        except Unavailable:
            continue  # now and then SoftHSM fails when two change its store at once, and says to repeat it
    return [[key.label, key.public_key.hex()] for key in made]


def sign(hsm: Pkcs11Hsm, keys: list[Any]) -> list[str]:
    """What went wrong."""
    wrong: list[str] = []
    for label, public_key in keys:
        try:
            hsm.sign(TokenKey(label, KeyAlgorithm.ES256, bytes.fromhex(public_key)), [bytes(32)])
        except Problem as problem:
            wrong.append(problem.message)
    return wrong


if __name__ == "__main__":
    main(*sys.argv[1:])
