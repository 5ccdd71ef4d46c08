"""What `./dev` says where something is missing. Real installs are .ci/run's part."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from actor_oauth.bench.leash import leashed

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "cksum", "dirname", "mkdir", "mv", "rm", "sleep", "tr")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout on a machine that has a shell, and no Python yet."""
    for name in ("dev", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return tmp_path


def dev(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "dev", *arguments],
        env={"PATH": str(checkout / "tools")},
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def add_python(checkout: Path, script: str) -> None:
    python = checkout / "tools" / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


def test_without_python_it_says_what_to_install(checkout: Path) -> None:
    done = dev(checkout, "serve")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_python_that_is_too_old_counts_as_none(checkout: Path) -> None:
    add_python(checkout, "exit 1")
    done = dev(checkout, "serve")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_without_the_venv_module_it_says_what_to_install(checkout: Path) -> None:
    add_python(checkout, 'case "$2" in *ensurepip*) exit 1 ;; esac')
    done = dev(checkout, "test")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_a_failure_leaves_no_lock_behind(checkout: Path) -> None:
    dev(checkout, "serve")
    assert not (checkout / ".venv.lock").exists()


def test_the_lock_of_a_run_that_was_killed_is_taken_over(checkout: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    (checkout / ".venv.lock").mkdir()
    (checkout / ".venv.lock" / "pid").write_text(f"{process.pid}\n")
    assert "needs Python" in dev(checkout, "serve").stderr
    assert not (checkout / ".venv.lock").exists()


def test_a_run_waits_for_the_one_that_is_installing(checkout: Path) -> None:
    lock = checkout / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(f"{os.getpid()}\n")
    waiting = subprocess.Popen(
        leashed(str(checkout / "dev"), "serve"),
        env={"PATH": str(checkout / "tools")},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert "waiting for another ./dev" in waiting.stderr.readline()
    shutil.rmtree(lock)
    assert "needs Python" in waiting.communicate(timeout=30)[1]
