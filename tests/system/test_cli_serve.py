"""`actor-oauth serve` as a process: what it says, how it stops, what it survives."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest
import trio

from tests.support.server_process import (
    COMMAND,
    PATIENCE,
    clean_environment,
    run_command,
    serving,
)

PASSWORD = "correct horse battery staple"
CALLBACK = "http://127.0.0.1/callback"


def issuer_of(url: str) -> str:
    address = f"{url}/.well-known/oauth-authorization-server"
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        return str(json.load(answer)["issuer"])


def status_of(url: str) -> int:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        with urllib.request.build_opener(Stay).open(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


async def until_gone(pids: list[int]) -> None:
    """Wait until none of these processes runs."""
    with trio.fail_after(PATIENCE):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                await trio.lowlevel.wait_readable(descriptor)
                os.close(descriptor)


@pytest.mark.requirement("A-01", "A-15")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_serves_on_a_free_port_and_stops_in_order_when_told(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path / "data") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert issuer_of(server.url) == server.url
        assert server.stop(number) == 0
        assert "Traceback" not in "\n".join(server.rest())


def test_it_says_in_three_lines_where_it_is_and_what_to_do_next(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    with serving(data) as server:
        last = [line for line in server.lines if "[info" not in line][-4:]
        assert server.url in last[0]
        assert str(data) in last[0]
        assert last[1].endswith(
            f"claude mcp add --transport http demo {server.url}/mcp"
        )
        assert last[2].endswith(f"actor-oauth users add NAME --data '{data}'")
        assert last[3] == f"listening on {server.url}"


def test_once_there_is_a_user_it_says_where_to_sign_in(tmp_path: Path) -> None:
    added = run_command(
        "users", "add", "alice", "--password-stdin", "--data", str(tmp_path),
        stdin=PASSWORD,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    with serving(tmp_path) as server:
        assert f"  Sign in:  {server.url}/account" in server.lines


def test_what_it_suggests_to_type_is_what_was_typed(tmp_path: Path) -> None:
    environment = {"ACTOR_OAUTH_COMMAND": "./dev"}
    with serving(tmp_path, environment=environment) as server:
        assert any("./dev users add NAME" in line for line in server.lines)


def test_users_and_clients_can_be_added_while_it_serves(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    with serving(tmp_path) as server:
        command = ("users", "add", "alice", "--password-stdin", *data)
        added = run_command(*command, stdin=PASSWORD)
        assert added.returncode == 0, added.stderr
        client = run_command(
            "clients", "add", "--name", "Notes", "--redirect-uri", CALLBACK,
            "--json", *data,
        )  # fmt: skip
        assert client.returncode == 0, client.stderr
        known = json.loads(client.stdout)["client_id"]
        query = f"redirect_uri={CALLBACK}&response_type=code"
        assert status_of(f"{server.url}/authorize?client_id=none&{query}") == 400
        assert status_of(f"{server.url}/authorize?client_id={known}&{query}") != 400
        deleted = run_command("clients", "delete", known, *data)
        assert deleted.returncode == 0, deleted.stderr
        assert status_of(f"{server.url}/authorize?client_id={known}&{query}") == 400


def test_each_log_line_is_json_when_asked_for_and_the_ready_line_stays(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--log-format", "json") as server:
        assert server.stop() == 0
        others = [line for line in server.rest() if not line.startswith("listening on")]
        assert "stopped" in [json.loads(line)["event"] for line in others]


def test_a_port_that_is_taken_is_said_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_command("serve", "--port", port, "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"actor-oauth: cannot listen on 127.0.0.1 port {port}: Address already in "
        "use; choose another with --host and --port (--port 0 picks a free one)\n"
    )


def test_a_data_directory_that_is_none_is_said_without_a_traceback(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run_command("serve", "--port", "0", "--data", str(file))
    assert done.returncode == 1
    assert done.stderr == (
        f"actor-oauth: data directory {file} is not a directory; "
        "choose another (--data)\n"
    )


def _unmeasured(environment: dict[str, str]) -> dict[str, str]:
    """Without coverage, which writes a file of its own at the end."""
    return {k: v for k, v in environment.items() if not k.startswith("COVERAGE")}


def test_a_full_disk_is_said_at_the_start_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("sh", "-c", 'ulimit -f 8; exec "$@"', "sh"),
            *COMMAND,
            *("serve", "--port", "0", "--data", str(tmp_path / "data")),
        ],
        env=_unmeasured(clean_environment({"PYTHONDONTWRITEBYTECODE": "1"})),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot write to data directory" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("A-15", "A-17")
def test_every_setting_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('issuer = "http://login.example.com"\naccess_token_seconds = 60\n')
    done = run_command("serve", "--config", str(file), "--auto-approve", "alice")
    assert done.returncode == 1
    assert "must be https" in done.stderr
    assert "refresh_grace_seconds" in done.stderr
    assert "auto_approve" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_variable_that_looks_like_a_setting_is_warned_of(tmp_path: Path) -> None:
    environment = {"ACTOR_OAUTH_REFRESH_GRACE": "5"}
    with serving(tmp_path, environment=environment) as server:
        assert any("ACTOR_OAUTH_REFRESH_GRACE is not" in line for line in server.lines)


def test_auto_approve_warns_loudly_and_makes_the_user(tmp_path: Path) -> None:
    with serving(tmp_path, "--auto-approve", "alice") as server:
        assert any("!! AUTO-APPROVE" in line for line in server.lines)
    users = run_command("users", "list", "--data", str(tmp_path))
    assert users.stdout == "alice\n"


@pytest.mark.requirement("G10")
def test_workers_share_the_port_and_are_ready_before_it_is_announced(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--workers", "3") as server:
        assert len(server.children()) == 3
        assert sum("worker ready" in line for line in server.lines) == 3
        assert issuer_of(server.url) == server.url
        assert server.stop() == 0
        assert "Traceback" not in "\n".join(server.rest())


@pytest.mark.requirement("G10")
def test_a_signal_to_every_process_at_once_stops_them_in_order(tmp_path: Path) -> None:
    """Service managers signal all processes of a service, terminals a whole group."""
    brief = {"ACTOR_OAUTH_SHUTDOWN_SECONDS": "1"}
    with serving(tmp_path, "--workers", "2", environment=brief) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with socket.create_connection(address, PATIENCE) as held:
            # In flight for as long as the rest of it does not come.
            held.sendall(
                b"POST /token HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\na"
            )
            assert issuer_of(server.url) == server.url
            for pid in [*server.children(), server.process.pid]:
                os.kill(pid, signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
        said = "\n".join(server.rest())
        assert "stopping at once" not in said
        assert "did not stop in order" not in said


async def test_a_worker_that_dies_is_replaced_and_the_port_answers_meanwhile(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        victim, survivor = server.children()
        os.kill(victim, signal.SIGKILL)
        assert issuer_of(server.url) == server.url
        server.wait_for_line("worker ended; starting another")
        server.wait_for_line("worker ready")
        now = server.children()
        assert survivor in now
        assert victim not in now
        assert len(now) == 2
        os.kill(survivor, signal.SIGKILL)
        assert issuer_of(server.url) == server.url
        assert server.stop() == 0
        await until_gone(now)


async def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        workers = server.children()
        server.stop(signal.SIGKILL)
        await until_gone(workers)


def test_the_keys_are_private_and_survive_a_restart(tmp_path: Path) -> None:
    keys = tmp_path / "keyring.json"
    with serving(tmp_path) as server:
        before = keys.read_bytes()
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        server.stop(signal.SIGKILL)
    with serving(tmp_path) as server:
        assert server.stop() == 0
    assert keys.read_bytes() == before


def test_relative_data_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    done = run_command("users", "list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".actor-oauth" / "keyring.json").exists()


def test_the_version_is_printed_alone() -> None:
    assert run_command("version").stdout == f"{version('actor-oauth')}\n"
