import json
import os
import resource
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def findings(actor_oauth: Command) -> tuple[int, dict[str, tuple[bool, str]]]:
    done = actor_oauth("doctor", "--json")
    listed = json.loads(done.out)
    return done.status, {f["subject"]: (f["good"], f["text"]) for f in listed}


@pytest.fixture
def data(actor_oauth: Command, tmp_path: Path) -> Path:
    actor_oauth("users", "list")
    return tmp_path / ".actor-oauth"


def test_it_changes_nothing_where_nothing_is_yet(
    actor_oauth: Command, tmp_path: Path
) -> None:
    (tmp_path / ".actor-oauth").rmdir()
    _, found = findings(actor_oauth)
    assert "does not exist yet" in found["data"][1]
    assert list(tmp_path.iterdir()) == []


def test_a_sound_directory_has_no_problems(actor_oauth: Command, data: Path) -> None:
    _, found = findings(actor_oauth)
    for subject in ("settings", "data", "disk", "keys", "clock"):
        assert found[subject][0], found
    assert "1 secrets, 0 signing keys" in found["keys"][1]
    table = actor_oauth("doctor").out
    assert "settings" in table
    assert "ok" in table


def test_settings_that_are_wrong_are_told_line_by_line(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_PORT", "x")
    monkeypatch.setenv("ACTOR_OAUTH_WORKERS", "0")
    done = actor_oauth("doctor", "--json")
    assert done.status == 1
    told = json.loads(done.out)
    assert len(told) == 2
    assert not any(finding["good"] for finding in told)


def test_keys_that_others_may_read_and_an_open_directory_are_told(
    actor_oauth: Command, data: Path
) -> None:
    (data / "keyring.json").chmod(0o644)
    data.chmod(0o755)
    status, found = findings(actor_oauth)
    assert status == 1
    assert "chmod 600" in found["keys"][1]
    assert "chmod 700" in found["data"][1]
    assert "PROBLEM" in actor_oauth("doctor").out


def test_a_clock_that_was_set_back_is_noticed(actor_oauth: Command, data: Path) -> None:
    later = (data / "keyring.json").stat().st_mtime + 86400
    os.utime(data / "keyring.json", (later, later))
    status, found = findings(actor_oauth)
    assert status == 1
    assert "NTP" in found["clock"][1]


def test_limits_are_compared_with_what_is_needed(
    actor_oauth: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_MAX_ACTIVATIONS", "10")
    _, found = findings(actor_oauth)
    assert "562 needed" in found["open files"][1]
    # The server raises the soft limit by itself: that is nothing to be told of.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, hard))
    _, found = findings(actor_oauth)
    assert f"{hard} allowed, 562 needed" in found["open files"][1]
    monkeypatch.setenv("ACTOR_OAUTH_MAX_ACTIVATIONS", str(hard))
    status, found = findings(actor_oauth)
    assert status == 1
    assert "ulimit -n" in found["open files"][1]


def test_a_disk_that_is_nearly_full_is_told(
    actor_oauth: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["actor_oauth.cli.doctor"], "FREE_BYTES", 2**62)
    status, found = findings(actor_oauth)
    assert status == 1
    assert "free some space" in found["disk"][1]
