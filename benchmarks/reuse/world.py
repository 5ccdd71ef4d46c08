"""The people and their programs: fleets of sessions that share, copy or lose tokens.

Time is whole seconds. Whatever is random comes from one seeded generator per fleet, so
that a fleet lives the same life under every policy until the policy makes a difference.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Literal

from actor_oauth.oauth.dpop import Proof
from benchmarks.reuse.server import Credentials, SimulatedServer

Habit = Literal["reads", "caches", "asks", "wipes"]
Sharing = Literal["shared", "copied"]

MINUTE, HOUR, DAY = 60, 3600, 86_400
TICK = 10 * MINUTE
"""Between two uses of the API in a session that is busy."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a fleet is like.

    Attributes:
        sessions: Programs that run side by side.
        habit: What a program does about its store. `reads` looks there before each
            refresh; `caches` keeps the token in memory and looks there when it is
            refused; `asks` has its user sign in when it is refused; `wipes` moreover
            deletes what is in the store.
        sharing: One store for all, or a copy for each that goes its own way.
        lost: The share of answers to refreshes that never arrive.
        slept: The share of these after which the machine sleeps, so that the retry comes
            when it wakes up, and not in a few seconds.
        patience: How many times as long as usual it takes until a user signs in again.
        proof: Of the key that every program of the fleet has; None for bearer tokens.
    """

    sessions: int
    habit: Habit
    sharing: Sharing
    lost: float = 0.01
    slept: float = 0.1
    patience: float = 1.0
    proof: Proof | None = None


class Agenda:
    """What happens when."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (int(time), self._count, event))

    def run_until(self, end: int) -> None:
        while self._events and self._events[0][0] < end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end


@dataclass
class Store:
    """Where programs keep their credentials; what is written takes a moment to be seen."""

    held: Credentials | None = None
    before: Credentials | None = None
    seen_from: int = 0
    sign_in_under_way: bool = False
    waiting: "list[Session]" = field(default_factory=list)

    def read(self, now: int) -> Credentials | None:
        return self.held if now >= self.seen_from else self.before

    def write(self, credentials: Credentials | None, now: int, delay: int) -> None:
        self.before, self.held = self.read(now), credentials
        self.seen_from = now + delay


class Fleet:
    """One user with some programs, at one server."""

    def __init__(
        self, scenario: Scenario, server: SimulatedServer, *, start: int, seed: str
    ) -> None:
        self.scenario = scenario
        self.server = server
        self.random = Random(seed)
        self.agenda = Agenda(start)
        self.sign_ins = 0
        self.refreshes = 0
        first = server.sign_in(start, proof=scenario.proof)
        one = Store(first)
        self.stores = [
            one if scenario.sharing == "shared" else Store(first)
            for _ in range(scenario.sessions)
        ]
        self.sessions = [Session(self, store) for store in self.stores]

    def live(self, days: int) -> None:
        """Let the programs run for some days."""
        start = self.agenda.now
        for session in self.sessions:
            for day in range(days):
                session.plan(start + day * DAY)
        self.agenda.run_until(start + days * DAY)

    def delay_of_user(self) -> float:
        """How long it takes until somebody has signed in again."""
        patience = self.scenario.patience
        if self.random.random() < 0.7:
            return patience * self.random.uniform(1, 30) * MINUTE
        return patience * self.random.expovariate(1 / (8 * HOUR))


class Session:
    """A program that runs for months, is busy now and then, and sleeps in between."""

    def __init__(self, fleet: Fleet, store: Store) -> None:
        self.fleet = fleet
        self.store = store
        self.memory = store.held
        self.busy_until = 0
        self.is_waiting = False
        self.unanswered: Credentials | None = None

    def plan(self, day: int) -> None:
        """Be busy for some spells of a day, mostly; on some days not at all."""
        random, agenda = self.fleet.random, self.fleet.agenda
        if random.random() < 0.25:
            return
        for _ in range(random.choice((1, 2, 3))):
            begins = day + random.uniform(8, 22) * HOUR
            length = min(random.expovariate(1 / (1.5 * HOUR)), 8 * HOUR)
            restarts = random.random() < 0.3
            agenda.at(begins, partial(self._wake, length, restarts=restarts))

    def _wake(self, length: float, *, restarts: bool) -> None:
        now = self.fleet.agenda.now
        self.busy_until = max(self.busy_until, int(now + length))
        if restarts and self.unanswered is None:
            self.memory = self.store.read(now) or self.memory
        self.use()

    def use(self) -> None:
        agenda = self.fleet.agenda
        if agenda.now > self.busy_until or self.is_waiting:
            return
        agenda.at(agenda.now + TICK, self.use)
        if self.unanswered is not None:
            self._refresh(self.unanswered)
            return
        if self.fleet.scenario.habit == "reads":
            self.memory = self.store.read(agenda.now) or self.memory
        held = self.memory
        if held is None:
            self._ask()
        elif not (held.access_until > agenda.now and held.grant.lives_at(agenda.now)):
            self._refresh(held)

    def _refresh(self, held: Credentials, *, again: bool = False) -> None:
        fleet, now = self.fleet, self.fleet.agenda.now
        fleet.refreshes += 1
        answer = fleet.server.refresh(held, now, proof=fleet.scenario.proof)
        self.unanswered = None
        if answer is not None and fleet.random.random() < fleet.scenario.lost:
            self._lose(held)
        elif answer is not None:
            self.memory = answer
            self.store.write(answer, now, fleet.random.choice((0, 0, 1, 2)))
        else:
            self._refused(held, again=again)

    def _lose(self, held: Credentials) -> None:
        self.unanswered = held
        random, agenda = self.fleet.random, self.fleet.agenda
        if random.random() < self.fleet.scenario.slept:
            self.busy_until = agenda.now
            return
        agenda.at(agenda.now + random.uniform(1, 20), self._retry)

    def _retry(self) -> None:
        if self.unanswered is not None:
            self._refresh(self.unanswered)

    def _refused(self, held: Credentials, *, again: bool) -> None:
        habit, now = self.fleet.scenario.habit, self.fleet.agenda.now
        if habit in ("reads", "caches") and not again:
            found = self.store.read(now)
            if found is not None and found.token != held.token:
                self.memory = found
                if not (found.access_until > now and found.grant.lives_at(now)):
                    self._refresh(found, again=True)
                return
        if habit == "wipes":
            self.store.write(None, now, 0)
        self._ask()

    def _ask(self) -> None:
        """Have the user sign in; one does it for all that wait at the same store."""
        self.is_waiting, fleet = True, self.fleet
        self.store.waiting.append(self)
        if not self.store.sign_in_under_way:
            self.store.sign_in_under_way = True
            fleet.sign_ins += 1
            delay = fleet.delay_of_user()
            fleet.agenda.at(fleet.agenda.now + delay, self._signed_in)

    def _signed_in(self) -> None:
        fleet, now = self.fleet, self.fleet.agenda.now
        credentials = fleet.server.sign_in(now, proof=fleet.scenario.proof)
        self.store.write(credentials, now, 0)
        self.store.sign_in_under_way = False
        waiting, self.store.waiting = self.store.waiting, []
        for session in waiting:
            session.is_waiting = False
            session.memory = credentials
            session.use()
