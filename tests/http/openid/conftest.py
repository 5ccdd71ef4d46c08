"""A provider with OpenID Connect."""

from collections.abc import AsyncIterator

import pytest

from tests.http.deployment import Deploy, Deployment
from tests.http.openid.signing_in import ON


@pytest.fixture
async def openid(deploy: Deploy) -> AsyncIterator[Deployment]:
    """A deployment with OpenID Connect."""
    async with deploy(policy=ON) as deployment:
        yield deployment
