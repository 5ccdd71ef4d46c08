"""A durable actor by itself: a to-do list for each owner, with reminders.

    python examples/todo_actor.py DIRECTORY

Run it twice: the second time, the lists are there.
"""

import sys
from pathlib import Path

import sqlite_utils
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.runtime import Actor, LocalEngine, open_system, turn, view

migrations = Migrations("example.todo")


@migrations()
def m0001_items(db: sqlite_utils.Database) -> None:
    """One row an item."""
    db.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")


class TodoList(Actor, kind="todo"):
    """One owner's list. Its key is the owner's."""

    migrations = migrations

    @turn(creates=True)
    def add(self, text: str, *, remind_at: int | None = None) -> int:
        """Add an item; returns how many there are."""
        self.db.execute("INSERT INTO items (text) VALUES (?)", (text,))
        if remind_at is not None:
            self.set_alarm(remind_at)
        return len(self.texts())

    @turn
    def hand_over(self, to: str) -> None:
        """Give the newest item to somebody else."""
        text = self.texts()[-1]
        self.db.execute("DELETE FROM items WHERE id = (SELECT max(id) FROM items)")
        self.send(TodoList, to, TodoList.add, text=text)

    @view
    def items(self) -> list[str]:
        """The items, the oldest first."""
        return self.texts()

    def on_alarm(self, *, now: int) -> None:
        """Remind of the list, by a further item."""
        self.db.execute("INSERT INTO items (text) VALUES (?)", (f"reminded at {now}",))

    def texts(self) -> list[str]:
        """The items, for turns and views: these cannot call one another."""
        return [text for (text,) in self.db.execute("SELECT text FROM items")]


async def main(directory: Path) -> None:
    """Two owners, an item, and its handing over."""
    async with open_system(LocalEngine(directory), [TodoList]) as system:
        ada, bob = system.get(TodoList, "ada"), system.get(TodoList, "bob")
        await ada.add("write the guide")
        await ada.hand_over("bob")
        await system.delivered(ada)
        print("ada", await ada.items())
        print("bob", await bob.items())


trio.run(main, Path(sys.argv[1]))
