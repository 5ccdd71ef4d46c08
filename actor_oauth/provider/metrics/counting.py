"""Counts what a provider answers and refuses."""

from typing import Final

import trio
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from actor_oauth.actors.callbacks import ObservedError
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.provider.metrics.endpoints import OTHER, endpoint_names
from actor_oauth.provider.parts import RunningProvider
from actor_oauth.resource.asgi import ASGIApp, Message, Receive, Scope, Send

SAMPLE_SECONDS: Final = 5.0
"""Seconds between samples of values that are not counters."""

# From the time of a look at what is in memory to that after which callers give up.
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_REASONS: Final = frozenset((*map(str, Reason), *map(str, UpstreamFault)))
_NO_ANSWER: Final = 500


class Metrics:
    """The counters of one process, in a registry of their own.

    An application that serves a provider by itself makes one, serves `around(running)`
    in place of `running.app`, keeps `sample(running)` running, and gives what `text`
    returns to Prometheus, by `scrape_app` or otherwise.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "actor_oauth_http_requests",
            "Requests by endpoint and status of the answer.",
            ("endpoint", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "actor_oauth_http_request_duration_seconds",
            "Time until the answer began, by endpoint.",
            ("endpoint",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._refusals = Counter(
            "actor_oauth_refusals",
            "Refusals and faults by reason, in the words of the log.",
            ("reason",),
            registry=self._registry,
        )
        self._tokens = Counter(
            "actor_oauth_tokens_issued",
            "Answers of the token endpoint with tokens, by grant type.",
            ("grant_type",),
            registry=self._registry,
        )
        self._long_turns = Counter(
            "actor_oauth_long_turns",
            "Turns that took long, while every other request waited.",
            registry=self._registry,
        )
        self._actors = Gauge(
            "actor_oauth_actors_in_memory",
            "Actors in memory; bounded by max_activations for each worker.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "actor_oauth_http_requests_in_flight",
            "Requests under way, open event streams included.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        # What `labels` finds takes longer to find than to count.
        self._by_status: dict[tuple[str, int], Counter] = {}
        self._by_endpoint: dict[str, Histogram] = {}
        self._under_way = 0

    def text(self) -> bytes:
        """Give everything in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)

    def around(self, running: RunningProvider) -> ASGIApp:
        """Count what a provider answers, refuses and issues.

        Args:
            running: Just opened.

        Returns:
            The application to be served in place of `running.app`.
        """
        running.server.refusals.watch(self._refused)
        running.server.watch_tokens(self._issued)
        name = endpoint_names(running)
        app = running.app

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._serve(app, name(str(scope["path"])), scope, receive, send)
            else:
                await app(scope, receive, send)

        return count

    async def sample(self, running: RunningProvider) -> None:
        """Sample sizes every few seconds, until cancelled."""
        system = running.server.effects.system
        long_turns = 0
        while True:
            self._actors.set(system.activations)
            self._in_flight.set(self._under_way)
            self._long_turns.inc(system.long_turns - long_turns)
            long_turns = system.long_turns
            await trio.sleep(SAMPLE_SECONDS)

    async def _serve(
        self, app: ASGIApp, endpoint: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started = trio.current_time()
        answered = False

        async def send_counted(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                status = message["status"]
                assert isinstance(status, int)
                self._answered(endpoint, status, trio.current_time() - started)
            await send(message)

        self._under_way += 1
        try:
            await app(scope, receive, send_counted)
        except Exception:
            if not answered:
                # The server then says so, in the application's place.
                self._answered(endpoint, _NO_ANSWER, trio.current_time() - started)
            raise
        finally:
            self._under_way -= 1

    def _answered(self, endpoint: str, status: int, seconds: float) -> None:
        requests = self._by_status.get((endpoint, status))
        if requests is None:
            requests = self._requests.labels(endpoint, str(status))
            self._by_status[endpoint, status] = requests
        requests.inc()
        durations = self._by_endpoint.get(endpoint)
        if durations is None:
            durations = self._by_endpoint[endpoint] = self._seconds.labels(endpoint)
        durations.observe(seconds)

    def _refused(self, error: ObservedError) -> None:
        reason = error.reason if error.reason in _REASONS else OTHER
        self._refusals.labels(reason).inc()

    def _issued(self, grant_type: str) -> None:
        # One that this server offers; the last part of a URN identifies it.
        self._tokens.labels(grant_type.rpartition(":")[2]).inc()
