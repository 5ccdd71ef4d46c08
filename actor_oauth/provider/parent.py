"""A process that was started by another ends with it, even when that is killed.

The parent keeps the write end of this process's standard input open for as long as it
lives, and writes nothing there after what it had to say at the start.
"""

import os
import sys

import trio


async def wait_for_parents_end() -> None:
    """Return when the process that holds the other end of standard input is gone."""
    pipe = trio.lowlevel.FdStream(os.dup(sys.stdin.fileno()))
    async with pipe:
        await pipe.receive_some(1)
