"""Waiting for the end of processes that are not children of this one."""

import os
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

# A bound for a machine under load; what is waited for is seen at once otherwise.
_PATIENCE_MS: Final = 60_000


@contextmanager
def ending(pids: Sequence[int]) -> Iterator[None]:
    """Processes that run when the block begins, and of which it is the end.

    Raises:
        AssertionError: One still runs a minute after the block.
    """
    descriptors = {os.pidfd_open(pid): pid for pid in pids}
    try:
        assert not any(_has_ended(one, 0) for one in descriptors)
        yield
        left = [
            pid for one, pid in descriptors.items() if not _has_ended(one, _PATIENCE_MS)
        ]
        assert not left, left
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _has_ended(descriptor: int, milliseconds: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(milliseconds))
