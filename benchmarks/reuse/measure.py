"""Figures: a policy against fleets without a thief, and against each thief."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.refresh_reuse import RefreshRules
from benchmarks.reuse.server import SimulatedServer
from benchmarks.reuse.thief import PLANS, Plan, Thief
from benchmarks.reuse.world import DAY, HOUR, Fleet, Habit, Scenario, Sharing
from tests.support.grants import START, a_policy

KEY = Proof(jkt="owner", key=b"", issued_at=0)
OTHER_KEY = Proof(jkt="thief", key=b"", issued_at=0)

HABITS: Sequence[Habit] = ("reads", "caches", "asks", "wipes")
SHARINGS: Sequence[Sharing] = ("shared", "copied")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A policy, and whom it meets.

    Attributes:
        name: For people.
        rules: Those of the server.
        bound: Whether the clients bind their tokens to a key.
        key_stolen: Whether the thief has that key too.
        habit: If every fleet has the same.
        sharing: The same.
        slept: The share of lost answers after which the machine sleeps.
        patience: How many times as long as usual it takes until a user signs in again.
    """

    name: str
    rules: RefreshRules
    bound: bool = False
    key_stolen: bool = False
    habit: Habit | None = None
    sharing: Sharing | None = None
    slept: float = 0.1
    patience: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much to simulate.

    Attributes:
        fleets: Of each kind: without a thief, and with each thief.
        days: Of their lives.
        seed: Of everything random.
    """

    fleets: int
    days: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Theft:
    """What became of one kind of thief.

    Attributes:
        noticed: The share that the server noticed.
        hours_to_alarm: The median from theft to alarm, of those; None without any.
        access_hours: The median of how long the thief had access.
        access_hours_worst: The same for the luckiest tenth.
    """

    noticed: float
    hours_to_alarm: float | None
    access_hours: float
    access_hours_worst: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came out for a case.

    Attributes:
        case: Which.
        sign_ins: How often, for 1,000 session-days without a thief, a user had to sign in
            again.
        thefts: By the thief's plan.
    """

    case: Case
    sign_ins: float
    thefts: dict[Plan, Theft]


def measure(case: Case, effort: Effort, *, plans: Sequence[Plan] = PLANS) -> Figures:
    """Simulate a case."""
    sign_ins = session_days = 0
    for fleet, _ in _fleets(case, effort, "alone"):
        fleet.live(effort.days)
        sign_ins += fleet.sign_ins
        session_days += effort.days * len(fleet.sessions)
    return Figures(
        case=case,
        sign_ins=1000 * sign_ins / session_days,
        thefts={plan: _robbed(case, effort, plan) for plan in plans},
    )


def _robbed(case: Case, effort: Effort, plan: Plan) -> Theft:
    delays: list[float] = []
    access: list[float] = []
    for fleet, random in _fleets(case, effort, plan):
        thief = Thief(fleet, plan, _proof_of_thief(case))
        fleet.agenda.at(START + random.uniform(1, 4) * DAY, thief.steal)
        fleet.live(effort.days)
        delay = thief.seconds_to_alarm()
        if delay is not None:
            delays.append(delay / HOUR)
        access.append(thief.access_seconds() / HOUR)
    access.sort()
    return Theft(
        noticed=len(delays) / len(access),
        hours_to_alarm=statistics.median(delays) if delays else None,
        access_hours=statistics.median(access),
        access_hours_worst=access[len(access) * 9 // 10],
    )


def _proof_of_thief(case: Case) -> Proof | None:
    if not case.bound:
        return None
    return KEY if case.key_stolen else OTHER_KEY


def _fleets(case: Case, effort: Effort, purpose: str) -> Iterator[tuple[Fleet, Random]]:
    policy = a_policy(rules=case.rules, grace=case.rules.grace)
    for number in range(effort.fleets):
        name = f"{effort.seed} {purpose} {number}"
        random = Random(name)
        server = SimulatedServer(policy)
        scenario = _scenario(case, random)
        yield Fleet(scenario, server, start=START, seed=name + " life"), random


def _scenario(case: Case, random: Random) -> Scenario:
    habit = random.choices(HABITS, (25, 35, 30, 10))[0]
    sharing = random.choices(SHARINGS, (90, 10))[0]
    return Scenario(
        sessions=random.choices((1, 2, 3, 4, 5), (30, 25, 20, 15, 10))[0],
        habit=case.habit or habit,
        sharing=case.sharing or sharing,
        slept=case.slept,
        patience=case.patience,
        proof=KEY if case.bound else None,
    )
