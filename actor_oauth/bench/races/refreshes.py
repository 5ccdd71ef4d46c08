"""Refresh against refresh: everybody presents the same token."""

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import Final

from actor_oauth.bench.races.ground import Course, Ground, distinct, fresh_grant
from actor_oauth.bench.races.outcome import Replay, Round, Violation, judged_round
from actor_oauth.bench.races.volley import Hit, Shot

# Servers count whole seconds.
_ROUNDING: Final = 1.0


def race(ground: Ground, course: Course) -> Round:
    """All at once, or within the jitter."""
    grant = fresh_grant(ground.source)
    request = ground.target.refresh(grant.client, grant.refresh_token)
    hits = ground.meet("refresh", request, course)
    successors = distinct(hits, "refresh_token")
    living = ground.living(grant.client, successors or [grant.refresh_token])
    ran = judged_round(hits)
    judge(hits, len(living), course, ran.facts, ran.violations)
    ran.replay = Replay(
        client=grant.client,
        token=grant.refresh_token,
        latest=living[0] if living else None,
    )
    return ran


def judge(
    hits: Sequence[Hit],
    living: int,
    course: Course,
    facts: Counter[str],
    violations: Counter[Violation],
) -> None:
    """Judge a race in which all requests were to arrive within the grace window.

    If a slow machine took longer than that, who came too late was a replay, and the
    grant's end is right.

    Args:
        hits: Of the racers.
        living: Chains that were alive afterwards.
        course: How it was run.
        facts: Counted into.
        violations: Counted into.
    """
    successors = distinct(hits, "refresh_token")
    refusals = [hit.answer for hit in hits if 400 <= hit.answer.status < 500]
    first = min((h.answer.sent for h in hits if h.answer.is_good), default=inf)
    closes = first + course.grace
    too_late = sum(answer.received > closes for answer in refusals)
    facts["racers answered with tokens"] += len(hits) - len(refusals)
    facts["racers refused"] += len(refusals)
    facts["distinct successors"] += len(successors)
    facts["living chains"] += living
    facts["tokens given out that are dead"] += max(0, len(successors) - living)
    if living == 0 and course.grace > 0 and too_late:
        facts["rounds too slow to be judged"] += 1
    elif living == 0:
        violations[Violation.LOST_GRANT] += 1
    if living > 1:
        violations[Violation.FORK] += 1
    if len(successors) > 1:
        violations[Violation.SECOND_SUCCESSOR] += 1
    if course.grace > 0 and len(refusals) > too_late:
        violations[Violation.REFUSED_IN_GRACE] += len(refusals) - too_late


def replay(ground: Ground, ran: Round) -> None:
    """Present the raced token again, long after, and see what that does.

    Args:
        ground: The same.
        ran: A round whose grace window is over; the results are added to it.
    """
    again = ran.replay
    if again is None:
        return
    if ground.refresh(again.client, again.token).is_good:
        ran.violations[Violation.REPLAY_ACCEPTED] += 1
    if again.latest is None:
        return
    after = ground.refresh(again.client, again.latest)
    if after.is_good:
        ran.violations[Violation.REPLAY_UNPUNISHED] += 1
    else:
        ran.facts["late replays that ended the grant"] += 1


def race_past_the_window(ground: Ground, course: Course) -> Round:
    """Spread over the grace window, and as long again beyond it."""
    grant = fresh_grant(ground.source)
    request = ground.target.refresh(grant.client, grant.refresh_token)
    length = 2 * (course.grace + _ROUNDING)
    # The first at the beginning; the others all along.
    step = length / max(1, course.racers - 1)
    hits = ground.fire(
        [Shot("refresh", request, number * step) for number in range(course.racers)]
    )
    ran = judged_round(hits)
    judge_window(hits, course.grace, ran.facts, ran.violations)
    if ran.facts["replays refused"]:
        ground.count_works(grant.client, hits, ran.violations)
    return ran


def judge_window(
    hits: Sequence[Hit],
    grace: float,
    facts: Counter[str],
    violations: Counter[Violation],
) -> None:
    """Judge racers by when they arrived; near the window's end both answers are right.

    Args:
        hits: Of the racers.
        grace: Seconds.
        facts: Counted into.
        violations: Counted into.
    """
    good = [hit.answer for hit in hits if hit.answer.is_good]
    if len(distinct(hits, "refresh_token")) > 1:
        violations[Violation.SECOND_SUCCESSOR] += 1
    if not good:
        violations[Violation.LOST_GRANT] += 1
        return
    # The window was opened between these two times.
    earliest = min(answer.sent for answer in good)
    latest = min(answer.received for answer in good)
    for hit in hits:
        answer = hit.answer
        refused = 400 <= answer.status < 500
        facts["replays refused" if refused else "answered with tokens"] += 1
        if refused and answer.received <= earliest + grace:
            violations[Violation.REFUSED_IN_GRACE] += 1
        if answer.is_good and answer.sent >= latest + grace + _ROUNDING:
            violations[Violation.REPLAY_ACCEPTED] += 1
