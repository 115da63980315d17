"""The file root of trust, which makes a key pair only when the test lets it."""

from __future__ import annotations

import threading
from pathlib import Path

from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.ports import TokenKey


class PausedHsm(FileHsm):
    """``begun`` is set once a pair is asked for; it is made when ``go_on`` is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
        """Waits, at most 30 s, and makes it."""
        self.begun.set()
        self.go_on.wait(30)
        return super().generate(label, algorithm, rsa_bits)
