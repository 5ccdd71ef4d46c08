"""An application's own pages before a service's sign-in: who is asked, once, in that browser."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import AuthorizationError, Redirect
from actor_oauth.config import Settings
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.provider import Provider
from actor_oauth.upstream.federation import Outward
from actor_oauth.upstream.federation.own_pages import UpstreamSignIn
from tests.http.deployment import query_of
from tests.http.federation.site import HOST, ORIGIN
from tests.http.upstream_pages.stage import BROWSER, OTHER, Stage, open_stage
from tests.support.login_services import publish_github


@pytest.mark.requirement("C-23")
async def test_a_page_asks_and_then_the_service_signs_in_and_the_client_has_a_grant(
    stage: Stage,
) -> None:
    question = await stage.ask()
    assert (question.view.client_name, question.view.user_id) == ("Ledger", "")
    sent = await stage.leave(data="what the page knows")
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, UpstreamSignIn)
    server = stage.provider.server
    assert back.user_id == server.federated_user_id(f"https://{HOST}", "person-1")
    assert back.data == "what the page knows"
    tokens = await stage.granted(back)
    assert await stage.upstream_of(tokens["access_token"]) == "up-1"
    session = await server.session(back.session)
    assert session is not None
    assert session.user_id == back.user_id


@pytest.mark.requirement("C-23")
async def test_nobody_is_sent_to_the_service_but_by_the_yes_of_the_browser_that_was_asked(
    stage: Stage,
) -> None:
    question = await stage.ask()
    begin = stage.provider.begin_upstream
    refused = SignInRefused(fault=SignInFault.CONSENT_MISSING)
    stolen = await begin("idp", browser=OTHER, ticket=question.ticket)
    forged = await begin("idp", browser=BROWSER, ticket=question.ticket[:-4] + "AAAA")
    stage.clock.advance(601)
    late = await begin("idp", browser=BROWSER, ticket=question.ticket)
    assert [stolen, forged, late] == [refused] * 3
    assert not stage.web.requests


async def test_an_answer_that_is_replayed_signs_nobody_in(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)
    again = await stage.come_back(sent)
    assert isinstance(again, SignInRefused)
    assert again.fault is SignInFault.ATTEMPT_UNKNOWN


async def test_of_many_copies_of_an_answer_one_has_an_effect(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    answers: list[UpstreamSignIn | SignInRefused] = []

    async def bring() -> None:
        answers.append(await stage.come_back(sent))

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(bring)
    assert sum(isinstance(answer, UpstreamSignIn) for answer in answers) == 1


async def test_another_browser_brings_no_answer_and_spoils_none(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    for browser in (OTHER, "", None):
        stolen = await stage.come_back(sent, browser=browser)
        assert stolen == SignInRefused(fault=SignInFault.BROWSER_WRONG)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)


async def test_an_answer_of_one_service_is_none_of_another(stage: Stage) -> None:
    publish_github(stage.web)
    sent = await stage.leave("idp")
    mixed = await stage.come_back(sent, "github")
    assert mixed == SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
    lying = await stage.come_back(sent, iss="https://evil.example")
    assert isinstance(lying, SignInRefused)
    assert "POST" not in "".join(stage.web.requests)


async def test_an_answer_that_comes_too_late_is_none(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    stage.clock.advance(601)
    assert await stage.come_back(sent) == SignInRefused(
        fault=SignInFault.ATTEMPT_UNKNOWN
    )


async def test_two_tabs_come_back_in_any_order(stage: Stage) -> None:
    first, second = await stage.leave(data="1"), await stage.leave(data="2")
    for sent, data in ((second, "2"), (first, "1")):
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        assert back.data == data
        assert await stage.granted(back)


async def test_a_client_that_changed_since_the_question_gets_nothing(
    stage: Stage,
) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    await stage.provider.server.delete_client(stage.client_id)
    assert await stage.come_back(sent) == SignInRefused(
        fault=SignInFault.CLIENT_CHANGED
    )


async def test_a_person_only_signs_in_and_is_asked_afterwards(stage: Stage) -> None:
    outward = await stage.provider.begin_upstream("idp", browser=BROWSER, data="/next")
    assert isinstance(outward, Outward)
    sent = query_of(outward.url)
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, UpstreamSignIn)
    assert (back.request, back.data) == (None, "/next")
    with pytest.raises(ValueError, match="nothing was asked"):
        await stage.provider.complete_upstream(back)


async def test_the_person_may_allow_less_than_was_asked(tmp_path: Path) -> None:
    resource = {"identifier": f"{ORIGIN}/mcp", "scopes": ["a", "b"]}
    async with open_stage(tmp_path, resources=[resource]) as stage:
        sent = await stage.leave()
        stage.signs_in(sent)
        back = await stage.come_back(sent)
        assert isinstance(back, UpstreamSignIn)
        done = await stage.provider.complete_upstream(back, scope=Scope(("a",)))
        assert isinstance(done, Redirect)
        await stage.provider.server.delete_client(stage.client_id)
        gone = await stage.provider.complete_upstream(back)
        assert isinstance(gone, AuthorizationError)


async def test_who_may_not_sign_in_is_told_so(stage: Stage) -> None:
    sent = await stage.leave()
    stage.signs_in(sent)
    assert isinstance(await stage.come_back(sent), UpstreamSignIn)
    user = stage.provider.server.federated_user_id(f"https://{HOST}", "person-1")
    await stage.provider.server.set_user_disabled(user, disabled=True)
    sent = await stage.leave()
    stage.signs_in(sent)
    back = await stage.come_back(sent)
    assert isinstance(back, SignInRefused)
    assert back.fault is SignInFault.ACCOUNT_DISABLED


async def test_the_helpers_say_what_they_are_missing(tmp_path: Path) -> None:
    provider = Provider(Settings(issuer=ORIGIN, data=tmp_path))
    async with provider.open():
        with pytest.raises(RuntimeError, match="login_providers"):
            await provider.begin_upstream("idp", browser=BROWSER)


async def test_a_browser_without_a_secret_is_no_browser(stage: Stage) -> None:
    with pytest.raises(ValueError, match="browser"):
        await stage.provider.begin_upstream("idp", browser="short")
    malformed = await stage.provider.finish_upstream("idp", "%ff", browser=BROWSER)
    assert isinstance(malformed, SignInRefused)
