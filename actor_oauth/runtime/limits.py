"""How much the runtime takes on before it makes callers wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeLimits:
    """Bounds of one process (G5).

    Attributes:
        mailbox_size: Turns queued per actor; further callers wait their turn to queue.
        max_waiting: Callers that may wait over all actors; the next is refused at once.
        max_activations: Actors in memory, at least 2. Each takes some 140 KiB, and up to
            five open files, so the operating system's file limit lowers this at start.
        call_seconds: How long a caller waits for its reply, queueing included.
        idle_seconds: An actor unused for this long is passivated.
        drain_seconds: How long shutdown waits for what is in flight.
        remembered_bytes: Memory for the answers of views that are remembered until
            something is committed; with 0 none is.
        poll_seconds: How often to look for wake-ups left by other processes.
    """

    mailbox_size: int = 256
    max_waiting: int = 20_000
    max_activations: int = 700
    call_seconds: float = 20.0
    idle_seconds: float = 60.0
    drain_seconds: float = 10.0
    poll_seconds: float = 5.0
    remembered_bytes: int = 32 << 20
