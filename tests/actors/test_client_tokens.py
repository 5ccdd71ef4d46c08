"""A client's own tokens at its actor: they end with it, and leave nothing behind."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client import tokens as client_tokens
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.client_credentials import ClientTokenRequest
from actor_oauth.oauth.clients import SECRET_METHODS, Client
from actor_oauth.oauth.policy import Lifetimes, Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.revoke import Revoked
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, Token, TokenKind, TokenResponse
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from tests.support.clocks import StoppedClock
from tests.support.grants import fresh, parsed

NOW = 1_800_000_000
POLICY = Policy(
    issuer="https://h.example",
    resources=(ResourcePolicy(identifier="https://h.example/mcp"),),
    client_credentials_enabled=True,
)
CLIENT = Client(
    client_id="aocl_robot",
    redirect_uris=(),
    auth_method="client_secret_basic",
    auth_methods_accepted=SECRET_METHODS,
    origin="pre-registered",
    grant_types=("client_credentials",),
    scope=Scope(("mcp",)),
)
KEY = "ab" * 16


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    kinds = (ClientActor, UserActor, DirectoryActor)
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), kinds=kinds, clock=clock) as opened:
        await opened.get(ClientActor, KEY).register(CLIENT, secret_hash=None, now=NOW)
        yield opened


async def issue(
    system: ActorSystem,
    *,
    client: Client = CLIENT,
    policy: Policy = POLICY,
    now: int = NOW,
) -> TokenResponse | Refused:
    return await system.get(ClientActor, KEY).issue_token(
        ClientTokenRequest(client=client), policy=policy, fresh=fresh(), now=now
    )


async def a_token(
    system: ActorSystem, *, policy: Policy = POLICY, now: int = NOW
) -> Token:
    answer = await issue(system, policy=policy, now=now)
    assert isinstance(answer, TokenResponse)
    return parsed(answer.access_token)


async def found(
    actor: ClientActor, token: Token, *, now: int
) -> AccessTokenInfo | None:
    access = await actor.access(token)
    return None if access is None else access.at(now)


@pytest.mark.requirement("D-33", "B-01")
async def test_a_clients_token_speaks_for_the_client(system: ActorSystem) -> None:
    token = await a_token(system)
    actor = system.get(ClientActor, KEY)
    info = await found(actor, token, now=NOW)
    assert info is not None
    assert (info.principal, info.user_id, info.client_id) == (
        "client",
        "aocl_robot",
        "aocl_robot",
    )
    assert (info.grant_id, info.props, info.expires_at) == ("", None, NOW + 3600)


@pytest.mark.requirement("K-04")
async def test_the_same_bytes_as_another_kind_are_nothing(system: ActorSystem) -> None:
    token = await a_token(system)
    actor = system.get(ClientActor, KEY)
    for kind in TokenKind:
        if kind is not TokenKind.CLIENT_ACCESS:
            other = replace(token, kind=kind)
            assert await found(actor, other, now=NOW) is None
            revoked = await actor.revoke_token(other, client_id="aocl_robot", now=NOW)
            assert revoked is Revoked.NOTHING


@pytest.mark.requirement("K-13")
async def test_a_clock_set_back_revives_nothing(system: ActorSystem) -> None:
    token = await a_token(system)
    actor = system.get(ClientActor, KEY)
    assert await found(actor, token, now=NOW + 3599) is not None
    assert await found(actor, token, now=NOW + 3600) is None
    await a_token(system, now=NOW + 3600)
    assert await found(actor, token, now=NOW) is None


@pytest.mark.requirement("H-01", "H-04")
async def test_only_the_client_itself_revokes_its_token(system: ActorSystem) -> None:
    token = await a_token(system)
    actor = system.get(ClientActor, KEY)
    other = await actor.revoke_token(token, client_id="aocl_other", now=NOW)
    assert other is Revoked.NOTHING
    assert await found(actor, token, now=NOW) is not None
    mine = await actor.revoke_token(token, client_id="aocl_robot", now=NOW)
    assert mine is Revoked.ACCESS_TOKEN
    assert await found(actor, token, now=NOW) is None


@pytest.mark.requirement("M-9", "H-08")
async def test_disabling_ends_tokens_and_enabling_does_not_revive_them(
    system: ActorSystem,
) -> None:
    token = await a_token(system)
    actor = system.get(ClientActor, KEY)
    await actor.set_disabled(disabled=True, now=NOW)
    assert await found(actor, token, now=NOW) is None
    assert await actor.revoke_token(token, client_id="aocl_robot", now=NOW) is (
        Revoked.NOTHING
    )
    await actor.set_disabled(disabled=False, now=NOW)
    assert await found(actor, token, now=NOW) is None
    # Authenticated before it was disabled, and slow: another epoch.
    assert await issue(system) == Refused(Reason.CLIENT_UNKNOWN)
    assert isinstance(
        await issue(system, client=replace(CLIENT, epoch=2)), TokenResponse
    )


@pytest.mark.requirement("M-9", "B-34", "B-36", "D-33")
@pytest.mark.parametrize("position", [0, 1, 8, 31])
async def test_once_a_client_is_deleted_none_of_its_tokens_lives(
    system: ActorSystem, position: int
) -> None:
    actor = system.get(ClientActor, KEY)
    answers: list[TokenResponse | Refused] = []

    async def ask() -> None:
        answers.append(await issue(system))

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask)
            if number == position:
                nursery.start_soon(lambda: actor.delete(now=NOW))

    kinds = Counter(type(answer) for answer in answers)
    assert kinds.total() == 32
    for answer in answers:
        if isinstance(answer, TokenResponse):
            token = parsed(answer.access_token)
            assert await found(actor, token, now=NOW) is None
        else:
            assert answer.reason is Reason.CLIENT_UNKNOWN
    assert await issue(system) == Refused(Reason.CLIENT_UNKNOWN)


async def test_a_client_in_a_loop_is_told_to_wait(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_tokens, "MAX_TOKENS", 3)
    tokens = [await a_token(system) for _ in range(3)]
    assert await issue(system) == Refused(Reason.TOKENS_TOO_MANY)
    actor = system.get(ClientActor, KEY)
    for token in tokens:
        assert await found(actor, token, now=NOW) is not None
    # What has expired makes room without waiting for the alarm.
    await a_token(system, now=NOW + 3600)


@pytest.mark.requirement("K-09", "K-13")
async def test_expired_tokens_are_purged_by_alarm(tmp_path: Path) -> None:
    kinds = (ClientActor, UserActor, DirectoryActor)
    engine = LocalEngine(tmp_path)
    brief = replace(POLICY, lifetimes=Lifetimes(access_token=60))
    lasting = replace(POLICY, lifetimes=Lifetimes(access_token=86_400))
    async with open_system(engine, kinds, clock=StoppedClock(NOW)) as system:
        await system.get(ClientActor, KEY).register(CLIENT, secret_hash=None, now=NOW)
        expired = await a_token(system, policy=brief)
        living = await a_token(system, policy=lasting)
    later = StoppedClock((NOW // 3600 + 1) * 3600)
    async with open_system(LocalEngine(tmp_path), kinds, clock=later) as system:
        actor = system.get(ClientActor, KEY)
        with trio.fail_after(60):
            # The purge is seen by the time that it leaves behind.
            while await found(actor, expired, now=NOW) is not None:
                await trio.lowlevel.checkpoint()
        assert await found(actor, living, now=NOW) is not None
        gone = await actor.revoke_token(expired, client_id="aocl_robot", now=NOW)
        assert gone is Revoked.NOTHING
