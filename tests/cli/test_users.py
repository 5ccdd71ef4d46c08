import getpass
import io
import json
import sys
from pathlib import Path

import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from tests.cli.conftest import Command

PASSWORD = "correct horse battery staple"


def log_in(name: str, password: str) -> object:
    async def attempt() -> object:
        async with Provider(Settings()).open() as running:
            return await running.server.log_in(name, password)

    return trio.run(attempt)


def test_a_user_that_was_added_can_sign_in(actor_oauth: Command) -> None:
    done = actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    assert (done.status, done.out, done.err) == (0, "", "added alice\n")
    assert isinstance(log_in("alice", PASSWORD), str)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nsecond line\n"])
def test_the_password_is_the_first_line_without_its_end(
    actor_oauth: Command, end: str
) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD + end)
    assert isinstance(log_in("alice", PASSWORD), str)


def test_a_user_that_is_there_already_is_left_alone(actor_oauth: Command) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    done = actor_oauth("users", "add", "alice", "--password-stdin", stdin="other one")
    assert done.status == 1
    assert "user alice exists already" in done.err
    assert isinstance(log_in("alice", PASSWORD), str)


@pytest.mark.requirement("H-08")
def test_a_new_password_replaces_the_old_one(actor_oauth: Command) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    command = ("users", "set-password", "alice", "--password-stdin")
    done = actor_oauth(*command, stdin="another horse")
    assert done.status == 0
    assert not isinstance(log_in("alice", PASSWORD), str)
    assert isinstance(log_in("alice", "another horse"), str)


def test_nobody_has_no_password_to_set(actor_oauth: Command) -> None:
    done = actor_oauth(
        "users", "set-password", "nobody", "--password-stdin", stdin=PASSWORD
    )
    assert (done.status, done.err) == (1, "actor-oauth: there is no user nobody\n")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "the password is empty"),
        ("short", "at least 8 characters"),
        ("x" * 2000, "at most 1024 bytes"),
    ],
)
def test_a_password_that_breaks_the_rules_is_refused_without_being_shown(
    actor_oauth: Command, password: str, words: str
) -> None:
    done = actor_oauth("users", "add", "alice", "--password-stdin", stdin=password)
    assert done.status == 1
    assert words in done.err
    assert "Traceback" not in done.err
    assert not password or password not in done.err


@pytest.mark.parametrize(
    "name", ["", " alice", "alice ", "a\nb", "a\u202eb", "x" * 256]
)
def test_a_name_that_could_pass_for_another_is_refused(
    actor_oauth: Command, name: str
) -> None:
    done = actor_oauth("users", "add", name, "--password-stdin", stdin=PASSWORD)
    assert done.status == 1
    assert "a name has" in done.err


def test_without_terminal_and_option_it_says_how_to_give_a_password(
    actor_oauth: Command,
) -> None:
    done = actor_oauth("users", "add", "alice")
    assert done.status == 1
    assert "--password-stdin" in done.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("again", [PASSWORD, "something else"])
def test_on_a_terminal_the_password_is_asked_for_twice(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    answers = iter([PASSWORD, again])
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))
    monkeypatch.setattr(io, "StringIO", Terminal)
    done = actor_oauth("users", "add", "alice")
    if again == PASSWORD:
        assert done.status == 0
    else:
        assert done.status == 1
        assert "the two passwords differ" in done.err


def test_all_users_are_listed_as_text_and_as_json(actor_oauth: Command) -> None:
    assert actor_oauth("users", "list").out == ""
    for name in ("zoe", "alice"):
        actor_oauth("users", "add", name, "--password-stdin", stdin=PASSWORD)
    assert sorted(actor_oauth("users", "list").out.split()) == ["alice", "zoe"]
    listed = json.loads(actor_oauth("users", "list", "--json").out)
    assert "alice" in {members["user"] for members in listed}


def test_a_damaged_keyring_is_said_without_a_traceback(
    actor_oauth: Command, tmp_path: Path
) -> None:
    actor_oauth("users", "list")
    (tmp_path / ".actor-oauth" / "keyring.json").write_text("{}")
    done = actor_oauth("users", "list")
    assert done.status == 1
    assert done.err.startswith("actor-oauth: ")
    assert "is damaged" in done.err
    assert "Traceback" not in done.err


def test_data_that_cannot_be_used_is_said_without_a_traceback(
    actor_oauth: Command, tmp_path: Path
) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    for file in (tmp_path / ".actor-oauth" / "actors").rglob("*.db"):
        file.write_bytes(b"no database" * 1000)
    done = actor_oauth("users", "list")
    assert done.status == 1
    assert "cannot be used" in done.err
    assert "Traceback" not in done.err


def test_an_unknown_command_is_a_usage_error(actor_oauth: Command) -> None:
    assert actor_oauth("users", "bogus").status == 2
    assert sys.argv[0] == "actor-oauth"


def test_a_user_is_disabled_and_enabled_once(actor_oauth: Command) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    assert actor_oauth("users", "disable", "alice").status == 0
    again = actor_oauth("users", "disable", "alice")
    assert again.status == 1
    assert "already disabled" in again.err
    assert actor_oauth("users", "enable", "alice").status == 0
    assert actor_oauth("users", "enable", "alice").status == 1


@pytest.mark.requirement("K-10", "H-08")
def test_a_deleted_user_is_gone_and_may_come_back(actor_oauth: Command) -> None:
    add = ("users", "add", "alice", "--password-stdin")
    actor_oauth(*add, stdin=PASSWORD)
    assert actor_oauth("users", "delete", "alice").status == 0
    assert actor_oauth("users", "list").out == ""
    again = actor_oauth("users", "delete", "alice")
    assert (again.status, again.err) == (1, "actor-oauth: there is no user alice\n")
    [event] = json.loads(actor_oauth("audit", "alice", "--json").out)
    assert event["event"] == "account_deleted"
    assert actor_oauth(*add, stdin=PASSWORD).status == 0
    assert actor_oauth("users", "list").out == "alice\n"


@pytest.mark.requirement("K-12")
def test_the_audit_trail_says_what_happened_newest_first(actor_oauth: Command) -> None:
    unknown = actor_oauth("audit", "alice")
    assert (unknown.status, unknown.out) == (1, "")
    assert "there are no events of a user alice" in unknown.err
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    actor_oauth("users", "set-password", "alice", "--password-stdin", stdin=PASSWORD)
    told = actor_oauth("audit", "alice").out
    assert told.index("password_changed") < told.index("account_created")
    assert " UTC" in told
    [event] = json.loads(actor_oauth("audit", "alice", "--limit", "1", "--json").out)
    assert event["event"] in {"password_changed", "sessions_closed"}
    assert event["grant_id"] is None


def test_only_what_adds_something_makes_a_data_directory(
    actor_oauth: Command, tmp_path: Path
) -> None:
    """A directory that was named by mistake is no empty one."""
    where = tmp_path / "elsewhere"
    for command in (("users", "list"), ("users", "disable", "alice"), ("purge",)):
        told = actor_oauth(*command, "--data", str(where))
        assert (told.status, told.out) == (1, "")
        assert f"there is no data directory {where}" in told.err
        assert not where.exists()
    add = ("users", "add", "alice", "--password-stdin", "--data", str(where))
    assert (
        f"created the data directory {where}" in actor_oauth(*add, stdin=PASSWORD).err
    )
    assert "made" not in actor_oauth("users", "list", "--data", str(where)).err


def test_a_variable_that_is_no_setting_is_told(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_DTAA", "/var/lib/actor-oauth")
    told = actor_oauth("users", "list")
    assert told.status == 0
    assert "did you mean ACTOR_OAUTH_DATA?" in told.err


def test_the_trail_is_found_by_what_the_log_says(actor_oauth: Command) -> None:
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    [alice] = json.loads(actor_oauth("users", "list", "--json").out)
    address = alice["actor"]
    told = actor_oauth("audit", address)
    assert (told.status, told.err) == (0, f"{address} is alice\n")
    assert "account_created" in told.out
    of_grant = actor_oauth("audit", f"{address}/00000001", "--json")
    assert json.loads(of_grant.out) == []
    nobody = actor_oauth("audit", "user/" + "0" * 32)
    assert (nobody.status, nobody.out) == (1, "")
    assert "there is no user at user/000" in nobody.err
