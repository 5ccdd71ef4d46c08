"""The consent helpers, as an application with sessions of its own uses them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import (
    ACTOR_KINDS,
    AuthorizationError,
    AuthorizationRequest,
    AuthorizationServer,
    NewClient,
    Redirect,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import Parameters, parameters_of, parse_form
from actor_oauth.oauth.pushed_requests import PushedResponse
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import ActorSystem, LocalEngine, SystemEntropy, open_system
from tests.oauth.pushed_forms import a_form
from tests.support.clocks import StoppedClock
from tests.support.grants import KEYRING, POLICY, REDIRECT_URI, START, a_request

USER = "ada@app.example"


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    async with open_system(
        LocalEngine(tmp_path), ACTOR_KINDS, clock=StoppedClock(START)
    ) as opened:
        yield opened


@pytest.fixture
def server(system: ActorSystem) -> AuthorizationServer:
    return AuthorizationServer(
        system=system,
        policy=POLICY,
        keyring=KEYRING,
        clock=StoppedClock(START),
        entropy=SystemEntropy(),
    )


@pytest.fixture
async def client(server: AuthorizationServer) -> Client:
    made = await server.create_client(client_name="App", redirect_uris=[REDIRECT_URI])
    assert isinstance(made, NewClient)
    return made.client


@pytest.fixture
def request_(client: Client) -> AuthorizationRequest:
    return a_request(client_id=client.client_id)


async def begun(
    server: AuthorizationServer, request: AuthorizationRequest, browser: str
) -> str:
    handle = await server.begin_consent(request, user_id=USER, browser=browser)
    assert isinstance(handle, str)
    return handle


@pytest.mark.requirement("C-14", "C-15", "M-11")
async def test_of_many_answers_in_several_tabs_one_for_each_question_counts(
    server: AuthorizationServer, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    tabs = [await begun(server, request_, browser) for _ in range(3)]
    for handle in tabs:
        answers: list[Redirect | AuthorizationError] = []

        async def approve(
            handle: str, answers: list[Redirect | AuthorizationError]
        ) -> None:
            answers.append(
                await server.approve_consent(handle, user_id=USER, browser=browser)
            )

        async def deny(
            handle: str, answers: list[Redirect | AuthorizationError]
        ) -> None:
            answers.append(
                await server.deny_consent(handle, user_id=USER, browser=browser)
            )

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(approve, handle, answers)
                nursery.start_soon(deny, handle, answers)
        refused = [a for a in answers if isinstance(a, AuthorizationError)]
        assert len(refused) == len(answers) - 1
        assert {a.reason for a in refused} == {Reason.CONSENT_ANSWERED}
        assert {a.redirect_to for a in refused} == {None}


@pytest.mark.requirement("C-14")
async def test_a_handle_is_good_for_its_user_in_its_browser_only(
    server: AuthorizationServer, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    handle = await begun(server, request_, browser)
    for user_id, held in (("eve", browser), (USER, "x" * 43), (USER, None)):
        assert (
            await server.describe_consent(handle, user_id=user_id, browser=held)
        ) is None
        assert (
            await server.consent_logo(handle, user_id=user_id, browser=held)
        ) is None
        for answer in (server.approve_consent, server.deny_consent):
            refused = await answer(handle, user_id=user_id, browser=held)
            assert refused == AuthorizationError(reason=Reason.CONSENT_UNKNOWN)
    assert await server.consent_logo(handle, user_id=USER, browser=browser) is None
    view = await server.describe_consent(handle, user_id=USER, browser=browser)
    assert view is not None
    assert (view.user_id, view.client_name, view.is_vetted) == (USER, "App", True)


async def test_a_browser_that_holds_nothing_is_a_mistake(
    server: AuthorizationServer, request_: AuthorizationRequest
) -> None:
    with pytest.raises(ValueError, match="browser"):
        await server.begin_consent(request_, user_id=USER, browser="")


@pytest.mark.requirement("C-14", "B-36")
async def test_nobody_is_sent_to_a_client_that_has_gone(
    server: AuthorizationServer, client: Client, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    handle = await begun(server, request_, browser)
    await server.delete_client(client.client_id)
    gone = AuthorizationError(reason=Reason.AUTHORIZE_CLIENT_UNKNOWN)
    assert await server.approve_consent(handle, user_id=USER, browser=browser) == gone
    assert await server.deny_consent(handle, user_id=USER, browser=browser) == gone
    assert await server.begin_consent(request_, user_id=USER, browser=browser) == gone
    assert (
        await server.approve_remembered(request_, user_id=USER, browser=browser) == gone
    )
    assert await server.complete_authorization(request_, user_id=USER) == gone
    assert not await server.is_remembered(request_, USER)


@pytest.mark.requirement("B-19", "C-14")
async def test_a_yes_is_to_the_client_as_it_was_shown(
    server: AuthorizationServer, client: Client, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    handle = await begun(server, request_, browser)
    await server.update_client(client.client_id, client_name="Your Bank")
    renamed = await server.approve_consent(handle, user_id=USER, browser=browser)
    assert renamed == AuthorizationError(reason=Reason.CLIENT_CHANGED)
    await server.update_client(
        client.client_id, redirect_uris=["https://app.example/moved"]
    )
    for answer in (server.approve_consent, server.deny_consent):
        moved = await answer(handle, user_id=USER, browser=browser)
        assert moved == AuthorizationError(reason=Reason.REDIRECT_URI_UNREGISTERED)


@pytest.mark.requirement("C-14")
async def test_a_limit_on_scope_holds_for_what_was_asked_before_it_too(
    server: AuthorizationServer, client: Client, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    handle = await begun(server, request_, browser)
    pushed = await server.push_authorization_request(
        a_form(client_id=client.client_id, scope="read write"), None
    )
    assert isinstance(pushed, PushedResponse)
    await server.update_client(client.client_id, scope=Scope(("read",)))
    arrived = await server.parse_auth_request(
        parameters_of(
            (("client_id", client.client_id), ("request_uri", pushed.request_uri))
        ),
        signed_in=True,
    )
    assert isinstance(arrived, AuthorizationRequest)
    changed = Reason.CLIENT_CHANGED
    for answer in (
        await server.approve_consent(handle, user_id=USER, browser=browser),
        await server.approve_remembered(request_, user_id=USER, browser=browser),
        await server.complete_authorization(request_, user_id=USER),
        await server.complete_authorization(arrived, user_id=USER),
    ):
        assert isinstance(answer, AuthorizationError)
        assert answer.reason is changed
    # What is within the limit may still be allowed.
    within = await server.approve_consent(
        handle, user_id=USER, browser=browser, scope=Scope(("read",))
    )
    assert isinstance(within, Redirect)


@pytest.mark.requirement("C-27", "M-11")
async def test_a_pushed_request_is_completed_once_whichever_way(
    server: AuthorizationServer, client: Client
) -> None:
    pushed = await server.push_authorization_request(
        a_form(client_id=client.client_id), None
    )
    name = getattr(pushed, "request_uri", "")
    form = parse_form(f"client_id={client.client_id}&request_uri={name}".encode())
    assert isinstance(form, Parameters)
    request = await server.parse_auth_request(form)
    assert isinstance(request, AuthorizationRequest)
    browser = server.new_browser_secret()
    tabs = [await begun(server, request, browser) for _ in range(3)]
    assert isinstance(
        await server.approve_consent(tabs[0], user_id=USER, browser=browser), Redirect
    )
    spent = AuthorizationError(reason=Reason.REQUEST_URI_SPENT)
    assert await server.approve_consent(tabs[1], user_id=USER, browser=browser) == spent
    assert await server.deny_consent(tabs[2], user_id=USER, browser=browser) == spent
    assert (
        await server.approve_remembered(request, user_id=USER, browser=browser) == spent
    )


@pytest.mark.requirement("C-12")
async def test_what_is_not_remembered_is_not_granted_without_a_page(
    server: AuthorizationServer, request_: AuthorizationRequest
) -> None:
    browser = server.new_browser_secret()
    refused = await server.approve_remembered(request_, user_id=USER, browser=browser)
    assert isinstance(refused, AuthorizationError)
    assert refused.reason is Reason.CONSENT_REQUIRED
    handle = await begun(server, request_, browser)
    await server.approve_consent(handle, remember=True, user_id=USER, browser=browser)
    assert await server.is_remembered(request_, USER)
    assert isinstance(
        await server.approve_remembered(request_, user_id=USER, browser=browser),
        Redirect,
    )


@pytest.mark.requirement("C-02", "C-03")
async def test_an_application_refuses_for_a_reason_of_its_own(
    server: AuthorizationServer, request_: AuthorizationRequest
) -> None:
    refused = await server.refuse_authorization(request_, Reason.INTERACTION_REQUIRED)
    assert refused.redirect_to is not None, "the operator knows this client"
    assert "error=interaction_required" in refused.redirect_to
    malformed = await server.parse_auth_request("client_id=%FF")
    assert malformed == AuthorizationError(reason=Reason.FORM_MALFORMED)
