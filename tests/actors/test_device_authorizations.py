"""Device authorizations at their actors: bounded, forgotten, and never half approved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import (
    ACTOR_KINDS,
    AuthorizationServer,
    DeviceView,
    TooManyAttempts,
)
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.device_questions import ATTEMPTS
from actor_oauth.actors.user.sessions import session_token
from actor_oauth.oauth.clients import Client, Origin
from actor_oauth.oauth.device import (
    DeviceAuthorization,
    DeviceRequest,
    DeviceResponse,
)
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, token_hash
from actor_oauth.oauth.wire import WireError
from actor_oauth.runtime import (
    ActorSystem,
    LocalEngine,
    SystemEntropy,
    open_system,
)
from tests.support.clocks import StoppedClock
from tests.support.grants import KEYRING, POLICY, RESOURCE, START
from tests.support.user_actor import USER_ID, USER_KEY

READ = Scope(("read",))
SHARD = f"{3:032x}"
TOKEN = Token(TokenKind.DEVICE_CODE, SHARD, NO_RECORD, b"d" * 32)
DEVICE = DeviceAuthorization(
    request=DeviceRequest(client_id="app", scope=READ, resource=RESOURCE),
    device_hash=token_hash(TOKEN),
    state=QuestionState.PENDING,
    expires_at=START + 900,
)
CLIENT = Client(client_id="app", redirect_uris=(), grant_types=(DEVICE_CODE,))


@asynccontextmanager
async def opened(path: Path, now: int = START) -> AsyncIterator[ActorSystem]:
    async with open_system(
        LocalEngine(path), ACTOR_KINDS, clock=StoppedClock(now)
    ) as system:
        yield system


@asynccontextmanager
async def served(
    path: Path, now: int = START, *, origin: Origin = "dynamic"
) -> AsyncIterator[AuthorizationServer]:
    async with opened(path) as system:
        server = AuthorizationServer(
            system=system,
            policy=replace(POLICY, device_authorization_enabled=True),
            keyring=KEYRING,
            clock=StoppedClock(now),
            entropy=SystemEntropy(),
        )
        client = server._clients.actor("app")
        assert client.address.key == client_key("app")
        known = replace(CLIENT, origin=origin)
        await client.register(known, secret_hash=None, now=START)
        yield server


async def begin(server: AuthorizationServer) -> DeviceResponse | WireError:
    form = parameters_of({"client_id": "app", "scope": "read"}.items())
    return await server.devices.begin(form, None)


async def begun(server: AuthorizationServer) -> DeviceResponse:
    response = await begin(server)
    assert isinstance(response, DeviceResponse)
    return response


@pytest.mark.requirement("K-09", "D-51")
async def test_a_shard_forgets_by_alarm_what_nobody_asks_about(tmp_path: Path) -> None:
    later = replace(DEVICE, device_hash=b"l" * 32, expires_at=START + 3000)
    async with opened(tmp_path) as system:
        shard = system.get(DeviceActor, SHARD)
        assert await shard.begin(DEVICE, b"code")
        assert await shard.begin(later, b"another")
        assert await shard.begin(replace(DEVICE, device_hash=b"x"), b"code") is False
    async with opened(tmp_path, START + 1500) as system:
        shard = system.get(DeviceActor, SHARD)
        with trio.fail_after(60):
            expired = Refused(Reason.DEVICE_CODE_EXPIRED)
            while (answer := await poll(shard, START + 1500)) == expired:
                await trio.lowlevel.checkpoint()
        assert answer == Refused(Reason.DEVICE_CODE_UNKNOWN)
        assert await shard.pending(b"another", now=START + 1500) == later
    async with opened(tmp_path, START + 3600) as system:
        shard = system.get(DeviceActor, SHARD)
        with trio.fail_after(60):
            while await shard.pending(b"another", now=START) is not None:
                await trio.lowlevel.checkpoint()


async def poll(shard: DeviceActor, now: int) -> object:
    return await shard.poll(TOKEN, client_id="app", now=now)


@pytest.mark.requirement("M-14")
async def test_nothing_answers_for_a_code_that_is_not_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as system:
        shard = system.get(DeviceActor, SHARD)
        for answer in Answer:
            assert not await shard.answer(b"code", answer, now=START)
        assert await shard.pending(b"code", now=START) is None


ENDED = session_token(USER_KEY, b"s" * 32).render()
FOREIGN = "what an application has put into a cookie"


async def question(
    server: AuthorizationServer, user_code: str, *, browser: str = FOREIGN
) -> DeviceView:
    view = await server.find_device(user_code, user_id=USER_ID, browser=browser)
    assert isinstance(view, DeviceView)
    return view


@pytest.mark.requirement("C-14", "B-36", "M-9")
async def test_a_yes_that_may_not_be_lets_nobody_in(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        response = await begun(server)
        assert (
            await server.find_device("nonsense", user_id=USER_ID, browser=ENDED)
        ) is None
        view = await question(server, response.user_code, browser=ENDED)
        # Signed out between the question and the answer.
        assert not await server.approve_device(
            view.handle, user_id=USER_ID, browser=ENDED
        )
        view = await question(server, response.user_code)
        await server.delete_client("app")
        for found in (
            await server.describe_device(view.handle, user_id=USER_ID, browser=FOREIGN),
            await server.find_device(
                response.user_code, user_id=USER_ID, browser=FOREIGN
            ),
        ):
            assert found is None
        assert not await server.approve_device(
            view.handle, user_id=USER_ID, browser=FOREIGN
        )


@pytest.mark.requirement("C-14", "M-14", "D-52")
async def test_an_application_puts_a_device_to_its_own_users(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        response = await begun(server)
        view = await question(server, response.user_code)
        assert (view.user_code, view.client.client_id) == (response.user_code, "app")
        calls = (server.describe_device, server.approve_device, server.deny_device)
        for user_id, browser in (
            ("eve", FOREIGN),
            (USER_ID, "x" * 30),
            (USER_ID, None),
        ):
            for call in calls:
                assert not await call(view.handle, user_id=user_id, browser=browser)
        for handle in ("", "x", view.handle[:-2], server.seal("other", b"[]")):
            assert not await server.approve_device(
                handle, user_id=USER_ID, browser=FOREIGN
            )
        answers = [
            await server.approve_device(
                view.handle, user_id=USER_ID, browser=FOREIGN, props={"plan": "gold"}
            )
            for _ in range(2)
        ]
        assert answers == [True, False]
        # Whoever said yes has an account, without a password.
        assert await server.user_exists(USER_ID)


@pytest.mark.requirement("C-14")
async def test_a_limit_on_scope_holds_for_what_a_device_asked_before(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, origin="pre-registered") as server:
        view = await question(server, (await begun(server)).user_code)
        await server.update_client("app", scope=Scope(("write",)))
        assert not await server.approve_device(
            view.handle, user_id=USER_ID, browser=FOREIGN
        )


@pytest.mark.requirement("D-52")
async def test_a_question_is_over_with_its_code(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        response = await begun(server)
        view = await question(server, response.user_code)
    async with served(tmp_path, START + response.expires_in) as server:
        for answer in (server.approve_device, server.deny_device):
            assert not await answer(view.handle, user_id=USER_ID, browser=FOREIGN)


@pytest.mark.requirement("D-52")
async def test_a_user_cannot_find_codes_by_trying(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        for _ in range(ATTEMPTS.burst):
            await server.find_device("BBBB-BBBB", user_id=USER_ID, browser=FOREIGN)
        refused = await server.find_device(
            "BBBB-BBBB", user_id=USER_ID, browser=FOREIGN
        )
        assert refused == TooManyAttempts(retry_after=30)
        assert not await server.find_device("BBBB", user_id="eve", browser=FOREIGN)


async def test_a_browser_that_holds_nothing_cannot_be_told_from_others(
    tmp_path: Path,
) -> None:
    async with served(tmp_path) as server:
        with pytest.raises(ValueError, match="browser"):
            await server.find_device("BBBB-BBBB", user_id=USER_ID, browser="")
