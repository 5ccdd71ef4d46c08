"""Assertion against assertion: everybody presents the same one."""

from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.outcome import Round, Violation, judged_round


def race(ground: Ground, course: Course) -> Round:
    """All at once, or within the jitter; at most one copy is given tokens."""
    assertion = ground.source.assertions(1)[0]
    request = ground.target.present(assertion)
    hits = ground.meet("present", request, course)
    ran = judged_round(hits)
    accepted = sum(hit.answer.is_good for hit in hits)
    ran.facts["assertions accepted"] += accepted
    if accepted > 1:
        ran.violations[Violation.DOUBLE_REDEMPTION] += accepted - 1
    return ran
