"""Keeps the SDK's hands off the logging of the program that it is part of."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def root_logging_kept() -> Iterator[None]:
    """Undo what the block does to the root logger.

    `MCPServer(...)` gives the root logger a handler and a level when it has none, which
    decides for the whole process, and for every library in it.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
