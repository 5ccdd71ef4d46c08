"""What tests of several MCP servers need around them."""

from collections.abc import Iterator

import pytest

from actor_oauth.mcp.root_logging import root_logging_kept


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    """Let no test decide about the logging of the others."""
    with root_logging_kept():
        yield
