"""`serve` in this process; what needs a process of its own is in tests/system."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from actor_oauth.config import Settings
from actor_oauth.provider.listening import bind
from tests.cli.conftest import Command
from tests.support.ports import free_port

PATIENCE = 60.0


def wait_for_an_answer(port: int) -> None:
    pause = threading.Event()
    answer = b""
    while not answer:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as peer:
                peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = peer.recv(1)
        except ConnectionError:
            pause.wait(0.02)


@contextmanager
def once_it_answers(port: int, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` in a thread when something answers at the port."""

    def ask() -> None:
        wait_for_an_answer(port)
        stop()

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    yield
    asker.join(PATIENCE)


@contextmanager
def stopped_once_it_answers() -> Iterator[str]:
    """Give a free port; send this process SIGTERM when something answers there."""
    port = free_port()
    with once_it_answers(port, lambda: os.kill(os.getpid(), signal.SIGTERM)):
        yield str(port)


def test_it_serves_until_it_is_told_to_stop(actor_oauth: Command) -> None:
    with stopped_once_it_answers() as port:
        done = actor_oauth("serve", "--port", port)
    assert done.status == 0
    assert f"listening on http://127.0.0.1:{port}" in done.err.splitlines()
    assert "stopped" in done.err.splitlines()[-1]
    assert done.out == ""


def test_metrics_are_told_at_a_port_of_their_own_and_not_at_the_public_one(
    actor_oauth: Command,
) -> None:
    public, private = free_port(), free_port()
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        try:
            for port, path in (
                (public, "/health"),
                (public, "/metrics"),
                (private, "/health"),
                (private, "/metrics"),
            ):
                asking = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                asking.request("GET", path)
                answer = asking.getresponse()
                answers.append((answer.status, answer.read().decode()))
                asking.close()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with once_it_answers(public, ask):
        done = actor_oauth(
            "serve", "--port", str(public), "--metrics-port", str(private)
        )
    assert done.status == 0
    assert f"url=http://127.0.0.1:{private}/metrics" in done.err
    assert [status for status, _ in answers] == [200, 404, 404, 200]
    counted = 'actor_oauth_http_requests_total{endpoint="health",status="200"} 1.0'
    assert counted in answers[-1][1].splitlines()


def test_auto_approve_says_so_before_it_listens(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_NO_SUCH_SETTING", "1")
    with stopped_once_it_answers() as port:
        done = actor_oauth("serve", "--port", port, "--auto-approve", "alice")
    lines = done.err.splitlines()
    [warned] = [at for at, line in enumerate(lines) if "AUTO-APPROVE" in line]
    assert warned < lines.index(f"listening on http://127.0.0.1:{port}")
    assert "ACTOR_OAUTH_NO_SUCH_SETTING is not a setting" in done.err
    assert actor_oauth("users", "list").out == "alice\n"


@pytest.mark.parametrize("cannot_count", [False, True])
def test_a_worker_says_that_it_is_ready_and_ends_with_its_parent(
    actor_oauth: Command, tmp_path: Path, *, cannot_count: bool
) -> None:
    counts = ["--counts", str(tmp_path / "nowhere")] if cannot_count else []
    fd, settings = bind(Settings(port=0, data=tmp_path))
    reading, writing = os.pipe()
    os.write(writing, settings.model_dump_json().encode() + b"\n")
    with (
        os.fdopen(reading) as stdin,
        once_it_answers(settings.port, lambda: os.close(writing)),
    ):
        done = actor_oauth(
            "worker", "--fd", str(fd), "--number", "0", *counts, stdin=stdin
        )
    assert (done.status, done.out) == (0, "ready\n")
    # Metrics are no reason not to serve.
    assert ("metrics are off" in done.err) is cannot_count
    assert len(done.err.splitlines()) == len(counts) // 2


def test_a_fault_shows_where_it_happened(actor_oauth: Command, tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("{}\n")
    with file.open() as stdin, pytest.raises(BaseExceptionGroup) as caught:
        actor_oauth("worker", "--fd", "9999", "--number", "0", stdin=stdin)
    assert caught.group_contains(OSError, match="descriptor")


def test_a_port_that_is_taken_is_said_without_a_traceback(actor_oauth: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = actor_oauth("serve", "--port", port)
    assert done.status == 1
    assert done.err == (
        f"actor-oauth: cannot listen on 127.0.0.1 port {port}: Address already in "
        "use; choose another host or port (--host, --port; --port 0 picks a free one)\n"
    )


def test_a_data_directory_that_is_none_is_said_without_a_traceback(
    actor_oauth: Command, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    done = actor_oauth("serve", "--port", "0", "--data", str(file))
    assert done.status == 1
    assert done.err == (
        f"actor-oauth: data directory {file} is not a directory; "
        "choose another (--data)\n"
    )


@pytest.mark.requirement("A-15", "A-17")
def test_every_setting_that_is_wrong_is_said_at_once(
    actor_oauth: Command, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('issuer = "http://login.example.com"\naccess_token_seconds = 60\n')
    done = actor_oauth("serve", "--config", str(file), "--auto-approve", "alice")
    assert done.status == 1
    assert "must be https" in done.err
    assert "refresh_grace_seconds" in done.err
    assert "auto_approve" in done.err
    assert "Traceback" not in done.err


def test_data_are_in_the_working_directory_if_nothing_else_is_said(
    actor_oauth: Command, tmp_path: Path
) -> None:
    done = actor_oauth("users", "list")
    assert done.status == 0, done.err
    assert (tmp_path / ".actor-oauth" / "keyring.json").exists()
