"""The race: many refreshes with one token at once, over HTTP, round after round.

    python -m benchmarks.races                      starts a server of its own
    python -m benchmarks.races --workers 2          the same, with two processes
    python -m benchmarks.races --url ISSUER         any server that approves at once

Each round takes a new grant, connects N racers, lets all of them present the same
refresh token at the same moment, and then looks at what is left. Once the retry window
of the server is over, every round's token is presented again, as a thief would.

Expected: every racer is answered with tokens, all of a round with the same ones, which
work; and a late replay revokes the grant. The exit code says whether it was so.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import httpx2
import trio
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.http_connection import (
    ConnectionBrokenError,
    HttpAnswer,
    HttpConnection,
)
from benchmarks.oauth_client import (
    OAuthClientError,
    ServerEndpoints,
    Tokens,
    authorize,
    discover,
    read_tokens,
    refresh_request,
    register,
)
from benchmarks.processes import StartError, started

_NOBODY_ANSWERED = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one race left behind.

    Attributes:
        client_id: Whose grant it was.
        raced: The tokens that everybody presented.
        successors: The distinct tokens that came back: exactly one is right.
        answers: How often each kind of answer came.
        alive: Whether a successor could be refreshed again.
        latest: The tokens that this last refresh gave.
    """

    client_id: str
    raced: Tokens
    successors: list[Tokens]
    answers: Counter[str]
    alive: bool
    latest: Tokens | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What all rounds came to.

    Attributes:
        racers: How many presented one token at once.
        rounds: How often.
        workers: Processes of the server; None if it is not ours.
        answers: How often each kind of answer came, over all rounds.
        successors: Distinct successors of each round.
        live_grants: Rounds after which the grant was still alive.
        replays_refused: Late replays that were answered `invalid_grant`.
        replays_revoked: Late replays after which nothing of the grant worked.
    """

    racers: int
    rounds: int
    workers: int | None
    answers: dict[str, int] = field(default_factory=dict)
    successors: list[int]
    live_grants: int
    replays_refused: int
    replays_revoked: int

    @property
    def as_expected(self) -> bool:
        """Whether nobody was logged out, nothing forked, and every thief was noticed."""
        return (
            self.answers == {"200": self.racers * self.rounds}
            and self.successors == [1] * self.rounds
            and self.live_grants == self.rounds
            and self.replays_refused == self.replays_revoked == self.rounds
        )


def kind_of(answer: HttpAnswer) -> str:
    """The kind of an answer: its status, with the error code if it has one."""
    if answer.status == 200:
        return "200"
    try:
        return f"{answer.status} {json.loads(answer.body)['error']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status)


class Racetrack:
    """One authorization server, and the means to race on it."""

    def __init__(self, http: httpx2.AsyncClient, endpoints: ServerEndpoints) -> None:
        self._http = http
        self._endpoints = endpoints

    async def race(self, racers: int) -> Round:
        """Take a new grant, and let everybody refresh it at once."""
        # A client for each round: a new authorization of the same client would
        # supersede the grant of the round before.
        client_id = await register(self._http, self._endpoints)
        raced = await authorize(self._http, self._endpoints, client_id)
        answers = await self._present_at_once(client_id, raced, racers)
        good = [read_tokens(a.body) for a in answers if a and a.status == 200]
        successors = list({tokens.refresh_token: tokens for tokens in good}.values())
        last = await self.present(client_id, successors[0]) if successors else None
        alive = last is not None and last.status == 200
        return Round(
            client_id=client_id,
            raced=raced,
            successors=successors,
            answers=Counter(kind_of(a) if a else _NOBODY_ANSWERED for a in answers),
            alive=alive,
            latest=read_tokens(last.body) if last and alive else None,
        )

    async def _present_at_once(
        self, client_id: str, tokens: Tokens, racers: int
    ) -> list[HttpAnswer | None]:
        request = refresh_request(self._endpoints, client_id, tokens.refresh_token)
        answers: list[HttpAnswer | None] = []
        ready = 0
        go = trio.Event()

        async def run() -> None:
            nonlocal ready
            connection = await self._connect()
            try:
                ready += 1
                if ready == racers:
                    go.set()
                await go.wait()
                answers.append(await connection.ask(request))
            except ConnectionBrokenError:
                answers.append(None)
            finally:
                await connection.aclose()

        async with trio.open_nursery() as nursery:
            for _ in range(racers):
                nursery.start_soon(run)
        return answers

    async def present(self, client_id: str, tokens: Tokens) -> HttpAnswer:
        """Refresh once."""
        connection = await self._connect()
        try:
            return await connection.ask(
                refresh_request(self._endpoints, client_id, tokens.refresh_token)
            )
        finally:
            await connection.aclose()

    async def _connect(self) -> HttpConnection:
        parts = urlsplit(self._endpoints.token)
        assert parts.hostname is not None
        return await HttpConnection.open(parts.hostname, parts.port or 80)

    async def replay(self, ran: Round) -> tuple[bool, bool]:
        """Present the token of a round again, long after.

        Returns:
            Whether it was refused as `invalid_grant`, and whether nothing of the grant
            works any more.
        """
        refused = kind_of(await self.present(ran.client_id, ran.raced))
        if ran.latest is None:
            return refused == "400 invalid_grant", False
        after = kind_of(await self.present(ran.client_id, ran.latest))
        opened = await self._opens_resource(ran.latest)
        return refused == "400 invalid_grant", after != "200" and not opened

    async def _opens_resource(self, tokens: Tokens) -> bool:
        """Whether the access token still opens the resource that it is for."""
        if tokens.resource is None:
            return False
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        answer = await self._http.post(tokens.resource, headers=bearer)
        return answer.status_code != 401


async def run_races(
    issuer: str,
    *,
    racers: int,
    rounds: int,
    window: float,
    workers: int | None,
    progress: Progress,
) -> Report:
    """Race on a server, and report.

    Args:
        issuer: Of the server.
        racers: Refreshes at once.
        rounds: How often.
        window: The server's retry window in seconds, which is waited for.
        workers: Goes into the report.
        progress: Told how far it is.
    """
    ran: list[Round] = []
    replays: list[tuple[bool, bool]] = []
    async with httpx2.AsyncClient(timeout=60.0) as http:
        track = Racetrack(http, await discover(http, issuer))
        task = progress.add_task(f"{rounds} rounds of {racers} racers", total=rounds)
        for _ in range(rounds):
            ran.append(await track.race(racers))
            progress.advance(task)
        progress.update(task, description="the retry window passes")
        # Times are whole seconds on the server's side.
        await trio.sleep(window + 2)
        task = progress.add_task("late replays", total=rounds)
        for one in ran:
            replays.append(await track.replay(one))
            progress.advance(task)
    return Report(
        racers=racers,
        rounds=rounds,
        workers=workers,
        answers=dict(sum((one.answers for one in ran), Counter())),
        successors=[len(one.successors) for one in ran],
        live_grants=sum(one.alive for one in ran),
        replays_refused=sum(refused for refused, _ in replays),
        replays_revoked=sum(revoked for _, revoked in replays),
    )


def render(report: Report) -> Table:
    """The report as a table for the terminal."""
    table = Table(
        title=f"{report.racers} racers with one token, {report.rounds} rounds"
    )
    table.add_column("what")
    table.add_column("found", justify="right")
    table.add_column("expected", justify="right")
    everybody = report.racers * report.rounds
    for kind, count in sorted(report.answers.items()):
        table.add_row(f"answered {kind}", str(count), str(everybody * (kind == "200")))
    spread = sorted(set(report.successors))
    found = "/".join(map(str, spread))
    table.add_row("distinct successors in a round", found, "1")
    for what, count in (
        ("grants alive after the race", report.live_grants),
        ("late replays refused", report.replays_refused),
        ("late replays that revoked the grant", report.replays_revoked),
    ):
        table.add_row(what, str(count), str(report.rounds))
    return table


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.races", description=__doc__)
    parser.add_argument("--url", help="issuer of a running server")
    parser.add_argument("--racers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1, help="of our own server")
    parser.add_argument(
        "--window", type=int, default=5, help="the server's retry window in seconds"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Race and print; the exit code is 0 if everything was as expected."""
    options = _parse(arguments)
    console = Console(stderr=options.json)
    with ExitStack() as stack:
        try:
            issuer = options.url or stack.enter_context(
                own_server(options.workers, options.window)
            )
            progress = stack.enter_context(Progress(console=Console(stderr=True)))
            report = trio.run(_run, issuer, options, progress)
        except (OAuthClientError, StartError) as error:
            console.print(f"[red]{error}")
            return 2
    if options.json:
        members = {**asdict(report), "as_expected": report.as_expected}
        print(json.dumps(members, indent=2))
    else:
        console.print(render(report))
        console.print("as expected" if report.as_expected else "[red]NOT as expected")
    return 0 if report.as_expected else 1


async def _run(issuer: str, options: argparse.Namespace, progress: Progress) -> Report:
    return await run_races(
        issuer,
        racers=options.racers,
        rounds=options.rounds,
        window=options.window,
        workers=None if options.url else options.workers,
        progress=progress,
    )


@contextmanager
def own_server(workers: int, window: int) -> Iterator[str]:
    """A server of our own on an empty data directory; gives its issuer."""
    with (
        tempfile.TemporaryDirectory() as data,
        started(
            [
                *("actor_oauth", "serve", "--port", "0", "--data", data),
                *("--auto-approve", "alice", "--workers", str(workers)),
            ],
            environment={"ACTOR_OAUTH_REFRESH_GRACE_SECONDS": str(window)},
        ) as url,
    ):
        yield url


if __name__ == "__main__":
    sys.exit(main())
