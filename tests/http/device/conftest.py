"""A provider that lets devices in."""

from collections.abc import AsyncIterator

import pytest

from tests.http.deployment import Deploy, Deployment
from tests.http.device.device import POLICY


@pytest.fixture
async def offering(deploy: Deploy) -> AsyncIterator[Deployment]:
    async with deploy(policy=POLICY) as opened:
        yield opened
