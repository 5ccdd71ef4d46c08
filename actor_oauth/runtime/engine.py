"""Where the databases live: the seam under the runtime.

An engine decides how a turn becomes exclusive and durable. The runtime above it knows
only this file, and `tests/runtime/engine_contract.py` is what an engine has to pass.
"""

import sqlite3
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address

Database: TypeAlias = sqlite3.Connection
"""What `Actor.db` is, for plain functions that a turn calls."""


class Store(Protocol):
    """One actor's database, from activation to passivation.

    The plain methods run in the event loop's thread and must not wait for anything.
    """

    @property
    def address(self) -> Address:
        """Whose database this is."""
        ...

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, in autocommit mode outside of turns and views."""
        ...

    def begin(self) -> bool:
        """Open a turn's transaction, exclusive over all processes (G1).

        Returns:
            False if that cannot be had at once; `wait`, then try again.

        Raises:
            sqlite3.Error: If the database is damaged or unreadable.
        """
        ...

    def commit(self) -> bool:
        """Commit the turn.

        Returns:
            Whether the reply must wait for `Engine.make_durable`: the turn wrote, or it
            saw what another process wrote and may not have made durable yet.
        """
        ...

    def begin_view(self) -> bool:
        """Open a read transaction; False as for `begin`."""
        ...

    def rollback(self) -> bool:
        """End a turn or view, keeping nothing.

        Safe where SQLite has already ended the transaction.

        Returns:
            As for `commit`: what was read may be another process's, and not durable yet.
        """
        ...

    def version(self) -> Hashable:
        """Name what is committed now, by this process or any other.

        A name that was given before says that nothing has been committed since: once
        something is, it never comes back.

        Raises:
            sqlite3.Error: If it cannot be told at this moment.
        """
        ...

    async def wait(self, *, to_write: bool) -> None:
        """Wait until another `begin` (or `begin_view`) is worth a try.

        Cancelling it changes nothing.

        Raises:
            OSError: If the storage refuses what a turn needs.
        """
        ...


WAKES_AT_ONCE: Final = 256
"""How many wake-ups an engine gives at a time: if it gives so many, there may be more."""


@dataclass(frozen=True, slots=True)
class Wake:
    """An actor that nobody has in memory, with work to do.

    Attributes:
        address: Which actor.
        receipt: What the engine needs to forget this wake-up, once it has been served.
    """

    address: Address
    receipt: str


class Engine(Protocol):
    """Opens, commits and closes actors' databases."""

    def run(self) -> AbstractAsyncContextManager[None]:
        """Hold the engine open; closing it gives back every lock."""
        ...

    def exists(self, address: Address) -> bool:
        """Whether the actor has ever been created. Must not block."""
        ...

    async def open(
        self, address: Address, migrations: Migrations, *, create: bool
    ) -> Store | None:
        """Open the actor's database, migrated to the newest schema.

        Returns:
            None if it does not exist and `create` is false.

        Raises:
            sqlite3.Error: If the file is damaged.
            OSError: If the storage refuses.
            Exception: What a migration raises.
        """
        ...

    async def make_durable(self, stores: Sequence[Store]) -> Mapping[Address, OSError]:
        """Put everything that these stores have committed on stable storage.

        Returns:
            The failures. A store that failed must be discarded, never synced again.
        """
        ...

    async def close(
        self, stores: Sequence[tuple[Store, int | None]]
    ) -> Mapping[Address, Exception]:
        """Close stores cleanly, remembering when (seconds) each wants to be woken.

        Returns:
            Those whose wake-up could not be remembered, and why: they are still open.
        """
        ...

    async def discard(self, store: Store) -> None:
        """Let go of a store whose state in memory is not to be trusted.

        If a turn may have run on it, the actor is woken soon, to see what it has left to
        do. Never raises.
        """
        ...

    async def due_wakes(self, now: int) -> Sequence[Wake]:
        """Actors to wake: those due, and those that a dead process had in its care.

        Returns:
            At most `WAKES_AT_ONCE`, the earliest first.
        """
        ...

    async def forget_wakes(self, wakes: Sequence[Wake]) -> None:
        """Forget wake-ups that have been served, unless they were set anew since."""
        ...

    async def put_off_wakes(self, wakes: Sequence[Wake], until: int) -> None:
        """Have wake-ups that failed come again at a later time (seconds)."""
        ...

    @property
    def max_activations(self) -> int:
        """How many stores the operating system lets this engine hold open."""
        ...
