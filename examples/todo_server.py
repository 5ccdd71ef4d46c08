"""An MCP server whose users each have a durable to-do list of their own.

    python examples/todo_server.py

The list is an actor: one owner, one small database, one change at a time. What a tool has
answered is on disk, and two clients of one user never lose each other's changes.
"""

from functools import partial

import sqlite_utils
import trio
from mcp.server.mcpserver import MCPServer
from sqlite_utils.migrations import Migrations

from actor_oauth.config import load_settings
from actor_oauth.mcp import CurrentCaller
from actor_oauth.provider import Provider
from actor_oauth.runtime import Actor, turn, view

migrations = Migrations("example.todo")


@migrations()
def m0001_items(db: sqlite_utils.Database) -> None:
    """One row an item."""
    db.execute(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, text TEXT NOT NULL,"
        " done INTEGER NOT NULL DEFAULT 0) STRICT"
    )


class TodoList(Actor, kind="todo"):
    """One user's list."""

    migrations = migrations

    @turn(creates=True)
    def add(self, text: str) -> int:
        """Add an item; returns its number."""
        self.db.execute("INSERT INTO items (text) VALUES (?)", (text,))
        return int(self.db.execute("SELECT max(id) FROM items").fetchone()[0])

    @turn
    def finish(self, number: int) -> bool:
        """Tick an item off; False if there is no such item left to do."""
        update = "UPDATE items SET done = 1 WHERE id = ? AND NOT done"
        return self.db.execute(update, (number,)).rowcount == 1

    @view
    def open_items(self) -> dict[int, str]:
        """What is left to do, by number."""
        rows = self.db.execute("SELECT id, text FROM items WHERE NOT done")
        return {int(number): str(text) for number, text in rows}


mcp = MCPServer("to-do")
provider = Provider(load_settings(), actors=[TodoList])
provider.protect_mcp(mcp)


@mcp.tool()
async def add(text: str, caller: CurrentCaller) -> int:
    """Put something on your list; returns its number."""
    return await provider.actor_of(TodoList, caller.user_id).add(text)


@mcp.tool()
async def finish(number: int, caller: CurrentCaller) -> bool:
    """Tick something off your list."""
    return await provider.actor_of(TodoList, caller.user_id).finish(number)


@mcp.tool()
async def left(caller: CurrentCaller) -> dict[int, str]:
    """What is left on your list, by number."""
    return await provider.actor_of(TodoList, caller.user_id).open_items()


trio.run(partial(provider.serve, announce=print))
