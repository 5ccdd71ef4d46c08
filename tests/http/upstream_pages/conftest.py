"""An application with pages of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.upstream_pages.stage import Stage, open_stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The usual one."""
    async with open_stage(tmp_path) as stage:
        yield stage
