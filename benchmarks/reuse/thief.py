"""Thieves: whoever has copied a fleet's store once."""

from typing import Literal

from actor_oauth.oauth.dpop import Proof
from benchmarks.reuse.server import Credentials
from benchmarks.reuse.world import HOUR, MINUTE, Fleet

Plan = Literal["first", "in step", "late"]

PLANS: tuple[Plan, ...] = ("first", "in step", "late")


class Thief:
    """Uses a copy for as long as that gives access tokens.

    `first` refreshes at once, before the owner does. `in step` waits until the access
    token that was copied too has ended, and refreshes just when the owner will. `late`
    sells the copy, and the buyer comes hours or days later.

    Attributes:
        stolen: What was copied; None until then.
        stolen_at: When.
        spans: From when to when an access token would have been good.
    """

    def __init__(self, fleet: Fleet, plan: Plan, proof: Proof | None) -> None:
        self.fleet = fleet
        self.plan = plan
        self.proof = proof
        self.stolen: Credentials | None = None
        self.stolen_at = 0
        self.spans: list[tuple[Credentials, int]] = []

    def steal(self) -> None:
        """Copy a store, if there is something in it."""
        agenda, random = self.fleet.agenda, self.fleet.random
        held = random.choice(self.fleet.stores).read(agenda.now)
        if held is None or not held.grant.lives_at(agenda.now):
            agenda.at(agenda.now + HOUR, self.steal)
            return
        self.stolen, self.stolen_at = held, agenda.now
        self._has(held)
        delays = {
            "first": 0.0,
            "in step": max(0, held.access_until - agenda.now)
            + random.uniform(0, 1) * MINUTE,
            "late": random.uniform(6, 72) * HOUR,
        }
        agenda.at(agenda.now + delays[self.plan], lambda: self._refresh(held))

    def _refresh(self, held: Credentials) -> None:
        agenda = self.fleet.agenda
        answer = self.fleet.server.refresh(held, agenda.now, proof=self.proof)
        if answer is None:
            return
        self._has(answer)
        later = answer.access_until + self.fleet.random.uniform(0, 1) * MINUTE
        agenda.at(later, lambda: self._refresh(answer))

    def _has(self, held: Credentials) -> None:
        if held.access_until > self.fleet.agenda.now:
            self.spans.append((held, self.fleet.agenda.now))

    def access_seconds(self) -> int:
        """Seconds in which one of the thief's access tokens was good."""
        reached = total = 0
        for held, since in self.spans:
            until = min(
                held.grant.end_of_access(held.access_until), self.fleet.agenda.now
            )
            begins = max(since, reached)
            total += max(0, until - begins)
            reached = max(reached, until)
        return total

    def seconds_to_alarm(self) -> int | None:
        """Seconds from the theft until the server noticed; None if it did not."""
        if self.stolen is None:
            return None
        alarms = (at for at in self.stolen.grant.alarms if at >= self.stolen_at)
        first = min(alarms, default=None)
        return None if first is None else first - self.stolen_at
