"""What the callback may say: refuse, shorten, narrow, or that a grant is over."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.user import Redeemed, Refreshed
from actor_oauth.actors.user.callbacks import CallbackDue
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from tests.actors.callbacks.application import Application, Said, step
from tests.support.grants import START, a_request, an_approval


@pytest.mark.requirement("D-24")
async def test_it_may_shorten_the_life_of_the_refresh_token(app: Application) -> None:
    tokens = await app.ada.tokens()
    app.always(TokenChanges(refresh_lifetime=600))
    first = await app.refreshed(tokens.refresh_token)
    app.ada.now = START + 600
    assert await app.refresh(first.refresh_token) == Refused(Reason.GRANT_EXPIRED)


@pytest.mark.requirement("D-32", "D-06", "D-07")
@pytest.mark.parametrize(
    ("said", "reason", "error"),
    [
        (TokenRefusal.BUSY, Reason.CALLBACK_BUSY, "temporarily_unavailable"),
        (TokenRefusal.DENIED, Reason.CALLBACK_DENIED, "access_denied"),
        (
            TokenChanges(access_token_lifetime=0),
            Reason.CALLBACK_FAILED,
            "server_error",
        ),
        (TokenChanges(props=float("nan")), Reason.CALLBACK_FAILED, "server_error"),
    ],
)
async def test_a_refusal_is_shared_and_costs_no_token(
    app: Application, said: Said, reason: Reason, error: str
) -> None:
    tokens = await app.ada.tokens()
    answers: list[Refreshed | Refused] = []
    blocked = trio.Event()

    async def slow(_: TokenContext) -> Said:
        await blocked.wait()
        return said

    app.says = slow

    async def ask() -> None:
        answers.append(await app.refresh(tokens.refresh_token))

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(ask)
        await wait_all_tasks_blocked(0.05)
        blocked.set()

    assert len(app.asked) == 1
    assert {a.reason for a in answers if isinstance(a, Refused)} == {reason}
    assert len(answers) == 32
    assert reason.category.error == error
    app.always(None)
    assert (await app.refreshed(tokens.refresh_token)).refresh_token is not None
    assert [context.generation for context in app.asked] == [2, 2]


@pytest.mark.requirement("D-32", "D-06")
async def test_what_the_application_says_is_over_ends_the_grant(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props={"upstream": 1}))
    other = await app.ada.tokens(a_request(redirect_uri="https://other.example/cb"))
    answers: list[Refreshed | Refused] = []
    blocked = trio.Event()

    async def ended(_: TokenContext) -> Said:
        await blocked.wait()
        return TokenRefusal.ENDED

    app.says = ended

    async def ask(process: int) -> None:
        answers.append(await app.refresh(tokens.refresh_token, process=process))

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask, number % 2)
        await wait_all_tasks_blocked(0.05)
        blocked.set()

    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert len(reasons) == 32
    # Who waited in the other process finds the grant as it is then.
    assert set(reasons) <= {Reason.CALLBACK_ENDED, Reason.GRANT_REVOKED}
    assert Reason.CALLBACK_ENDED in reasons
    assert len(app.asked) == 1
    assert await app.ada.check(tokens.access_token) is None
    app.always(None)
    again = await app.refresh(tokens.refresh_token)
    assert again == Refused(Reason.GRANT_REVOKED)
    event, *_ = await app.ada.actor.audit_trail()
    assert event.kind == "ended_by_application"
    # And no other grant.
    assert (await app.refreshed(other.refresh_token)).refresh_token is not None


@pytest.mark.requirement("D-32", "C-21")
async def test_a_code_for_what_is_over_ends_and_supersedes_nothing(
    app: Application,
) -> None:
    before = await app.ada.tokens()
    code = await app.ada.code()
    app.always(TokenRefusal.ENDED)
    assert await app.redeem(code) == Refused(Reason.CALLBACK_ENDED)
    app.always(None)
    assert await app.redeem(code) == Refused(Reason.GRANT_REVOKED)
    assert (await app.refreshed(before.refresh_token)).refresh_token is not None


@pytest.mark.requirement("D-31", "D-32")
async def test_whose_claim_has_lapsed_ends_nothing(app: Application) -> None:
    tokens = await app.ada.tokens()
    slow, quick = b"s" * 16, b"q" * 16
    assert isinstance(await step(app, tokens.refresh_token, slow, None), CallbackDue)
    app.ada.now += 15
    assert isinstance(await step(app, tokens.refresh_token, quick, None), CallbackDue)
    await app.ada.actor.release_claim(1, claim=slow, ended=True, now=app.ada.now)
    issued = await step(app, tokens.refresh_token, quick, TokenChanges())
    assert isinstance(issued, Refreshed)


@pytest.mark.requirement("D-24", "D-09")
async def test_it_may_set_when_the_grant_ends_and_only_bring_that_forward(
    app: Application,
) -> None:
    tokens = await app.ada.tokens()
    app.always(TokenChanges(grant_lifetime=10**9, refresh_lifetime=10**9))
    first = await app.refreshed(tokens.refresh_token)
    before = app.ada.policy.lifetimes.refresh_absolute
    (grant,) = (await app.ada.actor.list_grants(now=app.ada.now)).grants
    assert grant.expires_at == START + before

    app.always(TokenChanges(grant_lifetime=600, access_token_lifetime=3600))
    second = await app.refreshed(first.refresh_token)
    assert second.expires_in == 600 - 1
    (grant,) = (await app.ada.actor.list_grants(now=app.ada.now)).grants
    assert grant.expires_at == START + 600
    app.ada.now = START + 599
    assert await app.ada.check(first.access_token) is not None
    app.always(TokenChanges(grant_lifetime=3600))
    third = await app.refreshed(second.refresh_token)
    app.ada.now = START + 600
    # The older ones too, though they were told another life.
    for response in (tokens, first, second, third):
        assert await app.ada.check(response.access_token) is None
    assert await app.refresh(third.refresh_token) == Refused(Reason.GRANT_EXPIRED)


@pytest.mark.requirement("D-24")
async def test_it_may_set_the_lives_when_the_grant_begins(app: Application) -> None:
    code = await app.ada.code()
    app.always(TokenChanges(refresh_lifetime=10**9, grant_lifetime=7200))
    redeemed = await app.redeem(code)
    assert isinstance(redeemed, Redeemed)
    (grant,) = (await app.ada.actor.list_grants(now=app.ada.now)).grants
    assert grant.expires_at == START + 7200
    # The time for the new refresh token may also be longer than the server's.
    app.ada.now = START + 7199
    app.always(None)
    assert (
        await app.refreshed(redeemed.response.refresh_token)
    ).refresh_token is not None


async def test_a_narrowing_that_leaves_nothing_costs_no_token(
    app: Application,
) -> None:
    tokens = await app.ada.tokens()
    app.always(TokenChanges(scope=Scope(("nothing",))))
    refused = await app.refresh(tokens.refresh_token)
    assert refused == Refused(Reason.SCOPE_NOT_GRANTED)
    app.always(None)
    assert isinstance(await app.refresh(tokens.refresh_token), Refreshed)
