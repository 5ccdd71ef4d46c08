import socket
from pathlib import Path

import pytest

from actor_oauth.config import ConfigError, Settings
from actor_oauth.provider.listening import bind, bind_metrics

OPEN_FILES = Path("/proc/self/fd")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://localhost:"),
        ("::1", "http://[::1]:"),
    ],
)
def test_port_0_takes_a_free_port_that_the_issuer_then_names(
    host: str, name: str
) -> None:
    fd, settings = bind(Settings(host=host, port=0))
    with socket.socket(fileno=fd) as listener:
        port = listener.getsockname()[1]
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    assert settings.port == port
    assert settings.issuer == f"{name}{port}"


def test_localhost_is_reached_by_clients_that_know_only_ipv4() -> None:
    fd, _ = bind(Settings(host="localhost", port=0))
    with socket.socket(fileno=fd) as listener:
        assert listener.family == socket.AF_INET


def test_connections_wait_in_line_before_anything_accepts_them() -> None:
    fd, settings = bind(Settings(port=0))
    with (
        socket.socket(fileno=fd),
        socket.create_connection((settings.host, settings.port), timeout=5),
    ):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_cannot_be_had_is_told_and_leaves_no_socket_open(
    host: str,
) -> None:
    before = len(list(OPEN_FILES.iterdir()))
    with pytest.raises(ConfigError, match=f"cannot listen on {host} port 8000: "):
        bind(Settings(host=host))
    assert len(list(OPEN_FILES.iterdir())) == before


def test_metrics_have_no_port_unless_they_are_wanted_and_then_one_of_their_own() -> (
    None
):
    off = Settings(port=0)
    assert bind_metrics(off) == (None, off)
    fd, settings = bind_metrics(Settings(port=0, metrics_host="::1", metrics_port=0))
    assert fd is not None
    with socket.socket(fileno=fd) as listener:
        assert listener.getsockname()[:2] == ("::1", settings.metrics_port)


def test_a_port_of_the_metrics_that_is_taken_is_told_by_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rf"127\.0\.0\.1 port {port}: Address already in use; .* metrics_port"
        with pytest.raises(ConfigError, match=told):
            bind_metrics(Settings(metrics_port=port))
