"""Pushed requests at the client's actor: one completion, bounds, and their end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS, AuthorizationServer
from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.clients import NewClient
from actor_oauth.oauth.authorization_answer import AuthorizationError, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.pushed_requests import KEPT_AFTER_EXPIRY, PushedResponse
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import ActorSystem, LocalEngine, SystemEntropy, open_system
from tests.oauth.pushed_forms import a_form
from tests.support.clocks import StoppedClock
from tests.support.grants import KEYRING, POLICY, REDIRECT_URI, START, a_request

TASKS = 32


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    clock = StoppedClock(START)
    async with open_system(LocalEngine(tmp_path), ACTOR_KINDS, clock=clock) as opened:
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
async def client_id(server: AuthorizationServer) -> str:
    made = await server.create_client(client_name="App", redirect_uris=[REDIRECT_URI])
    assert isinstance(made, NewClient)
    return made.client.client_id


def actor_of(system: ActorSystem, client_id: str) -> ClientActor:
    return system.get(ClientActor, client_key(client_id))


async def pushed(server: AuthorizationServer, client_id: str) -> str:
    answer = await server.push_authorization_request(a_form(client_id=client_id), None)
    assert isinstance(answer, PushedResponse)
    return answer.request_uri


async def presented(
    server: AuthorizationServer, client_id: str, name: str
) -> AuthorizationRequest:
    request = await server.parse_auth_request(
        parameters_of([("client_id", client_id), ("request_uri", name)])
    )
    assert isinstance(request, AuthorizationRequest)
    return request


@pytest.mark.requirement("C-27", "M-11", "M-20")
async def test_of_many_completions_under_one_name_one_gets_a_code(
    system: ActorSystem, server: AuthorizationServer, client_id: str
) -> None:
    request = await presented(server, client_id, await pushed(server, client_id))
    answers: list[Redirect | AuthorizationError] = []

    async def complete(number: int) -> None:
        user_id = f"user{number % 4}"
        answers.append(await server.complete_authorization(request, user_id=user_id))

    async with trio.open_nursery() as nursery:
        for number in range(TASKS):
            nursery.start_soon(complete, number)

    refused = [answer for answer in answers if isinstance(answer, AuthorizationError)]
    assert len(refused) == TASKS - 1 == len(answers) - 1
    assert {answer.reason for answer in refused} == {Reason.REQUEST_URI_SPENT}
    assert all("error=invalid_request_uri" in (a.redirect_to or "") for a in refused)


@pytest.mark.requirement("C-26")
async def test_a_name_opens_nothing_for_another_client(
    system: ActorSystem, server: AuthorizationServer, client_id: str
) -> None:
    name = await pushed(server, client_id)
    other = await server.create_client(client_name="B", redirect_uris=[REDIRECT_URI])
    assert isinstance(other, NewClient)

    refused = await server.parse_auth_request(
        parameters_of([("client_id", other.client.client_id), ("request_uri", name)])
    )

    assert getattr(refused, "reason", None) is Reason.REQUEST_URI_UNKNOWN


@pytest.mark.requirement("C-22")
async def test_a_client_cannot_have_more_requests_than_its_limit(
    system: ActorSystem, client_id: str
) -> None:
    actor = actor_of(system, client_id)
    answers = [
        await actor.push(a_request(), bytes([n]), expires_at=START + 90, limit=2)
        for n in range(3)
    ]

    assert answers == [None, None, Refused(Reason.TOO_MANY_PUSHED)]


@pytest.mark.requirement("K-09")
async def test_a_request_is_forgotten_when_nobody_can_complete_it_any_more(
    tmp_path: Path,
) -> None:
    key = b"k" * 32
    async with open_system(
        LocalEngine(tmp_path), ACTOR_KINDS, clock=StoppedClock(START)
    ) as system:
        server = AuthorizationServer(
            system=system,
            policy=POLICY,
            keyring=KEYRING,
            clock=StoppedClock(START),
            entropy=SystemEntropy(),
        )
        made = await server.create_client(client_name="A", redirect_uris=[REDIRECT_URI])
        assert isinstance(made, NewClient)
        client_id = made.client.client_id
        actor = actor_of(system, client_id)
        for number, expires_at in enumerate((START + 90, START + 9000)):
            name = key + bytes([number])
            await actor.push(a_request(), name, expires_at=expires_at, limit=9)
    later = StoppedClock(START + 90 + KEPT_AFTER_EXPIRY)
    async with open_system(LocalEngine(tmp_path), ACTOR_KINDS, clock=later) as system:
        actor = actor_of(system, client_id)
        with trio.fail_after(60):
            while await actor.pushed_request(key + b"\0") is not None:
                await trio.lowlevel.checkpoint()
        assert await actor.pushed_request(key + b"\1") is not None
        assert await actor.client() is not None


@pytest.mark.requirement("B-34", "C-26")
async def test_with_its_client_a_request_ends(
    system: ActorSystem, server: AuthorizationServer, client_id: str
) -> None:
    name = await pushed(server, client_id)
    request = await presented(server, client_id, name)

    await server.delete_client(client_id)

    refused = await server.parse_auth_request(
        parameters_of([("client_id", client_id), ("request_uri", name)])
    )
    assert getattr(refused, "reason", None) is Reason.AUTHORIZE_CLIENT_UNKNOWN
    answer = await server.complete_authorization(request, user_id="ada")
    assert answer == AuthorizationError(reason=Reason.AUTHORIZE_CLIENT_UNKNOWN)
    actor = actor_of(system, client_id)
    assert await actor.complete_pushed_request(b"k", b"c") == Refused(
        Reason.REQUEST_URI_UNKNOWN
    )
