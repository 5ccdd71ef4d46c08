"""The callback before tokens is asked once per generation, however many wait for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import trio

from actor_oauth.actors.user import Redeemed, Refreshed
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from tests.actors.callbacks.application import Application
from tests.support.grants import NO_REFRESH_CLIENT, START, a_policy, an_approval


async def all_at_once(calls: list[Callable[[], Awaitable[object]]]) -> None:
    async def run(call: Callable[[], Awaitable[object]]) -> None:
        await call()

    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(run, call)


@pytest.mark.requirement("M-3", "D-25", "D-26")
async def test_however_many_wait_it_is_asked_once_per_generation(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props={"upstream": 1}))
    app.always(TokenChanges(props={"upstream": 2}))
    answers: list[Refreshed | Refused] = []

    async def ask(process: int) -> None:
        answers.append(await app.refresh(tokens.refresh_token, process=process))

    # Over two processes, which share nothing but the database.
    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask, number % 2)

    assert len(app.asked) == 1
    assert app.asked[0] == TokenContext(
        grant_type="refresh_token",
        user_id="ada",
        client_id="app",
        grant_id="00000001",
        generation=2,
        resource=tokens.resource,
        scope=tokens.scope,
        props={"upstream": 1},
    )
    responses = {a.response for a in answers if isinstance(a, Refreshed)}
    assert len(answers) == 32
    assert len(responses) == 1
    (response,) = responses
    assert await app.props(response.access_token) == {"upstream": 2}
    # What is out keeps the props that it was issued with.
    assert await app.props(tokens.access_token) == {"upstream": 1}


@pytest.mark.requirement("M-8", "K-06", "K-07")
async def test_every_token_opens_its_own_version_of_the_props(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=0))
    seen = [tokens]
    for version in range(1, 4):
        app.always(TokenChanges(props=version))
        head = await app.refreshed(seen[-1].refresh_token)
        # A slow session with an older token, after the change and beside it.
        retry = await app.refreshed(seen[-1].refresh_token, scope=Scope(("read",)))
        assert retry.refresh_token == head.refresh_token
        assert await app.props(retry.access_token) == version
        seen.append(head)
    for version, response in enumerate(seen):
        assert await app.props(response.access_token) == version
    # Without a change they stay, and without a callback too.
    app.always(None)
    same = await app.refreshed(seen[-1].refresh_token)
    assert await app.props(same.access_token) == 3
    plain = await app.ada.rotated(same.refresh_token)
    assert await app.props(plain.access_token) == 3
    app.always(TokenChanges(props=None))
    none = await app.refreshed(plain.refresh_token)
    assert await app.props(none.access_token) is None
    assert await app.props(plain.access_token) == 3


@pytest.mark.requirement("M-8", "K-07", "D-26")
@pytest.mark.parametrize("props", [None, {"grant": "props"}])
async def test_what_it_said_holds_for_retries_of_the_generation(
    app: Application, props: Json
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=props))
    app.always(
        TokenChanges(
            access_token_props={"only": "here"},
            access_token_lifetime=60,
            refresh_lifetime=600,
            scope=Scope(("read", "elsewhere")),
        )
    )
    first = await app.refreshed(tokens.refresh_token)
    assert (first.scope, first.expires_in) == (Scope(("read",)), 60)
    assert await app.props(first.access_token) == {"only": "here"}
    # The same again, and the same limits for whoever asks in another way.
    assert await app.refreshed(tokens.refresh_token) == first
    other = await app.refreshed(tokens.refresh_token, scope=Scope(("write", "read")))
    assert (other.scope, other.expires_in) == (Scope(("read",)), 60)
    assert other.access_token != first.access_token
    assert await app.props(other.access_token) == {"only": "here"}
    beyond = await app.refresh(tokens.refresh_token, scope=Scope(("write",)))
    assert beyond == Refused(Reason.SCOPE_NOT_GRANTED)
    assert len(app.asked) == 1
    # The next generation has what the grant has.
    app.always(None)
    second = await app.refreshed(first.refresh_token)
    assert (second.scope, second.expires_in) == (tokens.scope, 3600)
    assert await app.props(second.access_token) == props
    assert await app.props(first.access_token) == {"only": "here"}


@pytest.mark.parametrize("props", [None, "p"])
async def test_limits_without_props_hold_for_retries_too(
    app: Application, props: Json
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=props))
    app.always(TokenChanges(access_token_lifetime=60))
    first = await app.refreshed(tokens.refresh_token)
    other = await app.refreshed(tokens.refresh_token, scope=Scope(("read",)))
    assert (first.expires_in, other.expires_in) == (60, 60)
    assert await app.props(other.access_token) == props


@pytest.mark.requirement("M-1", "D-16", "D-17")
async def test_of_many_redemptions_one_is_asked_about_and_the_rest_are_replays(
    app: Application,
) -> None:
    code = await app.ada.code(approval=an_approval(props={"a": 1}))
    app.always(TokenChanges(props={"a": 2}, scope=Scope(("read",))))
    answers: list[Redeemed | Refused] = []

    async def ask() -> None:
        answers.append(await app.redeem(code))

    await all_at_once([ask] * 32)

    assert len(app.asked) == 1
    assert app.asked[0].grant_type == "authorization_code"
    redeemed = [answer for answer in answers if isinstance(answer, Redeemed)]
    assert len(redeemed) == 1
    assert redeemed[0].response.scope == Scope(("read",))
    refused = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 31
    assert set(refused) <= {Reason.CODE_REPLAYED, Reason.GRANT_REVOKED}
    # A valid replay was seen: nobody can tell who was the thief.
    assert await app.ada.check(redeemed[0].response.access_token) is None


async def test_a_client_without_refresh_tokens_is_asked_about_too(
    app: Application,
) -> None:
    code = await app.ada.code(approval=an_approval(props={"a": 1}))
    app.always(TokenChanges(props={"a": 2}, access_token_lifetime=60))
    redeemed = await app.redeem(code, client=NO_REFRESH_CLIENT)
    assert isinstance(redeemed, Redeemed)
    assert redeemed.response.expires_in == 60
    assert await app.props(redeemed.response.access_token) == {"a": 2}
    app.ada.now = START + 62
    assert (await app.ada.actor.list_grants(now=app.ada.now)).grants == ()


@pytest.mark.requirement("D-28", "M-3")
async def test_without_a_window_the_second_of_two_is_a_replay(
    app: Application,
) -> None:
    strict = replace(app.effects, policy=a_policy(grace=0))
    app.effects = strict
    app.ada.policy = strict.policy
    tokens = await app.ada.tokens()
    answers: list[Refreshed | Refused] = []

    async def ask() -> None:
        answers.append(await app.refresh(tokens.refresh_token))

    await all_at_once([ask] * 32)
    assert len([a for a in answers if isinstance(a, Refreshed)]) == 1
    assert len(app.asked) == 1
    assert await app.ada.check(tokens.access_token) is None
