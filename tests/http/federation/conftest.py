"""A provider with one service to sign in with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.federation.site import Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The usual one."""
    async with open_site(tmp_path) as site:
        yield site
