"""The provider with its serialisation switched off: what a checker has to find.

    python -m tests.support.unserialised_server --fd 3 < settings.json

Everything is the product's own, from HTTP down to the decisions and the SQL; only what
runs the turns of users' and issuers' actors is another. A turn there reads the state when
it is asked for, takes its time, and then writes over whatever was written meanwhile: which
is what code does that awaits between a read and a write. Nothing of it is on disk.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.bench import server
from actor_oauth.provider import authority
from actor_oauth.runtime import LocalEngine, system
from actor_oauth.runtime.activation import Activation
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.call import Call
from actor_oauth.runtime.dispatcher import Dispatcher
from actor_oauth.runtime.engine import Store

PAUSE_SECONDS: Final = 0.01
# Who holds grants, and who holds what was asserted once.
_UNSERIALISED: Final = ("user", "issuer")
_JOURNAL_MODE: Final = slice(18, 20)
_NOT_WAL: Final = b"\x01\x01"


class UnserialisedStore:
    """A database in memory, of which each turn is given the state it is to begin on.

    Attributes:
        newest: What was committed last.
        reads: What turns that wait saw when they were asked for.
    """

    def __init__(self, real: Store) -> None:
        self.real = real
        self.address = real.address
        self.db = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False
        )
        image = bytearray(real.db.serialize())
        image[_JOURNAL_MODE] = _NOT_WAL
        self.newest = bytes(image)
        self.reads: dict[int, bytes] = {}
        self.begins_on(self.newest)

    def begins_on(self, image: bytes) -> None:
        """Have the next turn begin on this state."""
        # Not deserialized in place: prepared statements would outlive their pages.
        with closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(image)
            copy.backup(self.db)

    def begin(self) -> bool:
        """Begin at once."""
        self.db.execute("BEGIN IMMEDIATE")
        return True

    def begin_view(self) -> bool:
        """Begin on what was committed last."""
        self.begins_on(self.newest)
        self.db.execute("BEGIN")
        return True

    def commit(self) -> bool:
        """Write over what others have written meanwhile."""
        self.db.execute("COMMIT")
        self.newest = self.db.serialize()
        return False

    def rollback(self) -> bool:
        """Keep nothing."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        return False

    def version(self) -> object:
        """Another name each time, so that nothing is remembered."""
        return object()

    async def wait(self, *, to_write: bool) -> None:
        """Never needed: everybody may begin at any time."""


class UnserialisedDispatcher(Dispatcher):
    """Lets turns read at one time, and write at another."""

    def post(self, activation: Activation, call: Call) -> None:
        """Read now, run later."""
        store = activation.store
        if isinstance(store, UnserialisedStore):
            store.reads[id(call)] = store.newest
            self._nursery.start_soon(self._post_later, activation, call)
        else:
            super().post(activation, call)

    async def _post_later(self, activation: Activation, call: Call) -> None:
        await trio.sleep(PAUSE_SECONDS)
        super().post(activation, call)

    def _run_turn(self, activation: Activation, call: Call) -> bool:
        store = activation.store
        if isinstance(store, UnserialisedStore):
            store.begins_on(store.reads.pop(id(call), store.newest))
        return super()._run_turn(activation, call)


class UnserialisedEngine(LocalEngine):
    """The local engine, but for what races are about."""

    async def open(
        self, address: Address, migrations: Migrations, *, create: bool
    ) -> Store | None:
        """Open the actor's database."""
        store = await super().open(address, migrations, create=create)
        if store is None or address.kind not in _UNSERIALISED:
            return store
        return UnserialisedStore(store)

    async def make_durable(self, stores: Sequence[Store]) -> Mapping[Address, OSError]:
        """Make durable what is on a disk at all."""
        return await super().make_durable(
            [store for store in stores if not isinstance(store, UnserialisedStore)]
        )

    async def close(
        self, stores: Sequence[tuple[Store, int | None]]
    ) -> Mapping[Address, Exception]:
        """Close, and forget."""
        real = [
            (store.real if isinstance(store, UnserialisedStore) else store, at)
            for store, at in stores
        ]
        return await super().close(real)


if __name__ == "__main__":
    setattr(authority, "LocalEngine", UnserialisedEngine)  # noqa: B010 - not its type
    setattr(system, "Dispatcher", UnserialisedDispatcher)  # noqa: B010 - likewise
    server.main()
