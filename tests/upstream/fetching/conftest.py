"""A web of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.web import Web, open_web


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with open_web("c.example", "d.example") as opened:
        yield opened
