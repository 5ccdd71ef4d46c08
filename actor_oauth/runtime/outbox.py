"""What is in an actor's outbox and inbox, read and written in turns of its own (G9).

A message is a row in the sender's database, written by the turn that sends it. Delivery
runs the receiver's turn, in whose transaction the receiver notes the message's number;
only then is the row deleted. A crash in between delivers again, and the receiver, seeing
a number that it has, does nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.runtime.actor import Actor, Operation
from actor_oauth.runtime.address import Address

BATCH: Final = 256
BATCH_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    seq: int
    target: Address
    turn_name: str
    payload: str


def _pending(actor: Actor, failing: Sequence[Address]) -> list[Message]:
    """The messages to deliver next: a bounded number of bytes, the failing left out."""
    rows = actor.db.execute(
        "SELECT seq, target, turn, payload FROM _outbox"
        " WHERE target NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?",
        (json.dumps([str(address) for address in failing]), BATCH),
    )
    messages = []
    size = 0
    for seq, target, turn_name, payload in rows:
        messages.append(Message(seq, Address.parse(target), turn_name, payload))
        size += len(payload)
        if size >= BATCH_BYTES:
            break
    return messages


def _delivered(actor: Actor, seqs: list[int]) -> None:
    actor.db.executemany("DELETE FROM _outbox WHERE seq = ?", [(seq,) for seq in seqs])


def _last(actor: Actor) -> int | None:
    row: tuple[int | None] = actor.db.execute("SELECT MAX(seq) FROM _outbox").fetchone()
    return row[0]


def _waiting(actor: Actor, last: int) -> bool:
    row = actor.db.execute("SELECT 1 FROM _outbox WHERE seq <= ? LIMIT 1", (last,))
    return row.fetchone() is not None


PENDING = Operation("pending", _pending, reads_only=True)
DELIVERED = Operation("delivered", _delivered)
LAST = Operation("last", _last, reads_only=True)
WAITING = Operation("waiting", _waiting, reads_only=True)


def receiving(operation: Operation) -> Operation:
    """The operation that runs another one for a message, unless it has been received."""

    def receive(
        actor: Actor, source: str, seq: int, payload: Mapping[str, object]
    ) -> None:
        if actor.context.receive(source, seq):
            operation.body(actor, **payload)

    return Operation(operation.name, receive, creates=operation.creates)
