"""A client that presents assertions."""

from collections.abc import AsyncIterator

import pytest

from tests.http.deployment import Deploy
from tests.http.jwt_bearer.agent import Agent, an_agent, trusting_policy


@pytest.fixture
async def agent(deploy: Deploy) -> AsyncIterator[Agent]:
    async with deploy(policy=trusting_policy()) as opened:
        yield await an_agent(opened)
