"""A callback that is written wrongly, raises or hangs: said by name, without what it holds."""

from typing import cast

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.actors.callbacks.interface import OnClientRegistration, ResolveClaims
from actor_oauth.actors.callbacks.parts import NotAsyncError, awaited
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
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


async def test_of_what_a_callback_raises_the_log_has_the_type_and_the_place() -> None:
    async def look_up(user_id: str, scope: Scope) -> dict[str, Json]:
        raise LookupError("no directory for the token aoat_secret")

    with capture_logs() as logs:
        async with open_callbacks(
            Callbacks(resolve_claims=look_up), entropy=SystemEntropy()
        ) as runner:
            answer = await runner.claims("ada", Scope())
    assert answer == Refused(Reason.CALLBACK_FAILED, "LookupError")
    [line] = logs
    assert (line["event"], line["callback"], line["fault"]) == (
        "callback failed",
        "resolve_claims",
        "LookupError",
    )
    assert line["frames"][-1].startswith(f"{__file__}:")
    assert line["frames"][-1].endswith(" look_up")
    assert "aoat_secret" not in str(logs)


async def test_a_callback_that_hangs_is_named_with_the_time_that_it_had(
    autojump_clock: MockClock,
) -> None:
    async def hang(client: Client) -> Client | None:
        await trio.sleep_forever()

    callbacks = Callbacks(on_client_registration=hang, seconds=3)
    with capture_logs() as logs:
        async with open_callbacks(callbacks, entropy=SystemEntropy()) as runner:
            answer = await runner.approve_registration(CLIENT)
    assert answer == Refused(Reason.CALLBACK_BUSY, "the callback took too long")
    [line] = logs
    assert (line["event"], line["callback"], line["seconds"]) == (
        "callback too slow",
        "on_client_registration",
        3,
    )
