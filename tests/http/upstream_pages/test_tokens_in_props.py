"""The service's tokens in a grant's props: refreshed once, and what trouble there costs."""

import json
from pathlib import Path

import httpx2
import pytest
import trio

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenContext
from tests.http.federation.site import HOST, ORIGIN, github
from tests.http.upstream_pages.stage import Stage, open_stage, renewed
from tests.support.login_services import GITHUB_WEB, page, publish_github
from tests.support.web import reply


@pytest.mark.requirement("D-26", "I-27")
async def test_of_many_refreshes_at_once_the_service_sees_one(stage: Stage) -> None:
    tokens = await stage.grant()
    # The client comes back when the service's token is due, not when ours would be.
    assert int(tokens["expires_in"]) == 700
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    answers: list[httpx2.Response] = []

    async def ask() -> None:
        answers.append(await stage.refresh(tokens["refresh_token"]))

    async with trio.open_nursery() as nursery:
        for _ in range(24):
            nursery.start_soon(ask)
    assert {answer.status_code for answer in answers} == {200}
    assert len(stage.refreshes) == 1
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    fresh = answers[0].json()
    assert await stage.upstream_of(fresh["access_token"]) == "up-2"


async def test_a_service_whose_token_is_good_is_not_asked(stage: Stage) -> None:
    tokens = await stage.grant(expires_in=86400)
    assert int(tokens["expires_in"]) == 3600
    stage.refreshes_with(renewed(2))
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert not stage.refreshes
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-1"


TROUBLE = (
    reply(b"{}", status="500 Oops"),
    reply(b"{}", "Retry-After: 5", status="429 Too Many Requests"),
    reply(b"<html>", media_type="text/html", status="502 Bad Gateway"),
    page({"error": "invalid_client"}, status="401 Unauthorized"),
    page({"error": "temporarily_unavailable"}, status="400 Bad Request"),
    b"",
)


@pytest.mark.requirement("D-32", "D-06")
async def test_trouble_that_passes_costs_the_client_nothing(stage: Stage) -> None:
    tokens = await stage.grant()
    for trouble in TROUBLE:
        stage.refreshes_with(trouble)
        stage.clock.advance(701)
        answer = await stage.refresh(tokens["refresh_token"])
        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"
        asked = len(stage.refreshes)
        assert asked
        await stage.refresh(tokens["refresh_token"])
        assert len(stage.refreshes) == asked, "a service in trouble is left alone"
        stage.refreshes.clear()
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-2"


@pytest.mark.requirement("D-32")
async def test_the_grant_ends_when_the_service_says_that_its_own_has(
    stage: Stage,
) -> None:
    tokens = await stage.grant()
    stage.refreshes_with(page({"error": "invalid_grant"}, status="400 Bad Request"))
    stage.clock.advance(701)
    answer = await stage.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await stage.provider.server.unwrap_token(tokens["access_token"]) is None


async def test_tokens_that_nothing_can_refresh_end_the_grant_with_them(
    stage: Stage,
) -> None:
    tokens = await stage.grant(refresh_token=None)
    assert int(tokens["expires_in"]) == 1000
    stage.clock.advance(1001)
    answer = await stage.refresh(tokens["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.requirement("I-29")
async def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one(
    stage: Stage,
) -> None:
    tokens = await stage.grant()
    stage.refreshes_with(renewed(2, refresh_token=None))
    stage.clock.advance(701)
    second = (await stage.refresh(tokens["refresh_token"])).json()
    stage.refreshes_with(renewed(3))
    stage.clock.advance(701)
    third = (await stage.refresh(second["refresh_token"])).json()
    assert await stage.upstream_of(third["access_token"]) == "up-3"


async def test_an_answer_that_came_after_the_callback_is_not_lost(
    stage: Stage,
) -> None:
    """The service rotates its token; whoever asked for it has gone meanwhile."""
    tokens = await stage.grant()
    info = await stage.provider.server.unwrap_token(tokens["access_token"])
    assert info is not None
    stage.refreshes_with(renewed(2))
    stage.clock.advance(701)
    target = f"{HOST}/token"
    held = stage.web.held[target] = trio.Event()
    del stage.web.arrived[target]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stage.provider.refresh_upstream, context_of(info.props))
        await stage.web.arrived[target].wait()
        nursery.cancel_scope.cancel()
    held.set()
    answer = await stage.refresh(tokens["refresh_token"])
    assert await stage.upstream_of(answer.json()["access_token"]) == "up-2"
    assert len(stage.refreshes) == 1


def context_of(props: Json) -> TokenContext:
    """What a callback is told of a grant with these props."""
    return TokenContext(
        grant_type="refresh_token",
        user_id="u",
        client_id="c",
        grant_id="g",
        generation=2,
        resource=f"{ORIGIN}/mcp",
        scope=Scope(),
        props=props,
    )


async def test_props_without_tokens_change_nothing(stage: Stage) -> None:
    others: tuple[Json, ...] = (None, {"plan": "gold"}, {"upstream": {"x": 1}})
    for props in others:
        assert await stage.provider.refresh_upstream(context_of(props)) is None


async def test_a_service_that_was_taken_out_of_the_settings_ends_no_grant(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path) as stage:
        tokens = await stage.grant()
    async with open_stage(tmp_path, github()) as again:
        again.client_id = stage.client_id
        again.clock.advance(701)
        answer = await again.refresh(tokens["refresh_token"])
        assert answer.status_code == 503


async def test_github_says_with_status_200_that_a_token_is_over(stage: Stage) -> None:
    """User tokens of a GitHub App expire, and are refreshed."""
    target = f"{GITHUB_WEB}/login/oauth/access_token"
    publish_github(stage.web)
    first = {
        "access_token": "ghu_1",
        "expires_in": 28800,
        "refresh_token": "ghr_1",
        "refresh_token_expires_in": 15897600,
        "scope": "",
        "token_type": "bearer",
    }
    stage.web.pages[target] = page(first)
    back = await stage.come_back(await stage.leave("github"), "github")
    tokens = await stage.granted(back)
    again = {**first, "access_token": "ghu_2", "refresh_token": "ghr_2"}
    stage.refreshes_with(page(again), target=target)
    stage.clock.advance(28600)
    tokens = (await stage.refresh(tokens["refresh_token"])).json()
    assert await stage.upstream_of(tokens["access_token"]) == "ghu_2"
    over = {"error": "bad_refresh_token", "error_description": "…"}
    stage.refreshes_with(page(over), target=target)
    stage.clock.advance(28600)
    answer = await stage.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
