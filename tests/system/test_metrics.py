"""Metrics over several workers. Those of one process are in tests/cli/test_serve.py."""

import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.support.server_process import PATIENCE, ServerProcess, serving

STRANGE: Final = "mallory-was-here"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def metrics_url(server: ServerProcess) -> str:
    told = [line for line in server.lines if "metrics for Prometheus" in line]
    return told[0].partition("url=")[2].split()[0]


def scrape(server: ServerProcess) -> Samples:
    with urllib.request.urlopen(metrics_url(server), timeout=PATIENCE) as answer:
        text = answer.read().decode()
    assert STRANGE not in text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"actor_oauth_{name}", frozenset(labels.items())]


def ask(url: str, form: Mapping[str, str] | None = None) -> int:
    """Ask on a connection of one's own, so that any worker may get it."""
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(url, data, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def ask_as_a_stranger(server: ServerProcess, times: int) -> None:
    for number in range(times):
        assert ask(f"{server.url}/{STRANGE}-{number}") == 404
        assert ask(f"{server.url}/token", {"grant_type": STRANGE}) == 401


def test_workers_are_counted_together_and_one_that_dies_takes_nothing_along(
    tmp_path: Path,
) -> None:
    environment = {"TMPDIR": str(tmp_path), "ACTOR_OAUTH_METRICS_PORT": "0"}
    with serving(
        tmp_path / "data", "--workers", "2", environment=environment
    ) as server:
        ask_as_a_stranger(server, 10)
        other = {"endpoint": "other", "status": "404"}
        assert ask(f"{server.url}/health") == 200
        samples = scrape(server)
        assert sample(samples, "http_requests_total", **other) == 10
        unauthorized = {"endpoint": "token", "status": "401"}
        assert sample(samples, "http_requests_total", **unauthorized) == 10
        count = "http_request_duration_seconds_count"
        assert sample(samples, count, endpoint="token") == 10
        assert sample(samples, "actors_in_memory") >= 0
        assert sample(samples, "refusals_total", reason="client_id_missing") == 10

        os.kill(server.children()[0], signal.SIGKILL)
        server.wait_for_line("worker ended")
        samples = scrape(server)
        assert sample(samples, "http_requests_total", **other) == 10
        assert list(tmp_path.glob("actor-oauth-metrics-*"))
        assert server.stop() == 0
    assert not list(tmp_path.glob("actor-oauth-metrics-*"))
