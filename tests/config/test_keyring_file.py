import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actor_oauth.bench.leash import leashed
from actor_oauth.config import ConfigError
from actor_oauth.config.keyring_file import KEYRING_FILE, open_keyring, rotate_secrets
from actor_oauth.runtime import SystemEntropy

ENTROPY = SystemEntropy()

OPEN = """
import sys
from pathlib import Path
from actor_oauth.config.keyring_file import open_keyring
from actor_oauth.runtime import SystemEntropy
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
keyring = open_keyring(Path(sys.argv[1]), entropy=SystemEntropy())
print(keyring.derive(keyring.current, "test").hex())
"""


def problem(data: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        open_keyring(data, entropy=ENTROPY)
    [sentence] = caught.value.problems
    return sentence


def test_the_first_start_makes_a_private_file_and_later_ones_read_it(
    tmp_path: Path,
) -> None:
    previous = os.umask(0)
    try:
        made = open_keyring(tmp_path, entropy=ENTROPY)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / KEYRING_FILE).stat().st_mode) == 0o600
    assert open_keyring(tmp_path, entropy=ENTROPY) == made
    assert [path.name for path in tmp_path.iterdir()] == [KEYRING_FILE]


@pytest.mark.requirement("K-11")
def test_a_keyring_that_is_gone_is_not_made_anew_beside_the_data(
    tmp_path: Path,
) -> None:
    made = open_keyring(tmp_path, entropy=ENTROPY)
    # Before anything was written it may be lost: nobody needs it.
    (tmp_path / KEYRING_FILE).unlink()
    (tmp_path / "actors").mkdir()
    assert open_keyring(tmp_path, entropy=ENTROPY) != made
    kept = (tmp_path / KEYRING_FILE).rename(tmp_path / "kept")
    (tmp_path / "actors" / "user").mkdir()
    with pytest.raises(ConfigError, match="put it back"):
        open_keyring(tmp_path, entropy=ENTROPY)
    assert not (tmp_path / KEYRING_FILE).exists()
    kept.rename(tmp_path / KEYRING_FILE)
    open_keyring(tmp_path, entropy=ENTROPY)


def test_processes_that_start_at_once_all_use_the_same_keys(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            leashed(sys.executable, "-c", OPEN, str(tmp_path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = {racer.communicate()[0] for racer in racers}
    assert len(answers) == 1
    assert len(answers.pop()) == 65
    assert [path.name for path in tmp_path.iterdir()] == [KEYRING_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_keyring_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    open_keyring(tmp_path, entropy=ENTROPY)
    path = tmp_path / KEYRING_FILE
    path.chmod(mode)
    sentence = problem(tmp_path)
    assert f"mode {mode:04o}" in sentence
    assert f"chmod 600 {path}" in sentence


@pytest.mark.parametrize("known", [True, False])
def test_nobody_but_the_owner_writes_beside_a_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """Not even root, whose files the server's user could not read."""
    open_keyring(tmp_path, entropy=ENTROPY)
    owner = os.geteuid()
    name = pwd.getpwuid(owner).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if not known:
        monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
        name = f"#{owner}"
    assert f"belongs to {name}: run this as that user (sudo -u {name} …)" in problem(
        tmp_path
    )
    with pytest.raises(ConfigError, match="belongs to"):
        rotate_secrets(tmp_path, now=1, active_from=1, kept_for=None, entropy=ENTROPY)


def test_a_link_in_place_of_the_keyring_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    open_keyring(real, entropy=ENTROPY)
    (tmp_path / KEYRING_FILE).symlink_to(real / KEYRING_FILE)
    assert problem(tmp_path).startswith("cannot read")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"version": 9}', b"[" * 9999]
)
def test_a_damaged_keyring_is_refused_and_never_replaced(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / KEYRING_FILE
    path.touch(mode=0o600)
    path.write_bytes(content)
    assert "is damaged; restore it from a backup" in problem(tmp_path)
    assert path.read_bytes() == content


def test_a_keyring_of_a_newer_version_is_no_damaged_one(tmp_path: Path) -> None:
    open_keyring(tmp_path, entropy=ENTROPY)
    path = tmp_path / KEYRING_FILE
    path.write_text(path.read_text().replace('"version": 1', '"version": 9'))
    assert "was written by a newer version: run the version" in problem(tmp_path)


def test_a_refusal_repeats_nothing_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / KEYRING_FILE
    path.touch(mode=0o600)
    path.write_text('{"version": 1, "current": "a", "keys": {"a": "c2VjcmV0"}}')
    with pytest.raises(ConfigError) as caught:
        open_keyring(tmp_path, entropy=ENTROPY)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_directory_that_takes_no_file_is_told(tmp_path: Path) -> None:
    assert "cannot write" in problem(tmp_path / "missing")
