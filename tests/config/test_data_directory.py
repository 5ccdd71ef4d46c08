import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actor_oauth.config import ConfigError
from actor_oauth.config.data_directory import prepare_data_directory
from actor_oauth.runtime import SystemEntropy

ENTROPY = SystemEntropy()


def problem(data: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        prepare_data_directory(data, entropy=ENTROPY)
    [sentence] = caught.value.problems
    return sentence


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let writes fail as they do on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)


def test_a_missing_directory_is_made_with_its_parents_for_its_owner_alone(
    tmp_path: Path,
) -> None:
    data = prepare_data_directory(tmp_path / "a" / "b", entropy=ENTROPY)
    assert data == tmp_path / "a" / "b"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert list(data.iterdir()) == []


def test_a_relative_path_is_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare_data_directory(Path("x"), entropy=ENTROPY) == tmp_path / "x"


def test_an_existing_directory_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("me")
    prepare_data_directory(tmp_path, entropy=ENTROPY)
    assert (tmp_path / "keep").read_text() == "me"


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a directory" in problem(tmp_path / "file")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot make data directory" in problem(tmp_path / "file" / "below")


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with no_file_larger_than(4096):
        sentence = problem(tmp_path)
    assert f"cannot write to data directory {tmp_path}: " in sentence
    assert list(tmp_path.iterdir()) == []
