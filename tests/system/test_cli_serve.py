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
def test_it_serves_on_a_free_port_with_a_log_of_json_lines_and_stops_when_told(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", "--log-format", "json") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert issuer_of(server.url) == server.url
        assert server.stop(signal.SIGTERM) == 0
        others = [line for line in server.rest() if not line.startswith("listening on")]
        assert "stopped" in [json.loads(line)["event"] for line in others]


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
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in "\n".join(server.rest())


def test_what_is_added_while_it_serves_is_there_after_it_was_killed(
    tmp_path: Path,
) -> None:
    data = ("--data", str(tmp_path))
    keys = tmp_path / "keyring.json"
    with serving(tmp_path) as server:
        before = keys.read_bytes()
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
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
        server.stop(signal.SIGKILL)
    with serving(tmp_path) as server:
        assert keys.read_bytes() == before
        assert f"  Sign in:  {server.url}/account" in server.lines
        assert status_of(f"{server.url}/authorize?client_id={known}&{query}") != 400
        deleted = run_command("clients", "delete", known, *data)
        assert deleted.returncode == 0, deleted.stderr
        assert status_of(f"{server.url}/authorize?client_id={known}&{query}") == 400
        assert server.stop(signal.SIGHUP) == 0
        assert "Traceback" not in "\n".join(server.rest())


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


@pytest.mark.requirement("G10")
async def test_workers_share_the_port_are_ready_before_it_is_announced_and_end_with_it(
    tmp_path: Path,
) -> None:
    environment = {"ACTOR_OAUTH_COMMAND": "./dev"}
    with serving(tmp_path, "--workers", "2", environment=environment) as server:
        assert any("./dev users add NAME" in line for line in server.lines)
        workers = server.children()
        assert len(workers) == 2
        assert sum("worker ready" in line for line in server.lines) == 2
        assert issuer_of(server.url) == server.url
        # Not even a parent that was killed leaves any behind.
        server.stop(signal.SIGKILL)
        await until_gone(workers)


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
