"""Fixtures: an upstream on this machine, and a vault that may connect to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.standin import Upstream, open_upstream
from tests.upstream.vault.world import World, open_world


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with open_upstream() as opened:
        yield opened


@pytest.fixture
async def world(tmp_path: Path, upstream: Upstream) -> AsyncIterator[World]:
    async with open_world(tmp_path, upstream) as opened:
        yield opened
