"""The launcher says what is wrong with a machine, and does nothing when nothing is to be done."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "mesh"
TOOLS = ("dirname", "readlink", "cat", "cksum", "sh", "rm", "flock", "mkdir")

Launch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout without environment, and a PATH with the standard tools but neither Python nor uv."""
    checkout = tmp_path / "with space"
    checkout.mkdir()
    shutil.copy(LAUNCHER, checkout / "mesh")
    for name in ("uv.lock", "pyproject.toml"):
        (checkout / name).write_text("")
    for name in ("protos/pyproject.toml", "libs/common/pyproject.toml"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is a standard tool"
        (tmp_path / "bin" / tool).symlink_to(found)
    return checkout


@pytest.fixture
def launch(bare: Path, tmp_path: Path) -> Launch:
    def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bare / "mesh"), *arguments],
            cwd=tmp_path,
            env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_alone_it_lists_the_verbs_and_touches_nothing(launch: Launch, bare: Path) -> None:
    run = launch()
    assert run.returncode == 0
    for verb in ("demo", "up", "test", "check", "bench"):
        assert f"./mesh {verb}" in run.stdout
    assert not (bare / ".venv").exists()


def test_without_python_it_says_which_ones_will_do(launch: Launch, tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3", 'case $1 in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    run = launch("check")
    assert run.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in run.stderr
    assert "found: Python 3.9.2" in run.stderr


def test_a_named_python_that_will_not_do_is_refused(launch: Launch) -> None:
    run = launch("check", env={"SEALWRIGHT_PYTHON": "/usr/bin/false"})
    assert run.returncode == 1
    assert "SEALWRIGHT_PYTHON is /usr/bin/false" in run.stderr


def test_without_the_venv_module_it_names_the_package(launch: Launch, tmp_path: Path) -> None:
    script = 'case $2 in *ensurepip*) exit 1 ;; *"%d.%d"*) echo 3.11 ;; esac'
    program(tmp_path / "bin" / "python3", script)
    run = launch("check")
    assert run.returncode == 1
    assert "has no venv module" in run.stderr
    assert "apt-get install python3-venv (or python3.11-venv)" in run.stderr


def test_uv_that_is_too_old_is_left_alone(launch: Launch, tmp_path: Path) -> None:
    program(tmp_path / "bin" / "uv", 'case $1 in --version) echo "uv 0.4.18" ;; *) echo used >&2; exit 9 ;; esac')
    run = launch("check")
    assert "used" not in run.stderr
    assert "is needed" in run.stderr


def test_a_failed_installation_is_tried_again(launch: Launch, bare: Path, tmp_path: Path) -> None:
    uv = tmp_path / "bin" / "uv"
    program(uv, 'case $1 in --version) echo "uv 0.13.9" ;; *) exit 2 ;; esac')
    run = launch("check")
    assert run.returncode == 1
    assert "could not be installed" in run.stderr
    # this uv makes an environment whose command tells what it was given
    venv = '"$UV_PROJECT_ENVIRONMENT"/bin'
    made = f"mkdir -p {venv} && for p in python sealwright; do printf '#!/bin/sh\\necho \"$@\"\\n' >{venv}/$p; "
    program(uv, f'case $1 in --version) echo "uv 0.13.9" ;; *) {made} chmod +x {venv}/$p; done ;; esac')
    (tmp_path / "bin" / "chmod").symlink_to(shutil.which("chmod") or "chmod")
    run = launch("check", "a b")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "mesh check a b")
    assert "setting up" in run.stderr
    uv.unlink()
    again = launch("check")
    assert (again.returncode, again.stderr) == (0, "")
    program(tmp_path / "other-python", "echo other")
    other = launch("check", env={"SEALWRIGHT_PYTHON": str(tmp_path / "other-python")})
    assert "setting up" in other.stderr
    (bare / "uv.lock").write_text("changed")
    changed = launch("check")
    assert "setting up" in changed.stderr


def test_the_installed_environment_is_used_from_anywhere(tmp_path: Path) -> None:
    if not (ROOT / ".venv" / ".sealwright-stamp").exists():
        pytest.skip("this environment was not set up by ./mesh")
    link = tmp_path / "mesh"
    link.symlink_to(LAUNCHER)
    run = subprocess.run([str(link), "check", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "Only these checks" in run.stdout
    assert os.listdir(tmp_path) == ["mesh"]
