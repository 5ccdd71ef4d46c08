"""Plays grants in driver processes, batch after batch, and judges them."""

from collections.abc import Callable, Sequence
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.fleet import Fleet
from actor_oauth.bench.history.judge import HistoryReport
from actor_oauth.bench.history.model import Rules
from actor_oauth.bench.history.play import Job, Mix, run_plays
from actor_oauth.bench.source import Source
from actor_oauth.bench.target import Code, Grant, Target

GRANTS_AT_ONCE: Final = 16
# Of all grants: so many begin with their code, which several clients redeem.
_CODES: Final = 0.25


def starts_of(source: Source, number: int) -> list[Grant | Code]:
    """Give grants to play, and codes of some, if the source has any."""
    codes: Sequence[Code] = []
    try:
        codes = source.codes(int(number * _CODES))
    except BenchError:
        # A file of refresh tokens is as good.
        codes = []
    return [*codes, *source.grants(number - len(codes))]


def run_histories(
    target: Target,
    source: Source,
    fleet: Fleet,
    *,
    grants: int,
    mix: Mix,
    rules: Rules,
    seed: int,
    on_ticks: Callable[[int], None] | None = None,
) -> HistoryReport:
    """Play so many grants, and check the history of each.

    Args:
        target: The server.
        source: Where grants come from.
        fleet: From where requests are sent.
        grants: How many.
        mix: How their clients behave.
        rules: What the server promises.
        seed: For all that is left to chance.
        on_ticks: Called with the number of answers so far.
    """
    report = HistoryReport()
    while report.grants < grants:
        some = min(GRANTS_AT_ONCE, grants - report.grants)
        job = Job(
            target=target,
            starts=starts_of(source, some),
            mix=mix,
            seed=seed + report.grants,
        )
        done = report.events

        def told(ticks: int, done: int = done) -> None:
            if on_ticks is not None:
                on_ticks(done + ticks)

        for initial, play in fleet.run(run_plays, job, told):
            report.add(initial, play, rules)
    return report
