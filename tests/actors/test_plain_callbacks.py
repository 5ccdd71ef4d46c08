"""A callback that was written without `async`: said by name, and no token is lost."""

from typing import cast

import pytest
from structlog.testing import capture_logs

from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.actors.callbacks.interface import OnClientRegistration, ResolveClaims
from actor_oauth.actors.callbacks.parts import NotAsyncError, awaited
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import SystemEntropy
from tests.support.grants import CLIENT


def plain(*_: object) -> Client | None:
    return None


async def test_a_callback_that_is_not_async_is_named_in_the_log() -> None:
    callbacks = Callbacks(
        on_client_registration=cast("OnClientRegistration", plain),
        resolve_claims=cast("ResolveClaims", plain),
    )
    with capture_logs() as logs:
        async with open_callbacks(callbacks, entropy=SystemEntropy()) as runner:
            answers = [
                await runner.approve_registration(CLIENT),
                await runner.claims("ada", Scope()),
            ]
    refused = Refused(Reason.CALLBACK_FAILED, "not an async function")
    assert answers == [refused, refused]
    assert [line["callback"] for line in logs] == [
        "on_client_registration",
        "resolve_claims",
    ]
    assert {line["event"] for line in logs} == {
        "callback is not async: write it with `async def`"
    }


async def test_what_can_be_awaited_need_not_be_an_async_function() -> None:
    async def answer() -> int:
        return 7

    assert await awaited(answer()) == 7
    with pytest.raises(NotAsyncError):
        await awaited(None)  # type: ignore[arg-type]  # the mistake
