"""A client with a site."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.upstream.published_clients.setting import Setting, opened


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with opened(tmp_path) as it:
        yield it
