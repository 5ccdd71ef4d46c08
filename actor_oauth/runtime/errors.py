"""What can go wrong with an actor. Every one of these is temporary for the caller.

A refusal ("this refresh token was replayed") is never one of them: refusals are values
that a turn returns. An exception raised by a turn's own code rolls the turn back and
reaches the caller as it is.
"""


class ActorError(Exception):
    """The actor could not do what was asked, though the request may be sound."""


class OverloadedError(ActorError):
    """The deadline passed before the turn was run and durable.

    The turn may still have been committed: a caller that timed out while waiting for the
    disk cannot know, and asks again.
    """


class StoppedError(ActorError):
    """The system is shutting down and takes no new calls."""


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
