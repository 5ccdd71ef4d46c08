"""A small actor to try the runtime on: a number, a log of notes, an alarm, messages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, turn, view

T = TypeVar("T")

MIGRATIONS = Migrations("tests.counter")


@MIGRATIONS()
def m0001_number_and_notes(db: sqlite_utils.Database) -> None:
    """One number, and notes in the order in which they were written."""
    db.execute("CREATE TABLE number (value INTEGER NOT NULL) STRICT")
    db.execute("INSERT INTO number VALUES (0)")
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE) STRICT")


class RefusedError(Exception):
    """What a turn of the counter raises on request."""


@dataclass(frozen=True)
class Tally:
    """What a view answers that is remembered."""

    value: int
    weight: int = 100


def folded(name: str) -> str:
    """What a tally is remembered by."""
    return name.lower()


class Counter(Actor, kind="counter"):
    """Counts, and does whatever else a test wants of a turn."""

    migrations = MIGRATIONS

    @turn(creates=True)
    def add(self, n: int = 1) -> int:
        """Add to the number, and give the sum."""
        self.db.execute("UPDATE number SET value = value + ?", (n,))
        return self.number()

    @turn(creates=True)
    def note(self, text: str) -> None:
        """Write a note, which must be a new one."""
        self.db.execute("INSERT INTO notes (text) VALUES (?)", (text,))

    @turn
    def add_if_there(self, n: int = 1) -> int:
        """Add, without bringing the actor into being."""
        self.db.execute("UPDATE number SET value = value + ?", (n,))
        return self.number()

    @turn
    def nothing(self) -> None:
        """Do nothing."""

    @turn(creates=True)
    def add_and_fail(self, n: int = 1) -> None:
        """Add, and raise."""
        self.db.execute("UPDATE number SET value = value + ?", (n,))
        raise RefusedError(f"after adding {n}")

    @turn(creates=True)
    def wake_me(self, at: int | None) -> None:
        """Set the alarm."""
        self.set_alarm(at)

    @turn(creates=True)
    def wake_me_by(self, at: int | None) -> None:
        """Set the alarm unless it goes off before."""
        self.wake_by(at)

    @turn(creates=True)
    def tell(self, key: str, text: str) -> None:
        """Have another counter note something."""
        self.send(Counter, key, Counter.note, text=text)

    @turn(creates=True)
    def do(self, work: "Callable[[Counter], T]") -> T:
        """Do any work as a turn."""
        return work(self)

    @turn
    def do_if_there(self, work: "Callable[[Counter], T]") -> T:
        """Do any work as a turn that does not create."""
        return work(self)

    @view
    def value(self) -> int:
        """The number."""
        return self.number()

    @view
    def see(self, work: "Callable[[Counter], T]") -> T:
        """Do any work as a view."""
        return work(self)

    @view(remembered_by=folded)
    def tally(self, name: str) -> Tally | None:
        """The number, unless that is nothing; with all that the name weighs."""
        value = self.number()
        return Tally(value, weight=100 * len(name)) if value else None

    @view(remembered_by=folded)
    def double(self, name: str) -> Tally:
        """Twice the number."""
        return Tally(2 * self.number())

    @view
    def notes(self) -> list[str]:
        """The notes, the oldest first."""
        return self.texts()

    def number(self) -> int:
        """The number, inside a turn."""
        row: tuple[int] = self.db.execute("SELECT value FROM number").fetchone()
        return row[0]

    def texts(self) -> list[str]:
        """The notes, inside a turn."""
        rows = self.db.execute("SELECT text FROM notes ORDER BY id")
        return [text for (text,) in rows]

    def on_alarm(self, *, now: int) -> None:
        """Note when the alarm was fired."""
        self.db.execute("INSERT INTO notes (text) VALUES (?)", (f"alarm {now}",))
