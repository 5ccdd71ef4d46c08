"""What can go wrong with an actor. Every one of these is temporary for the caller.

A refusal ("this refresh token was replayed") is never one of them: refusals are values
that a turn returns. An exception raised by a turn's own code rolls the turn back and
reaches the caller as it is.
"""

import traceback


class ActorError(Exception):
    """The actor could not do what was asked, though the request may be sound."""


class OverloadedError(ActorError):
    """The deadline passed before the turn was run and durable.

    The turn may still have been committed: a caller that timed out while waiting for the
    disk cannot know, and asks again.
    """


class StoppedError(ActorError):
    """The system is shutting down and takes no new calls.

    A call that was under way when the time for the shutdown ran out gets it too, and may
    have been committed.
    """


class ActorBrokenError(ActorError):
    """This actor's database cannot be used; every other actor goes on.

    Not subclassing `StorageError`: nobody should retry a damaged file by accident.
    """


class StorageError(ActorError):
    """The storage refused the turn, as a full disk does. The turn left no trace."""


class NotDurableError(ActorError):
    """The turn was committed, but the disk failed to confirm it.

    Whether it survives is unknown; the next call reads the state anew from disk.
    """


class ActorUsageError(Exception):
    """The code that uses the runtime is wrong: a turn calls a turn, a view writes."""


def describe(error: BaseException) -> str:
    """What may be logged of an error: its type and place, not what actor code put in it.

    The text of a `KeyError` or `ValueError` easily holds a token or a password. The
    runtime's own errors hold neither.
    """
    if isinstance(error, ActorError | ActorUsageError | OSError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def forget_frames(error: BaseException) -> None:
    """Let go of the local variables that the error's tracebacks hold.

    A half-read cursor among them would keep its actor's database in an old snapshot for
    as long as somebody keeps the error.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__
