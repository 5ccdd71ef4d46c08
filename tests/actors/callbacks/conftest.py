"""An application with a grant to be asked about."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actor_oauth.actors.effects import Effects
from actor_oauth.runtime import SystemEntropy
from tests.actors.callbacks.application import Application
from tests.support.grants import KEYRING
from tests.support.user_actor import AdasClock, open_ada


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Application]:
    async with open_ada(tmp_path) as ada, AsyncExitStack() as stack:
        effects = Effects(
            system=ada.system,
            policy=ada.policy,
            keyring=KEYRING,
            clock=AdasClock(ada),
            entropy=SystemEntropy(),
        )
        application = Application(ada, effects, stack)
        await application.process()
        await application.process()
        await application.process(seconds=0.01)
        yield application
