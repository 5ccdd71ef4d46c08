"""Fixtures: a provider that clients in the field connect to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import profiles

from tests.clients.agent import Shop, open_shop


@pytest.fixture(autouse=True)
def weak_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in no time: no test here is about hashing."""
    monkeypatch.setattr(profiles, "RFC_9106_LOW_MEMORY", profiles.CHEAPEST)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The provider."""
    async with open_shop(tmp_path) as opened:
        yield opened
