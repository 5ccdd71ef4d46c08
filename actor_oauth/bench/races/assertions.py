"""Assertion against assertion: everybody presents the same one."""

from actor_oauth.bench.races.ground import Course, Ground
from actor_oauth.bench.races.outcome import Round, Violation, count_faults


def race(ground: Ground, course: Course) -> Round:
    """All at once, or within the jitter; at most one copy is given tokens."""
    assertion = ground.source.assertions(1)[0]
    request = ground.target.present(assertion)
    hits = ground.fire(
        ground.volley("present", [request] * course.racers, course.jitter)
    )
    ran = Round(hits=hits)
    count_faults(hits, ran.violations)
    accepted = sum(hit.answer.is_good for hit in hits)
    ran.facts["assertions accepted"] += accepted
    if accepted > 1:
        ran.violations[Violation.DOUBLE_REDEMPTION] += accepted - 1
    return ran
