"""The inside of a turn: what `self.db`, `self.send` and `self.set_alarm` do there.

A turn reads and writes rows. The transaction, the schema and the connection's settings
are the runtime's: a turn that ran `COMMIT` would commit half of itself (G2). SQLite asks
the authorizer when it prepares a statement, so that statements run often cost nothing.
"""

import sqlite3
from collections.abc import Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Final

from actor_oauth.runtime.actor import Actor, Operation, TurnContext
from actor_oauth.runtime.address import Address
from actor_oauth.runtime.clock import Clock
from actor_oauth.runtime.engine import Store
from actor_oauth.runtime.errors import ActorUsageError

_ALARM: Final = "alarm"
_SENT: Final = "sent"

# Messages are numbered by time, so that a sender restored from an older copy does not
# use numbers that its receivers have seen. So many may be sent in a second.
MESSAGES_PER_SECOND: Final = 1_000_000

INBOX_KEPT_SECONDS: Final = 30 * 86_400
"""How long after it was sent a receiver knows, at least, that a message has been received.

It arrives again only if its sender crashed before striking it out, and then as soon as
any process runs.
"""

# Of the receiver's other senders, each new message looks at so many.
_INBOX_LOOK: Final = 16

_ROWS: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_SAVEPOINT,
    }
)

_UNFINISHED: Final = (
    CoroutineType,
    GeneratorType,
    AsyncGeneratorType,
    sqlite3.Cursor,
)


class RunningTurn:
    """The inside of an actor's turns; one per activation, since it runs one at a time.

    Args:
        store: Whose database it is.
        clock: Numbers messages.
    """

    __slots__ = (
        "_clock",
        "alarm_at",
        "alarm_fails",
        "alarm_moved",
        "db",
        "running",
        "sent",
    )

    def __init__(self, store: Store, clock: Clock) -> None:
        self.alarm_at: int | None = None
        self.alarm_moved = False
        self.sent = False
        self.alarm_fails = False
        self.running = False
        self.db = store.db
        self._clock = clock
        restrict(self)

    def run(
        self,
        operation: Operation,
        actor: Actor,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        """Run an operation's plain function.

        Raises:
            BaseException: What it raises.
            ActorUsageError: If its answer is not finished.
        """
        self.running = True
        try:
            value = operation.body(actor, *args, **kwargs)
        finally:
            self.running = False
        refuse_unfinished(operation, value)
        return value

    def reset(self) -> None:
        """Forget the effects noted so far."""
        self.alarm_at = None
        self.alarm_moved = False
        self.sent = False

    def look(self) -> None:
        """Note the alarm and the outbox as they stand, whichever process wrote them."""
        self.alarm_at = self.get_alarm()
        self.alarm_moved = True
        pending = self.db.execute("SELECT 1 FROM _outbox LIMIT 1").fetchone()
        self.sent = self.sent or pending is not None

    def get_alarm(self) -> int | None:
        """When the alarm is due, or None."""
        return self._read(_ALARM)

    def set_alarm(self, at: int | None) -> None:
        """Set, move or clear the alarm."""
        if at is None:
            self.db.execute("DELETE FROM _runtime WHERE name = ?", (_ALARM,))
        else:
            self._write(_ALARM, at)
        self.alarm_at = at
        self.alarm_moved = True
        self.alarm_fails = False

    def alarm_failed(self) -> None:
        """Note, beyond this turn, that the alarm failed when it was fired."""
        self.alarm_fails = True

    def send(self, target: Address, turn_name: str, payload: str) -> None:
        """Number a message and put it into the outbox.

        The counter outlives the rows: were numbers used twice, the receiver would take
        a new message for one that it has seen.
        """
        seq = max((self._read(_SENT) or 0) + 1, self._clock.now() * MESSAGES_PER_SECOND)
        self._write(_SENT, seq)
        self.db.execute(
            "INSERT INTO _outbox VALUES (?, ?, ?, ?)",
            (seq, str(target), turn_name, payload),
        )
        self.sent = True

    def receive(self, source: str, seq: int) -> bool:
        """Note a message's number; False if it has been received before."""
        row: tuple[int] | None = self.db.execute(
            "SELECT seq FROM _inbox WHERE source = ?", (source,)
        ).fetchone()
        if row is not None and row[0] >= seq:
            return False
        self.db.execute("INSERT OR REPLACE INTO _inbox VALUES (?, ?)", (source, seq))
        self._forget_received(beside=source)
        return True

    def _forget_received(self, *, beside: str) -> None:
        """Forget senders that have long been silent, among those next in the table.

        Names of senders are hashes or random, so over time this passes over all of them,
        and a table that has grown is shrunk by as many rows as new ones are written.
        """
        kept_from = (self._clock.now() - INBOX_KEPT_SECONDS) * MESSAGES_PER_SECOND
        self.db.execute(
            "DELETE FROM _inbox WHERE seq < ? AND source IN (SELECT source FROM _inbox"
            " WHERE source > ? ORDER BY source LIMIT ?)",
            (kept_from, beside, _INBOX_LOOK),
        )

    def _read(self, name: str) -> int | None:
        row: tuple[int] | None = self.db.execute(
            "SELECT value FROM _runtime WHERE name = ?", (name,)
        ).fetchone()
        return None if row is None else row[0]

    def _write(self, name: str, value: int) -> None:
        self.db.execute("INSERT OR REPLACE INTO _runtime VALUES (?, ?)", (name, value))


def restrict(context: TurnContext) -> None:
    """Let turns on this database read and write rows, and nothing else."""

    def authorize(action: int, *_: str | None) -> int:
        if not context.running or action in _ROWS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    context.db.set_authorizer(authorize)


def refuse_unfinished(operation: Operation, value: object) -> None:
    """Refuse what would run or read on after its turn: a coroutine, generator, cursor.

    Raises:
        ActorUsageError: If it is one.
    """
    if not isinstance(value, _UNFINISHED):
        return
    kind = type(value).__name__
    if isinstance(value, CoroutineType | GeneratorType | sqlite3.Cursor):
        value.close()
    raise ActorUsageError(
        f"{operation.name} gives a {kind}: a turn is over when it returns"
    )


def explained(error: sqlite3.Error) -> Exception:
    """What to tell of an error in a turn's SQL: itself, unless `restrict` caused it."""
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_AUTH:
        return error
    return ActorUsageError(
        f"a turn reads and writes rows, transactions and schema are the runtime's: {error}"
    )
