"""Exchanged tokens live in the grant, and die with it (D-39, M-6)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.user import exchanged_tokens
from actor_oauth.oauth.clients import SECRET_METHODS, Client
from actor_oauth.oauth.exchange_token import ExchangeRequest
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse
from tests.support.grants import (
    CLIENT,
    POLICY,
    SCOPE,
    START,
    an_approval,
    fresh,
    parsed,
)
from tests.support.user_actor import Ada, open_ada

GATEWAY = Client(
    client_id="gateway", redirect_uris=(), auth_methods_accepted=SECRET_METHODS
)
EXCHANGING = replace(POLICY, exchange_clients=frozenset(("gateway",)))


@pytest.fixture
async def ada(tmp_path: Path) -> AsyncIterator[Ada]:
    async with open_ada(tmp_path, policy=EXCHANGING) as opened:
        yield opened


async def exchange(
    ada: Ada,
    token: str,
    *,
    client: Client = CLIENT,
    epoch: int | None = None,
    scope: Scope | None = None,
) -> TokenResponse | Refused:
    return await ada.actor.exchange_token(
        ExchangeRequest(subject=parsed(token), client=client, scope=scope),
        client_epoch=epoch,
        policy=ada.policy,
        fresh=fresh(),
        now=ada.now,
    )


async def exchanged(ada: Ada, token: str, *, client: Client = CLIENT) -> str:
    answer = await exchange(
        ada, token, client=client, epoch=None if client is CLIENT else 1
    )
    assert isinstance(answer, TokenResponse)
    return answer.access_token


@pytest.mark.requirement("D-38", "D-39", "K-05")
async def test_it_opens_the_same_props_with_less_scope(ada: Ada) -> None:
    tokens = await ada.tokens(approval=an_approval(props={"key": "v"}))
    answer = await exchange(ada, tokens.access_token, scope=Scope(("read",)))
    assert isinstance(answer, TokenResponse)
    info = await ada.check(answer.access_token)
    assert info is not None
    assert (info.scope, info.props, info.client_id) == (
        Scope(("read",)),
        {"key": "v"},
        "app",
    )
    # And what came from it is not more again.
    more = await exchange(ada, answer.access_token, scope=SCOPE)
    assert more == Refused(Reason.EXCHANGE_SCOPE)
    assert await ada.check(await exchanged(ada, answer.access_token)) is not None


@pytest.mark.requirement("D-39", "M-6", "H-06")
@pytest.mark.parametrize("position", [0, 1, 16, 31])
async def test_nothing_that_was_exchanged_outlives_its_grant(
    ada: Ada, position: int
) -> None:
    tokens = await ada.tokens()
    answers: list[TokenResponse | Refused] = []

    async def ask() -> None:
        answers.append(await exchange(ada, tokens.access_token))

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask)
            if number == position:
                nursery.start_soon(ada.revoke, tokens.refresh_token)

    assert len(answers) == 32
    for answer in answers:
        if isinstance(answer, TokenResponse):
            assert await ada.check(answer.access_token) is None
        else:
            assert answer.reason is Reason.SUBJECT_TOKEN_INVALID
    assert isinstance(await exchange(ada, tokens.access_token), Refused)


@pytest.mark.requirement("D-39", "D-28", "M-5")
async def test_a_replay_ends_exchanged_tokens_too(ada: Ada) -> None:
    tokens = await ada.tokens()
    child = await exchanged(ada, tokens.access_token)
    await ada.rotated(tokens.refresh_token)
    assert await ada.check(child) is not None
    ada.now = START + 121
    assert isinstance(await ada.refresh(tokens.refresh_token), Refused)
    assert await ada.check(child) is None


@pytest.mark.requirement("H-05", "D-39")
async def test_revoking_the_first_token_ends_all_that_came_from_it(ada: Ada) -> None:
    # Or a thief would exchange what was stolen, to keep it.
    tokens = await ada.tokens()
    child = await exchanged(ada, tokens.access_token)
    grandchild = await exchanged(ada, child)
    await ada.revoke(tokens.access_token)
    assert await ada.check(child) is None
    assert await ada.check(grandchild) is None
    assert isinstance(await exchange(ada, grandchild), Refused)
    # The grant itself goes on.
    await ada.rotated(tokens.refresh_token)


@pytest.mark.requirement("H-04", "D-38")
async def test_a_gateway_revokes_what_it_got_and_the_client_does_not(ada: Ada) -> None:
    tokens = await ada.tokens()
    child = await exchanged(ada, tokens.access_token, client=GATEWAY)
    info = await ada.check(child)
    assert info is not None
    assert (info.client_id, info.user_id) == ("gateway", "ada")
    await ada.revoke(child, client_id="app")
    await ada.revoke(tokens.access_token, client_id="gateway")
    assert await ada.check(child) is not None
    assert await ada.check(tokens.access_token) is not None
    await ada.revoke(child, client_id="gateway")
    assert await ada.check(child) is None


@pytest.mark.requirement("B-36", "M-9", "D-39")
async def test_what_a_gateway_got_ends_with_the_gateway(ada: Ada) -> None:
    tokens = await ada.tokens(approval=an_approval(props="p"))
    child = await exchanged(ada, tokens.access_token, client=GATEWAY)
    await ada.actor.revoke_client(client_id="gateway", epoch=1, now=ada.now)
    assert await ada.check(child) is None
    assert await ada.check(tokens.access_token) is not None
    # It had enlisted before it ended, and was slow.
    late = await exchange(ada, tokens.access_token, client=GATEWAY, epoch=1)
    assert late == Refused(Reason.CLIENT_UNKNOWN)


@pytest.mark.requirement("M-4", "D-26")
async def test_exchanging_does_not_disturb_a_retry(ada: Ada) -> None:
    tokens = await ada.tokens()
    second = await ada.rotated(tokens.refresh_token)
    await exchanged(ada, second.access_token)
    assert await ada.rotated(tokens.refresh_token) == second


async def test_a_client_in_a_loop_is_told_to_wait(
    ada: Ada, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanged_tokens, "MAX_EXCHANGED", 2)
    tokens = await ada.tokens()
    children = [await exchanged(ada, tokens.access_token) for _ in range(2)]
    refused = await exchange(ada, tokens.access_token)
    assert refused == Refused(Reason.TOKENS_TOO_MANY)
    ada.now = START + 3000
    second = await ada.rotated(tokens.refresh_token)
    ada.now = START + 3601
    assert await ada.check(children[0]) is None
    assert await exchanged(ada, second.access_token)


@pytest.mark.requirement("K-09")
async def test_purging_leaves_what_lives(ada: Ada) -> None:
    tokens = await ada.tokens()
    child = await exchanged(ada, tokens.access_token)
    await ada.actor.purge(now=ada.now)
    assert await ada.check(child) is not None
    await ada.actor.purge(now=START + 3601)
    assert await ada.check(child) is None
