"""An `actor_process` in which everything that happens seldom happens all the time."""

import sys
from pathlib import Path

import trio

from actor_oauth.runtime import RuntimeLimits
from actor_oauth.runtime.local import engine, journal, redo_log
from tests.support import actor_process

LIMITS = RuntimeLimits(max_activations=4, idle_seconds=0.05, poll_seconds=0.2)

if __name__ == "__main__":
    setattr(engine, "CHECKPOINT_COMMITS", 20)  # noqa: B010 - it is final
    setattr(redo_log, "SEGMENT_BYTES", 30_000)  # noqa: B010 - likewise
    setattr(journal, "SPARE_LINES", 16)  # noqa: B010 - likewise
    trio.run(actor_process.serve, Path(sys.argv[1]), LIMITS)
