"""Code against code: everybody redeems the same one."""

from actor_oauth.bench.races.ground import Course, Ground, distinct
from actor_oauth.bench.races.outcome import Round, Violation, judged_round


def race(ground: Ground, course: Course) -> Round:
    """All at once, or within the jitter; at most one is given tokens."""
    code = ground.source.codes(1)[0]
    request = ground.target.redeem(code)
    hits = ground.meet("redeem", request, course)
    ran = judged_round(hits)
    redeemed = distinct(hits, "access_token")
    ran.facts["redemptions"] += len(redeemed)
    if len(redeemed) > 1:
        ran.violations[Violation.DOUBLE_REDEMPTION] += len(redeemed) - 1
    chains = ground.living(code.client, distinct(hits, "refresh_token"))
    # Both is right: RFC 6749 §4.1.2 has a code that came twice end the grant.
    ran.facts["grants alive"] += len(chains)
    return ran
