"""Signing keys in the keyring file: made when needed, rotated, never half-written."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from actor_oauth.bench.leash import leashed
from actor_oauth.config import ConfigError
from actor_oauth.config.keyring_file import (
    KEYRING_FILE,
    draw_private_key,
    ensure_signing_keys,
    open_keyring,
    read_keyring,
    rotate_signing_keys,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS, choose_key, signing_key
from actor_oauth.runtime import SystemEntropy

ENTROPY = SystemEntropy()
NOW = 1_800_000_000

PROGRAM = """
import sys
from pathlib import Path
from actor_oauth.config.keyring_file import ensure_signing_keys
from actor_oauth.runtime import SystemEntropy
keyring = ensure_signing_keys(Path(sys.argv[1]), {"EdDSA"}, entropy=SystemEntropy())
print(keyring.signing_keys[0].kid)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    open_keyring(tmp_path, entropy=ENTROPY)
    return tmp_path


def rotated(data: Path, *, at: int) -> Keyring:
    return rotate_signing_keys(
        data, now=at, active_from=at + 7200, kept_for=3900, entropy=ENTROPY
    )


@pytest.mark.requirement("D-11")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_a_key_is_drawn_for_every_algorithm(algorithm: str) -> None:
    drawn = draw_private_key(algorithm)  # type: ignore[arg-type]  # it is one

    assert signing_key(drawn, active_from=0).algorithm == algorithm


def test_keys_that_are_needed_are_made_once_and_sign_at_once(data: Path) -> None:
    made = ensure_signing_keys(data, {"EdDSA", "ES256"}, entropy=ENTROPY)

    again = ensure_signing_keys(data, {"ES256"}, entropy=ENTROPY)

    assert [key.algorithm for key in made.signing_keys] == ["ES256", "EdDSA"]
    assert again == made == read_keyring(data)
    assert choose_key(made.signing_keys, "EdDSA", at=0) is not None
    mode = stat.S_IMODE((data / KEYRING_FILE).stat().st_mode)
    assert mode == 0o600


def test_processes_that_need_a_key_at_once_make_one(data: Path) -> None:
    running = [
        subprocess.Popen(
            leashed(sys.executable, "-c", PROGRAM, str(data)), stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = {process.communicate()[0] for process in running}

    assert len(said) == 1
    assert len(read_keyring(data).signing_keys) == 1


@pytest.mark.requirement("K-11")
def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(
    data: Path,
) -> None:
    (first,) = ensure_signing_keys(data, {"EdDSA"}, entropy=ENTROPY).signing_keys

    keys = rotated(data, at=NOW).signing_keys

    assert keys[0] == first
    assert choose_key(keys, "EdDSA", at=NOW + 7199) == first
    assert choose_key(keys, "EdDSA", at=NOW + 7200) == keys[1]
    later = rotated(data, at=NOW + 7200 + 3899).signing_keys
    assert first in later
    latest = rotated(data, at=NOW + 7200 + 3900).signing_keys
    assert first not in latest
    assert keys[1] in latest


def test_without_signing_keys_there_is_nothing_to_rotate(data: Path) -> None:
    before = read_keyring(data)

    assert rotated(data, at=NOW) == before


def test_without_a_keyring_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no"):
        read_keyring(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_takes_no_file_is_told(data: Path) -> None:
    (data / "keyring.lock").touch(0o600)
    data.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="cannot write"):
            ensure_signing_keys(data, {"EdDSA"}, entropy=ENTROPY)
    finally:
        data.chmod(0o700)


def test_a_lock_that_is_no_file_is_told(data: Path) -> None:
    (data / "keyring.lock").symlink_to(data / "elsewhere")

    with pytest.raises(ConfigError, match="cannot open"):
        ensure_signing_keys(data, {"EdDSA"}, entropy=ENTROPY)


def test_a_file_that_cannot_be_replaced_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(ConfigError, match="No space left"):
        ensure_signing_keys(data, {"EdDSA"}, entropy=ENTROPY)
    assert [path.name for path in data.glob(".keyring*")] == []
