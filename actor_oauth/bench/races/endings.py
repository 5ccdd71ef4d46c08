"""Uses of a grant against its end: by revocation, or with its client's registration."""

from collections.abc import Callable
from typing import Final

from actor_oauth.bench.http import Answer, Request
from actor_oauth.bench.races.ground import (
    Course,
    Ground,
    count_late,
    fresh_grant,
    good,
)
from actor_oauth.bench.races.outcome import Round, Violation, judged_round
from actor_oauth.bench.races.volley import Shot
from actor_oauth.bench.target import Credentials

# Seconds for each racer, if the course does not say how they are spread: longer than a
# refresh takes, so that some are before the end, some meanwhile, and some after it.
_SPREAD: Final = 0.004


def refreshes_and_revocation(ground: Ground, course: Course) -> Round:
    """Refreshes with one token, and its revocation in the middle of them."""
    grant = fresh_grant(ground.source)
    end = ground.target.revoke(grant.client, grant.refresh_token, "refresh_token")
    use = ground.target.refresh(grant.client, grant.refresh_token)
    return _run(ground, course, grant.client, ("refresh", use), ("revoke", end), good)


def refreshes_and_deletion(ground: Ground, course: Course) -> Round:
    """Refreshes with one token, and the deletion of its client in the middle."""
    grant = fresh_grant(ground.source, apart=True)
    end = ground.target.delete(grant.client)
    use = ground.target.refresh(grant.client, grant.refresh_token)
    return _run(ground, course, grant.client, ("refresh", use), ("delete", end), good)


def checks_and_revocation(ground: Ground, course: Course) -> Round:
    """Uses of an access token, and the revocation of its grant in the middle."""
    grant = fresh_grant(ground.source)
    end = ground.target.revoke(grant.client, grant.refresh_token, "refresh_token")
    use = ground.target.check(grant.client, grant.access_token or "")

    def accepted(answer: Answer) -> bool:
        return ground.target.accepted(answer) is True

    return _run(ground, course, grant.client, ("check", use), ("revoke", end), accepted)


def _run(
    ground: Ground,
    course: Course,
    client: Credentials,
    use: tuple[str, Request],
    end: tuple[str, Request],
    accepted: Callable[[Answer], bool],
) -> Round:
    spread = course.jitter or _SPREAD * course.racers
    shots = ground.volley(use[0], [use[1]] * course.racers, spread)
    hits = ground.fire([*shots, Shot(end[0], end[1], spread / 2)])
    uses, ending = hits[:-1], hits[-1].answer
    ran = judged_round(hits)
    ran.facts["accepted"] += sum(accepted(hit.answer) for hit in uses)
    if not ending.is_good:
        ran.violations[Violation.FAULT] += 1
        return ran
    ran.facts["sent after the end was answered"] += sum(
        hit.answer.sent > ending.received for hit in uses
    )
    count_late(uses, ending.received, accepted, ran.violations)
    ground.count_works(client, hits, ran.violations)
    if accepted(ground.fire([Shot(*use)])[0].answer):
        ran.violations[Violation.STALE_ACCEPT] += 1
    return ran
