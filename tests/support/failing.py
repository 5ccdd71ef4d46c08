"""Actors that fail when the runtime calls them, until they are told to stop that."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, turn, view
from tests.support.counter import Counter


class Failing(Actor, kind="failing"):
    """Fails to fire its alarm until told otherwise."""

    migrations = Migrations("tests.failing")
    fails = True
    attempts: ClassVar[list[int]] = []

    @turn(creates=True)
    def wake_me(self, at: int) -> None:
        """Set the alarm."""
        self.set_alarm(at)

    @turn
    def touch(self) -> None:
        """Write, and leave the alarm alone."""
        self.db.execute("INSERT OR REPLACE INTO _runtime VALUES ('touched', 1)")

    @view
    def alarm(self) -> int | None:
        """When it is due."""
        return self.get_alarm()

    def on_alarm(self, *, now: int) -> None:
        """Fire, or fail."""
        Failing.attempts.append(now)
        if Failing.fails:
            raise ValueError("aort_secret")


@Failing.migrations()
def m0001_nothing(db: object) -> None:
    """Nothing."""


class Picky(Actor, kind="picky"):
    """Receives, or fails to."""

    migrations = Migrations("tests.picky")
    refuses = True
    received: ClassVar[list[int]] = []

    @turn(creates=True)
    def take(self, number: int) -> None:
        """Receive a number, as told to."""
        if Picky.refuses:
            raise ValueError("aort_secret")
        Picky.received.append(number)

    @view
    def look(self) -> str:
        """A view, to which nothing can be sent."""
        return ""


@Picky.migrations()
def m0001_nothing_either(db: object) -> None:
    """Nothing."""


def send(numbers: Sequence[int]) -> Callable[[Counter], None]:
    """A turn that sends numbers to the picky actor."""

    def work(inside: Counter) -> None:
        for number in numbers:
            inside.send(Picky, "p", Picky.take, number=number)

    return work
