"""Remembered consents in a user's actor: made by an answer, and forgotten in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.user import Approved, Redeemed
from actor_oauth.actors.user.remembered import MAX_REMEMBERED, consent_id_of
from actor_oauth.actors.user.sessions import session_token
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import (
    CLIENT,
    POLICY,
    a_request,
    an_approval,
    fresh,
)
from tests.support.user_actor import USER_ID, USER_KEY, Ada, open_ada

HANDLE = b"h" * 16
SECRET = b"s" * 32
BROWSER = session_token(USER_KEY, SECRET).render()
READ = Scope(("read",))


@asynccontextmanager
async def signed_in(path: Path) -> AsyncIterator[Ada]:
    async with open_ada(path) as ada:
        await ada.actor.create_account(USER_ID, password_hash="hash", now=ada.now)
        await ada.actor.open_session(
            secret=SECRET, verified_hash="hash", lifetimes=Lifetimes(), now=ada.now
        )
        yield ada


async def ask(
    ada: Ada, request: AuthorizationRequest, *, handle: bytes = HANDLE
) -> None:
    assert await ada.actor.begin_consent(
        request,
        CLIENT,
        browser=BROWSER,
        auth_time=None,
        handle=handle,
        policy=POLICY,
        now=ada.now,
    )


async def allow(
    ada: Ada,
    request: AuthorizationRequest | None = None,
    *,
    scope: Scope | None = None,
    remember: bool = True,
) -> Approved:
    """Ask and allow; gives what came of it."""
    request = request or a_request()
    handle = fresh()
    await ask(ada, request, handle=handle)
    answer = await ada.actor.approve_consent(
        handle,
        an_approval(scope=request.scope if scope is None else scope),
        user_id=USER_ID,
        browser=BROWSER,
        remember=remember,
        policy=POLICY,
        fresh=fresh(),
        now=ada.now,
    )
    assert isinstance(answer, Approved)
    return answer


async def skip(
    ada: Ada,
    request: AuthorizationRequest | None = None,
    *,
    client: Client = CLIENT,
    browser: str = BROWSER,
) -> Approved | Refused:
    return await ada.actor.authorize_remembered(
        request or a_request(),
        client,
        an_approval(),
        browser=browser,
        policy=POLICY,
        fresh=fresh(),
        now=ada.now,
    )


async def is_remembered(ada: Ada, request: AuthorizationRequest | None = None) -> bool:
    return await ada.actor.is_remembered(
        request or a_request(), CLIENT, policy=POLICY, now=ada.now
    )


@pytest.mark.requirement("C-12", "J-07")
async def test_an_answer_is_remembered_if_the_user_wishes(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        assert await skip(ada) == Refused(Reason.CONSENT_REQUIRED)
        await allow(ada, remember=False)
        assert not await is_remembered(ada)
        await allow(ada)
        assert await is_remembered(ada)
        skipped = await skip(ada)
        assert isinstance(skipped, Approved)
        redeemed = await ada.redeem(skipped.code)
        assert isinstance(redeemed, Redeemed)
        assert redeemed.response.scope == a_request().scope


@pytest.mark.requirement("C-12", "J-07")
@pytest.mark.parametrize(
    "request_",
    [
        a_request(client_id="other"),
        a_request(redirect_uri="https://app.example/other"),
        a_request(resource="https://api.example/other"),
    ],
)
async def test_nothing_else_is_granted_by_it(
    tmp_path: Path, request_: AuthorizationRequest
) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        client = replace(CLIENT, client_id=request_.client_id)
        refused = await skip(ada, request_, client=client)
        assert refused == Refused(Reason.CONSENT_REQUIRED)


@pytest.mark.requirement("B-19")
async def test_a_client_that_has_changed_is_asked_about_again(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        renamed = replace(CLIENT, client_name="Your Bank")
        assert await skip(ada, client=renamed) == Refused(Reason.CONSENT_REQUIRED)


@pytest.mark.requirement("M-9", "C-12")
async def test_a_session_that_has_ended_is_granted_nothing(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        await ada.actor.close_session(SECRET)
        assert await skip(ada) == Refused(Reason.SESSION_ENDED)
        # An application vouches for the sessions of its own.
        assert isinstance(await skip(ada, browser="some other cookie"), Approved)


@pytest.mark.requirement("C-12", "H-08")
@pytest.mark.parametrize(
    "reason",
    [
        GrantEvent.REVOKED_BY_USER,
        GrantEvent.REVOKED_BY_OPERATOR,
    ],
)
async def test_a_client_that_was_disconnected_does_not_connect_by_itself(
    tmp_path: Path, reason: GrantEvent
) -> None:
    async with signed_in(tmp_path) as ada:
        approved = await allow(ada)
        await ada.actor.revoke_grant(approved.grant_id, now=ada.now, reason=reason)
        assert await skip(ada) == Refused(Reason.CONSENT_REQUIRED)


@pytest.mark.requirement("C-12", "D-17", "D-30")
async def test_a_theft_is_a_reason_to_ask_again(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        approved = await allow(ada)
        assert isinstance(await ada.redeem(approved.code), Redeemed)
        assert await ada.redeem(approved.code) == Refused(Reason.CODE_REPLAYED)
        assert not await is_remembered(ada)
        approved = await allow(ada)
        redeemed = await ada.redeem(approved.code)
        assert isinstance(redeemed, Redeemed)
        await ada.rotated(redeemed.response.refresh_token)
        ada.now += 1000
        refused = await ada.refresh(redeemed.response.refresh_token)
        assert refused == Refused(Reason.REFRESH_REPLAYED)
        assert not await is_remembered(ada)


@pytest.mark.requirement("C-12", "H-08", "B-36")
@pytest.mark.parametrize("how", ["password", "everywhere", "client", "by name"])
async def test_it_is_forgotten_with_or_without_a_grant(
    tmp_path: Path, how: str
) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        ada.now += 100_000
        if how == "password":
            await ada.actor.set_password("another", now=ada.now)
        elif how == "everywhere":
            await ada.actor.revoke_all_grants(now=ada.now)
        elif how == "client":
            await ada.actor.revoke_client(client_id="app", epoch=1, now=ada.now)
        else:
            (found,) = await ada.actor.list_remembered(now=ada.now)
            assert found.consent_id == consent_id_of(a_request())
            assert not await ada.actor.forget_consent("nonsense")
            assert not await ada.actor.forget_consent("00")
            assert await ada.actor.forget_consent(found.consent_id)
        assert not await is_remembered(ada)
        assert await ada.actor.list_remembered(now=ada.now) == ()


async def test_the_end_of_one_client_leaves_what_is_remembered_of_others(
    tmp_path: Path,
) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        await allow(ada, a_request(redirect_uri="https://app.example/2"))
        await ada.actor.revoke_client(client_id="other", epoch=1, now=ada.now)
        assert len(await ada.actor.list_remembered(now=ada.now)) == 2


@pytest.mark.requirement("C-12")
async def test_a_client_that_signs_out_by_itself_is_remembered(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        approved = await allow(ada)
        redeemed = await ada.redeem(approved.code)
        assert isinstance(redeemed, Redeemed)
        await ada.revoke(redeemed.response.refresh_token)
        assert await is_remembered(ada)


@pytest.mark.requirement("C-12")
async def test_a_no_to_what_was_remembered_is_the_last_word(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        await ask(ada, a_request(scope=READ))
        await ada.actor.deny_consent(
            HANDLE, browser=BROWSER, policy=POLICY, now=ada.now
        )
        assert not await is_remembered(ada, a_request(scope=READ))
        assert await is_remembered(ada, a_request(scope=Scope(("write",))))


async def test_it_is_forgotten_in_time_and_bounded(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        for number in range(MAX_REMEMBERED):
            ada.now += 1
            await allow(ada, a_request(redirect_uri=f"https://app.example/{number}"))
        assert not await is_remembered(ada)
        kept = await ada.actor.list_remembered(now=ada.now)
        assert len(kept) == MAX_REMEMBERED
        over = ada.now + POLICY.consent.remembered_seconds
        assert await ada.actor.list_remembered(now=over) == ()


@pytest.mark.requirement("C-21")
async def test_who_comes_back_for_more_is_offered_what_it_has(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        first = await allow(ada, a_request(scope=READ), remember=False)
        # Only what was redeemed is there to be kept.
        await ask(ada, a_request(scope=Scope(("write",))))
        question = await ada.actor.pending_consent(HANDLE, browser=BROWSER, now=ada.now)
        assert question is not None
        assert not question.granted
        await ada.redeem(first.code)
        more = a_request(scope=Scope(("write",)))
        second = await allow(ada, more, scope=Scope(("write", "read")), remember=False)
        redeemed = await ada.redeem(second.code)
        assert isinstance(redeemed, Redeemed)
        assert redeemed.response.scope == Scope(("write", "read"))
        page = await ada.actor.list_grants(now=ada.now)
        assert [grant.grant_id for grant in page.grants] == [second.grant_id]


@pytest.mark.requirement("C-21", "B-20")
async def test_what_will_not_be_replaced_is_not_offered(tmp_path: Path) -> None:
    loopback = "http://127.0.0.1:4000/callback"
    async with signed_in(tmp_path) as ada:
        first = await allow(
            ada, a_request(scope=READ, redirect_uri=loopback), remember=False
        )
        await ada.redeem(first.code)
        await ask(ada, a_request(scope=Scope(("write",)), redirect_uri=loopback))
        question = await ada.actor.pending_consent(HANDLE, browser=BROWSER, now=ada.now)
        assert question is not None
        assert question.offered == Scope(("write",))


@pytest.mark.requirement("C-21")
async def test_a_skipped_page_takes_nothing_away(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        first = await allow(ada)
        await ada.redeem(first.code)
        skipped = await skip(ada, a_request(scope=READ))
        assert isinstance(skipped, Approved)
        redeemed = await ada.redeem(skipped.code)
        assert isinstance(redeemed, Redeemed)
        assert set(redeemed.response.scope) == set(a_request().scope)


@pytest.mark.requirement("C-12", "M-9")
async def test_once_forgotten_no_page_is_skipped_any_more(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as ada:
        await allow(ada)
        outcomes: list[Approved | Refused] = []
        afterwards: list[Approved | Refused] = []

        async def go() -> None:
            outcomes.append(await skip(ada))

        async def forget() -> None:
            await ada.actor.forget_consent(consent_id_of(a_request()))
            afterwards.append(await skip(ada))

        async with trio.open_nursery() as nursery:
            for number in range(31):
                nursery.start_soon(forget if number == 15 else go)
        assert afterwards == [Refused(Reason.CONSENT_REQUIRED)]
        assert {type(outcome) for outcome in outcomes} <= {Approved, Refused}
        assert not await is_remembered(ada)
