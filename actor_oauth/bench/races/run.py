"""Runs races, round after round, and sums them up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import sleep
from typing import Final

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.races import assertions, codes, endings, refreshes, registrations
from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.outcome import RaceReport, Round, summed_up
from actor_oauth.bench.target import Target

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and the total."""

# Times are whole seconds at most servers.
_ROUNDING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Race:
    """A race that can be asked for.

    Attributes:
        what: It is, in a sentence.
        run: One round of it.
        needs: What the server must have for it: why not, or None if it has.
        replays: Whether the raced token is presented again after the window.
        rounds: At most so many of them, whatever is asked for.
    """

    what: str
    run: Callable[[Ground, Course], Round]
    needs: Callable[[Target, Course], str | None]
    replays: bool = False
    rounds: int | None = None


def _nothing(_target: Target, _course: Course) -> str | None:
    return None


def _grace(_target: Target, course: Course) -> str | None:
    return None if course.grace > 0 else "the server has no grace window (--grace)"


def _revocation(target: Target, _course: Course) -> str | None:
    has_it = target.endpoints.revocation is not None
    return None if has_it else "the server has no revocation endpoint"


def _revocation_and_checks(target: Target, course: Course) -> str | None:
    if not target.can_check:
        return "neither a resource nor introspection to check access tokens by"
    return _revocation(target, course)


def _registration(target: Target, _course: Course) -> str | None:
    has_it = target.endpoints.registration is not None
    return None if has_it else "clients cannot register themselves"


RACES: Final[Mapping[str, Race]] = {
    "refresh-refresh": Race(
        "refreshes with one token", refreshes.race, _nothing, replays=True
    ),
    "refresh-window": Race(
        "refreshes with one token, spread to past the end of the grace window",
        refreshes.race_past_the_window,
        _grace,
        rounds=1,
    ),
    "refresh-revoke": Race(
        "refreshes with one token, and its revocation",
        endings.refreshes_and_revocation,
        _revocation,
    ),
    "refresh-delete": Race(
        "refreshes with one token, and the deletion of its client",
        endings.refreshes_and_deletion,
        _registration,
    ),
    "code-code": Race("redemptions of one code", codes.race, _nothing),
    "assertion-assertion": Race(
        "presentations of one identity assertion (ID-JAG)", assertions.race, _nothing
    ),
    "check-revoke": Race(
        "checks of an access token, and the revocation of its grant",
        endings.checks_and_revocation,
        _revocation_and_checks,
    ),
    "register-delete": Race(
        "registrations, and reads and deletions of one client",
        registrations.race,
        _registration,
    ),
}


def run_race(
    name: str, ground: Ground, course: Course, *, rounds: int, tell: Tell
) -> RaceReport:
    """Run all rounds of a race; one that cannot be run says why.

    Args:
        name: In `RACES`.
        ground: Where.
        course: How.
        rounds: How often.
        tell: Called with progress.
    """
    race = RACES[name]
    missing = race.needs(ground.target, course)
    if missing is not None:
        return RaceReport(name=name, what=race.what, skipped=missing)
    wanted = rounds if race.rounds is None else min(rounds, race.rounds)
    try:
        ran = _run(name, race, ground, course, wanted, tell)
    except BenchError as error:
        return RaceReport(name=name, what=race.what, skipped=str(error))
    return summed_up(name, race.what, ran, racers=course.racers, jitter=course.jitter)


def _run(
    name: str, race: Race, ground: Ground, course: Course, rounds: int, tell: Tell
) -> list[Round]:
    ran: list[Round] = []
    for number in range(rounds):
        done = number * course.racers
        total = rounds * course.racers
        tell(name, done, total)
        telling = replace(ground, on_ticks=_from(tell, name, done, total))
        ran.append(race.run(telling, course))
    if race.replays:
        _replay(name, ground, ran, course, tell)
    tell(name, 1, 1)
    return ran


def _from(tell: Tell, name: str, done: int, total: int) -> Callable[[int], None]:
    return lambda ticks: tell(name, done + ticks, total)


def _replay(
    name: str, ground: Ground, ran: Sequence[Round], course: Course, tell: Tell
) -> None:
    tell(f"{name}: the grace window passes", 0, len(ran))
    sleep(course.grace + _ROUNDING)
    for number, one in enumerate(ran):
        tell(f"{name}: late replays", number, len(ran))
        refreshes.replay(ground, one)
