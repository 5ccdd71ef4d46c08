import json
import os
import signal
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import AuthorizationServer
from actor_oauth.cli import terminal
from actor_oauth.cli.terminal import showing_progress
from actor_oauth.config import Settings
from actor_oauth.config.keyring_file import read_keyring
from actor_oauth.oauth.keyring import user_key
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.provider import Provider, make_backup
from tests.cli.conftest import Command
from tests.support.made_grants import make_grants

pytestmark = pytest.mark.requirement("K-16")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory."""
    return tmp_path / ".actor-oauth"


@pytest.fixture
def client_and_tokens(data: Path) -> tuple[str, TokenResponse]:
    """A user has allowed a client something."""
    client_id, (tokens,) = trio.run(make_grants, Settings(data=data), 1)
    return client_id, tokens


def works(data: Path, client_id: str, tokens: TokenResponse) -> tuple[bool, bool]:
    """Whether the access token is good, and whether the refresh token is."""
    fields = {"grant_type": "refresh_token", "client_id": client_id}
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    form = parse_form(f"{query}&refresh_token={tokens.refresh_token}".encode())
    assert isinstance(form, Parameters)

    async def ask() -> tuple[bool, bool]:
        async with Provider(Settings(data=data)).open() as running:
            server: AuthorizationServer = running.server
            info = await server.unwrap_token(tokens.access_token)
            answer = await server.token(form, None)
            return info is not None, isinstance(answer, TokenResponse)

    return trio.run(ask)


def texts(value: object) -> list[str]:
    """Every text in a JSON document."""
    if isinstance(value, dict):
        return [text for member in value.values() for text in texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in texts(member)]
    return [value] if isinstance(value, str) else []


def saved(actor_oauth: Command, *arguments: str) -> str:
    done = actor_oauth("backup", "kept", *arguments)
    assert done.status == 0, done.err
    (line,) = done.out.splitlines()
    return line


def test_grants_end_when_a_backup_is_restored_unless_they_are_wanted(
    actor_oauth: Command,
    tmp_path: Path,
    data: Path,
    client_and_tokens: tuple[str, TokenResponse],
) -> None:
    file = saved(actor_oauth, "--with-keys")
    # Revoked after the backup was made.
    (grant,) = json.loads(actor_oauth("grants", "list", "user0", "--json").out)
    actor_oauth("grants", "revoke", "user0", grant["grant_id"])
    assert works(data, *client_and_tokens) == (False, False)

    done = actor_oauth("restore", file, "--data", "ended")
    assert "everybody has to sign in again" in done.err
    assert works(tmp_path / "ended", *client_and_tokens) == (False, False)
    trail = actor_oauth("audit", "user0", "--data", "ended").out
    assert "operator" in trail

    done = actor_oauth("restore", file, "--data", "kept-on", "--keep-grants")
    assert "WARNING" in done.err
    assert works(tmp_path / "kept-on", *client_and_tokens) == (True, True)


@pytest.mark.usefixtures("client_and_tokens")
def test_a_backup_tells_nothing_secret_unless_it_is_to_have_the_keys(
    actor_oauth: Command, data: Path
) -> None:
    keyring = json.loads((data / "keyring.json").read_bytes())
    file = Path(saved(actor_oauth))
    bare = file.read_bytes()
    file.unlink()
    full = Path(saved(actor_oauth, "--with-keys")).read_bytes()
    secrets = [str(key).encode() for key in texts(keyring) if len(str(key)) > 30]
    assert len(secrets) == 2
    assert not any(secret in bare for secret in secrets)
    assert all(secret in full for secret in secrets)


def test_the_keyring_is_given_to_a_restore_that_needs_it(
    actor_oauth: Command,
    tmp_path: Path,
    data: Path,
    client_and_tokens: tuple[str, TokenResponse],
) -> None:
    file = saved(actor_oauth)
    done = actor_oauth("restore", file, "--data", "new")
    assert done.status == 1
    assert "--keyring" in done.err
    actor_oauth("clients", "token", "--label", "any", "--data", "other")
    done = actor_oauth(
        "restore", file, "--data", "new", "--keyring", "other/keyring.json"
    )
    assert "another server" in done.err
    assert not (tmp_path / "new").exists()
    keyring = str(data / "keyring.json")
    done = actor_oauth(
        "restore", file, "--data", "new", "--keyring", keyring, "--keep-grants"
    )
    assert done.status == 0
    assert works(tmp_path / "new", *client_and_tokens) == (True, True)
    assert actor_oauth("doctor", "--deep", "--data", "new").out.count("ok") >= 6


@pytest.mark.usefixtures("client_and_tokens")
def test_a_data_directory_that_is_there_is_never_touched(actor_oauth: Command) -> None:
    file = saved(actor_oauth, "--with-keys")
    done = actor_oauth("restore", file)
    assert done.status == 1
    assert "there already" in done.err


@pytest.mark.usefixtures("client_and_tokens")
def test_a_backup_can_be_checked_wherever_it_is(
    actor_oauth: Command, tmp_path: Path
) -> None:
    file = saved(actor_oauth, "--with-keys")
    assert "all as saved" in actor_oauth("check-backup", file).err
    (tmp_path / "cut").write_bytes(Path(file).read_bytes()[:-8000])
    for name in ("cut", "missing"):
        for command in ("check-backup", "restore"):
            done = actor_oauth(command, name)
            assert done.status == 1
            assert name in done.err


def test_damage_is_told_by_backup_and_by_doctor(
    actor_oauth: Command, data: Path, client_and_tokens: tuple[str, TokenResponse]
) -> None:
    assert client_and_tokens
    (file,) = data.glob("actors/client/*/*.db")
    file.write_bytes(b"no database")
    done = actor_oauth("backup", "kept")
    assert done.status == 1
    assert "DAMAGED, not copied: client/" in done.err
    assert "(file is not a database)" in done.err
    done = actor_oauth("doctor", "--deep")
    assert done.status == 1
    assert "cannot be read: client/" in done.out


def test_a_folder_that_cannot_be_written_is_told(
    actor_oauth: Command, tmp_path: Path
) -> None:
    actor_oauth("users", "list")
    (tmp_path / "file").write_text("no folder")
    done = actor_oauth("backup", "file")
    assert done.status == 1
    assert "cannot make the backup" in done.err
    assert actor_oauth("backup", "kept", "--data", "nowhere").status == 1


def test_one_damaged_user_comes_back_without_grants_and_nobody_else_is_touched(
    actor_oauth: Command, data: Path
) -> None:
    """The tokens of the others stay; those of the user are no good, and no replays."""
    client_id, (mine, others) = trio.run(make_grants, Settings(data=data), 2)
    file = saved(actor_oauth)
    for name in ("user1", "user0"):
        done = actor_oauth("restore-user", file, name)
        assert done.status == 1
        assert "is intact" in done.err

    (damaged,) = data.glob(f"actors/user/*/{key_of(data, 'user0')}.db")
    damaged.write_bytes(b"no database")
    assert "cannot be read: user/" in actor_oauth("doctor", "--deep").out
    done = actor_oauth("restore-user", file, f"user/{damaged.stem}")
    assert done.status == 0
    assert f"{damaged}.damaged-" in done.err
    assert "have to sign in again" in done.err
    assert actor_oauth("doctor", "--deep").status == 0

    assert works(data, client_id, mine) == (False, False)
    assert works(data, client_id, others) == (True, True)
    assert "user0" in actor_oauth("users", "list").out
    assert json.loads(actor_oauth("grants", "list", "user0", "--json").out) == []

    done = actor_oauth("restore-user", file, "stranger")
    assert "does not have user/" in done.err
    actor_oauth("clients", "token", "--label", "any", "--data", "other")
    elsewhere = actor_oauth("backup", "elsewhere", "--data", "other").out.strip()
    assert "another server" in actor_oauth("restore-user", elsewhere, "user0").err


def key_of(data: Path, user_id: str) -> str:
    return user_key(read_keyring(data), user_id)


@pytest.mark.usefixtures("client_and_tokens")
def test_a_long_backup_says_how_far_it_is_where_there_is_no_terminal(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "_LINE_SECONDS", 0.0)
    said = actor_oauth("backup", "kept").err.splitlines()
    assert said[:2] == ["copying: 0 of 4 actors", "verifying: 0 of 4 actors"]
    assert "reading: 0 of" in actor_oauth("doctor", "--deep").err


@pytest.mark.usefixtures("client_and_tokens")
def test_a_backup_that_is_told_to_stop_leaves_nothing_half_written(
    tmp_path: Path, data: Path
) -> None:
    """What SIGTERM left, as from a service manager, filled the disk night by night."""
    kept = tmp_path / "kept"
    before = signal.getsignal(signal.SIGTERM)

    def back_up_until_told() -> None:
        with showing_progress() as show:

            def stop(what: str, done: int, total: int) -> None:
                show(what, done, total)
                assert [path.suffix for path in kept.iterdir()] == [".partial"]
                os.kill(os.getpid(), signal.SIGTERM)

            make_backup(data, kept, with_keys=False, now=1, tell=stop)

    with pytest.raises(KeyboardInterrupt):
        back_up_until_told()
    assert list(kept.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before
