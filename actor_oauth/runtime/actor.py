"""How an actor is written, and how it is called.

An actor class is one typed thing seen from two sides. From outside, an instance got from
the system is a reference: its turns and views are awaitable. Inside a turn, `self` is the
activation's own instance: `self.db` is the actor's database, in a transaction that the
runtime opened and will commit or roll back.

A turn is a plain function. What cannot await cannot interleave with another turn, cannot
be cancelled half-way, and cannot hold a transaction across the network (G1, G2, G4, G11).
"""

import inspect
import json
import sqlite3
from collections.abc import Awaitable, Callable, Hashable, Mapping
from functools import partial
from typing import (
    ClassVar,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    cast,
    overload,
)

from sqlite_utils.migrations import Migrations

from actor_oauth.runtime.address import Address
from actor_oauth.runtime.errors import ActorUsageError
from actor_oauth.runtime.memory import Memorable

A = TypeVar("A", bound="Actor")
B = TypeVar("B", bound="Actor")
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
M = TypeVar("M", bound=Memorable | None)


class Body(Protocol):
    """A turn's plain function, its arguments checked where it was called."""

    def __call__(self, actor: "Actor", /, *args: object, **kwargs: object) -> object:
        """Run it."""
        ...


class RememberedBy(Protocol):
    """Makes of a view's arguments what its answer is remembered by."""

    def __call__(self, *args: object, **kwargs: object) -> Hashable:
        """Make it."""
        ...


PAYLOAD_LIMIT: Final = 1 << 20

_NOT_PLAIN: Final = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


class Operation:
    """A turn or a view of some actor class, by name: what a call asks for.

    Attributes:
        name: The method's name, which outbox messages carry.
        body: The plain function.
        reads_only: Whether this is a view.
        creates: Whether it may bring an absent actor into being.
        remembered_by: Makes of the arguments what a view's answer is remembered by;
            None: it is not.
    """

    __slots__ = ("body", "creates", "name", "reads_only", "remembered_by")

    def __init__(
        self,
        name: str,
        body: Callable[Concatenate[A, P], object],
        *,
        reads_only: bool = False,
        creates: bool = False,
        remembered_by: Callable[P, Hashable] | None = None,
    ) -> None:
        if any(check(body) for check in _NOT_PLAIN):
            raise ActorUsageError(f"{name} must be a plain function: it cannot await")
        self.name = name
        self.body = cast("Body", body)
        self.reads_only = reads_only
        self.creates = creates
        self.remembered_by = cast("RememberedBy | None", remembered_by)

    def memory_key(
        self, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Hashable | None:
        """What the answer to these arguments is remembered by; None if it is not."""
        if self.remembered_by is None:
            return None
        return self, self.remembered_by(*args, **kwargs)


class Caller(Protocol):
    """What a reference needs of the system."""

    async def call(
        self,
        actor: "Actor",
        operation: Operation,
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> object:
        """Run an operation of the referenced actor and wait for its durable reply."""
        ...


class Turn(Generic[A, P, R_co]):
    """A method that runs as one turn (or, made by `view`, reads committed state)."""

    def __init__(
        self,
        body: Callable[Concatenate[A, P], R_co],
        *,
        reads_only: bool = False,
        creates: bool = False,
        remembered_by: Callable[P, Hashable] | None = None,
    ) -> None:
        self.operation = Operation(
            body.__name__,
            body,
            reads_only=reads_only,
            creates=creates,
            remembered_by=remembered_by,
        )
        self.__doc__ = body.__doc__
        self.__name__ = body.__name__
        self.__wrapped__ = body

    @overload
    def __get__(self, actor: None, owner: type[A]) -> Self: ...
    @overload
    def __get__(self, actor: A, owner: type[A]) -> Callable[P, Awaitable[R_co]]: ...
    def __get__(
        self, actor: A | None, owner: type[A]
    ) -> Self | Callable[P, Awaitable[R_co]]:
        """The turn itself on the class, the awaitable call on a reference."""
        if actor is None:
            return self
        caller = actor.caller
        if caller is None:
            raise ActorUsageError(
                f"{self.__name__} is a turn: from inside one, call a plain function"
            )
        call = partial(_call, caller, actor, self.operation)
        return cast("Callable[P, Awaitable[R_co]]", call)


def _call(
    caller: Caller,
    actor: "Actor",
    operation: Operation,
    /,
    *args: object,
    **kwargs: object,
) -> Awaitable[object]:
    return caller.call(actor, operation, args, kwargs)


@overload
def turn(body: Callable[Concatenate[A, P], R], /) -> Turn[A, P, R]: ...
@overload
def turn(
    *, creates: bool
) -> Callable[[Callable[Concatenate[A, P], R]], Turn[A, P, R]]: ...
def turn(
    body: Callable[Concatenate[A, P], R] | None = None, /, *, creates: bool = False
) -> Turn[A, P, R] | Callable[[Callable[Concatenate[A, P], R]], Turn[A, P, R]]:
    """Make a method a turn: one message, one transaction, one durable reply.

    Returning commits; raising rolls back and raises in the caller.

    Args:
        body: The method, a plain function.
        creates: Whether the turn may bring the actor into being. Any other turn on an
            actor that does not exist sees an empty database and must not write.
    """
    if body is not None:
        return Turn(body)
    return lambda body: Turn(body, creates=creates)


@overload
def view(body: Callable[Concatenate[A, P], R], /) -> Turn[A, P, R]: ...
@overload
def view(
    *, remembered_by: Callable[P, Hashable]
) -> Callable[[Callable[Concatenate[A, P], M]], Turn[A, P, M]]: ...
def view(
    body: Callable[Concatenate[A, P], R] | None = None,
    /,
    *,
    remembered_by: Callable[P, Hashable] | None = None,
) -> Turn[A, P, R] | Callable[[Callable[Concatenate[A, P], M]], Turn[A, P, M]]:
    """Make a method a view: a read of committed state, which skips the mailbox.

    A view that has seen a turn's effects answers only once that turn is durable (G3).
    Its fast path has no checkpoint: a loop of views yields to nobody by itself.

    Args:
        body: The method, a plain function.
        remembered_by: Have its answer given again until anything is committed to the
            actor, by any process (`runtime/memory.py`). The answer must follow from the
            database and the arguments alone, not from the time, and nobody may change
            it. This makes of the arguments what it is remembered by: of a secret, a
            hash. None is never remembered.
    """
    if body is not None:
        return Turn(body, reads_only=True)
    return lambda body: Turn(body, reads_only=True, remembered_by=remembered_by)


class TurnContext(Protocol):
    """What a running turn may do beside reading and writing its database."""

    @property
    def running(self) -> bool:
        """Whether a turn or view runs now."""
        ...

    @property
    def db(self) -> sqlite3.Connection:
        """The actor's database, inside the turn's transaction."""
        ...

    def get_alarm(self) -> int | None:
        """When the alarm is due, in seconds, or None."""
        ...

    def set_alarm(self, at: int | None) -> None:
        """Set, move or clear the alarm."""
        ...

    def send(self, target: Address, turn_name: str, payload: str) -> None:
        """Put a message into the outbox."""
        ...

    def receive(self, source: str, seq: int) -> bool:
        """Note a message's number; False if it has been received before."""
        ...

    def alarm_failed(self) -> None:
        """Note that the alarm, which stands, is to be tried again later."""
        ...

    def look(self) -> None:
        """Note the alarm and the outbox as they stand, whichever process wrote them."""
        ...


class Actor:
    """A single owner of durable state. Subclass with `kind=`, and write turns and views.

    Attributes:
        kind: The first part of the address.
        migrations: The schema's history, applied by the runtime when the actor's database
            is opened. At least one is needed.
        address: This actor's name.
    """

    kind: ClassVar[str]
    migrations: ClassVar[Migrations]
    operations: ClassVar[Mapping[str, Operation]]

    def __init_subclass__(cls, *, kind: str) -> None:
        super().__init_subclass__()
        Address(kind, "0")
        cls.kind = kind
        cls.operations = {
            name: member.operation
            for base in reversed(cls.__mro__)
            for name, member in vars(base).items()
            if isinstance(member, Turn)
        }

    def __init__(
        self,
        address: Address,
        *,
        caller: Caller | None = None,
        context: TurnContext | None = None,
    ) -> None:
        self.address = address
        self.caller = caller
        self._context = context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}>"

    @property
    def db(self) -> sqlite3.Connection:
        """The actor's database, inside a turn or view; the transaction is the runtime's.

        Raises:
            ActorUsageError: Outside of a turn.
        """
        return self.context.db

    def get_alarm(self) -> int | None:
        """When the alarm is due (seconds), or None. Only inside a turn."""
        return self.context.get_alarm()

    def set_alarm(self, at: int | None) -> None:
        """Have `on_alarm` called at or after `at` (seconds), surviving restarts (G8).

        An actor has one alarm: setting it again moves it, None clears it. Only inside a
        turn, and part of that turn's transaction. For one of several things to be done
        later use `wake_by`, which never takes another's wake-up away.
        """
        self.context.set_alarm(at)

    def wake_by(self, at: int | None) -> None:
        """Have the alarm go off at a time (seconds), or before if it already will.

        `on_alarm` then asks again for what is not due yet. None changes nothing.
        """
        alarm = self.get_alarm()
        if at is not None and (alarm is None or alarm > at):
            self.set_alarm(at)

    def send(
        self,
        target: type[B],
        key: str,
        method: Turn[B, P, object],
        *args: P.args,
        **payload: P.kwargs,
    ) -> None:
        """Send another actor a turn, through the outbox: part of this turn's transaction.

        Delivered at least once and run once, in order per pair of actors, also after a
        crash (G9): an actor that cannot receive holds up only what is sent to it. Only
        inside a turn.

        Args:
            target: The other actor's class.
            key: The other actor's key.
            method: The turn to run there, such as `Counter.add`.
            args: None: messages carry named values.
            payload: Its keyword arguments, as JSON values.

        Raises:
            ActorUsageError: If an argument is positional, the payload is over 1 MiB, or
                the method is not a turn of that class.
            TypeError: If the payload is not JSON.
            ValueError: If it holds NaN, or the key is not a word.
        """
        if args:
            raise ActorUsageError("a message's arguments are passed by keyword")
        known = target.operations.get(method.operation.name)
        if known is None or known.reads_only:
            raise ActorUsageError(
                f"{method.operation.name} is not a turn of {target.__name__}"
            )
        text = json.dumps(payload, separators=(",", ":"), allow_nan=False)
        if len(text) > PAYLOAD_LIMIT:
            raise ActorUsageError(f"a message is at most {PAYLOAD_LIMIT} bytes")
        self.context.send(Address(target.kind, key), method.operation.name, text)

    def on_alarm(self, *, now: int) -> None:
        """Called as a turn when the alarm is due; the alarm is cleared before.

        If it raises, the turn is rolled back, the alarm stands, and it is tried again.
        """

    @property
    def context(self) -> TurnContext:
        """The inside of the running turn, for the runtime's own operations."""
        if self._context is None:
            raise ActorUsageError(f"{self!r} is a reference: this works inside a turn")
        if not self._context.running:
            raise ActorUsageError(f"{self!r}: the turn is over, and this works inside")
        return self._context
