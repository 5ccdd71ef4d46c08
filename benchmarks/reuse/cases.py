"""What is compared: lines of policies that differ in one number, and single ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from actor_oauth.oauth.refresh_reuse import RefreshRules, ReusePolicy
from benchmarks.reuse.measure import HABITS, Case
from benchmarks.reuse.world import DAY, HOUR

REVOKE = RefreshRules(reuse=ReusePolicy.REVOKE, same_instance=False)
REJECT = RefreshRules(reuse=ReusePolicy.REJECT, same_instance=False)
SAME = RefreshRules()

LINES: Mapping[str, Sequence[Case]] = {
    "revoke, by window": [
        Case(name=name, rules=replace(REVOKE, grace=seconds))
        for name, seconds in {
            "0 s": 0,
            "30 s": 30,
            "2 min": 120,
            "10 min": 600,
            "30 min": 1800,
        }.items()
    ],
    "reject, by contest": [
        Case(name=name, rules=replace(REJECT, contest=days * DAY))
        for name, days in {"1 d": 1, "3 d": 3, "7 d": 7, "30 d": 30}.items()
    ],
    "reject, no contest": [Case(name="", rules=replace(REJECT, contest=0))],
    "reject, and answers may be lost for 1 h": [
        Case(name="", rules=replace(REJECT, lost_answer=HOUR))
    ],
    "same instance, tokens bound to a key": [Case(name="", rules=SAME, bound=True)],
    "the same, and the key is stolen too": [
        Case(name="", rules=SAME, bound=True, key_stolen=True)
    ],
    "revoke, tokens bound to a key": [Case(name="", rules=REVOKE, bound=True)],
    "forgive everything for 30 days": [
        Case(name="", rules=replace(REVOKE, grace=30 * DAY))
    ],
}

BY_HABIT: Mapping[str, Sequence[Case]] = {
    "revoke": [Case(name=habit, rules=REVOKE, habit=habit) for habit in HABITS],
    "reject": [Case(name=habit, rules=REJECT, habit=habit) for habit in HABITS],
    "reject, no contest": [
        Case(name=habit, rules=replace(REJECT, contest=0), habit=habit)
        for habit in HABITS
    ],
}

PATIENCE: Sequence[float] = (0.25, 1, 4, 16)

BY_PATIENCE: Mapping[str, Sequence[Case]] = {
    name: [Case(name=f"{times:g}", rules=rules, patience=times) for times in PATIENCE]
    for name, rules in {"revoke": REVOKE, "reject": REJECT}.items()
}
