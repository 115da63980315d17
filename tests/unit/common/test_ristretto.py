"""libsodium is loaded without a file: nothing stays behind, and temporary files need not be executable."""

import os
import subprocess
import sys
from pathlib import Path


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path) -> None:
    script = "from sealwright_common.ristretto import rbcl; print(len(rbcl.crypto_core_ristretto255_random()))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "32"
    assert os.listdir(tmp_path) == []
