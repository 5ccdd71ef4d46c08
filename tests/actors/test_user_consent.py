"""Consent transactions in a user's actor: bound to a session, answered once."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.user import Approved, Denied
from actor_oauth.actors.user.consents import MAX_CONSENTS
from actor_oauth.actors.user.sessions import session_token
from actor_oauth.oauth.consent import Consent
from actor_oauth.oauth.grants import parse_record
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.question_lifecycle import QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import (
    CLIENT,
    POLICY,
    START,
    a_request,
    an_approval,
    fresh,
    parsed,
)
from tests.support.user_actor import USER_ID, USER_KEY, Ada, open_ada

LIFETIMES = Lifetimes(consent=600)
SESSION, OTHER_SESSION = b"s" * 32, b"o" * 32
OURS = session_token(USER_KEY, SESSION).render()
OTHER = session_token(USER_KEY, OTHER_SESSION).render()
FOREIGN = "what an application has put into a cookie"
BROWSERS = pytest.mark.parametrize("browser", [OURS, FOREIGN], ids=["ours", "foreign"])
HANDLE = b"h" * 16


async def log_in(ada: Ada, *secrets: bytes) -> None:
    await ada.actor.create_account(USER_ID, password_hash="hash", now=ada.now)
    for secret in secrets:
        assert await ada.actor.open_session(
            secret=secret, verified_hash="hash", lifetimes=LIFETIMES, now=ada.now
        )


async def ask(ada: Ada, handle: bytes = HANDLE, *, browser: str = OURS) -> bool:
    return await ada.actor.begin_consent(
        a_request(),
        CLIENT,
        browser=browser,
        auth_time=START - 60,
        handle=handle,
        policy=POLICY,
        now=ada.now,
    )


async def pending(
    ada: Ada, handle: bytes = HANDLE, *, browser: str = OURS
) -> Consent | None:
    return await ada.actor.pending_consent(handle, browser=browser, now=ada.now)


async def approve(
    ada: Ada,
    handle: bytes = HANDLE,
    *,
    browser: str = OURS,
    approval: Approval | None = None,
) -> Approved | Denied | Refused:
    return await ada.actor.approve_consent(
        handle,
        approval or an_approval(),
        user_id=USER_ID,
        browser=browser,
        policy=POLICY,
        fresh=fresh(),
        now=ada.now,
    )


async def deny(
    ada: Ada, handle: bytes = HANDLE, *, browser: str = OURS
) -> Approved | Denied | Refused:
    return await ada.actor.deny_consent(
        handle, browser=browser, policy=POLICY, now=ada.now
    )


@pytest.mark.requirement("C-14")
@BROWSERS
async def test_a_yes_becomes_a_code_for_what_was_asked(
    tmp_path: Path, browser: str
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        assert await ask(ada, browser=browser)
        question = await pending(ada, browser=browser)
        assert question is not None
        assert (question.request, question.client) == (a_request(), CLIENT)
        assert question.state is QuestionState.PENDING
        answer = await approve(ada, browser=browser)
        assert isinstance(answer, Approved)
        assert answer.request == a_request()
        assert parse_record(parsed(answer.code))[0] == int(answer.grant_id, 16)
        await ada.redeem(answer.code)
        page = await ada.actor.list_grants(now=START)
        assert [grant.grant_id for grant in page.grants] == [answer.grant_id]


@pytest.mark.requirement("C-16")
async def test_a_no_says_where_to_send_the_client(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        assert await deny(ada) == Denied(request=a_request())
        assert await approve(ada) == Refused(Reason.CONSENT_ANSWERED)


@pytest.mark.requirement("M-11", "C-15")
@BROWSERS
async def test_of_many_answers_one_counts(tmp_path: Path, browser: str) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        for number in range(6):
            handle = bytes([number]) * 16
            await ask(ada, handle, browser=browser)
            answers: list[Approved | Denied | Refused] = []

            async def answer(
                make: Callable[[], Awaitable[Approved | Denied | Refused]],
                answers: list[Approved | Denied | Refused] = answers,
            ) -> None:
                answers.append(await make())

            async with trio.open_nursery() as nursery:
                for _ in range(16):
                    for say in (approve, deny):
                        nursery.start_soon(
                            answer, partial(say, ada, handle, browser=browser)
                        )
            refused = [a for a in answers if isinstance(a, Refused)]
            assert refused == [Refused(Reason.CONSENT_ANSWERED)] * 31
            question = await pending(ada, handle, browser=browser)
            assert question is not None
            assert question.state is not QuestionState.PENDING


@pytest.mark.requirement("C-14")
@BROWSERS
async def test_another_browser_of_the_same_user_cannot_answer(
    tmp_path: Path, browser: str
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION, OTHER_SESSION)
        await ask(ada, browser=browser)
        for another in {OURS, OTHER, FOREIGN, "some other cookie's text", ""} - {
            browser
        }:
            assert await pending(ada, browser=another) is None
            for answer in (approve, deny):
                refused = await answer(ada, browser=another)
                assert refused == Refused(Reason.CONSENT_UNKNOWN)
        assert isinstance(await approve(ada, browser=browser), Approved)


@pytest.mark.requirement("C-14")
async def test_a_session_of_another_user_is_no_session_here(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        foreign = session_token("0" * 32, SESSION).render()
        assert not await ask(ada, browser=foreign)
        await ask(ada)
        assert await pending(ada, browser=foreign) is None
        assert await approve(ada, browser=foreign) == Refused(Reason.SESSION_ENDED)


@pytest.mark.requirement("C-14")
async def test_a_user_of_an_application_need_not_be_known_before_the_answer(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        assert not await ask(ada)
        assert await ask(ada, browser=FOREIGN)
        assert await ada.actor.account() is None
        assert isinstance(await approve(ada, browser=FOREIGN), Approved)
        account = await ada.actor.account()
        assert account is not None
        assert (account.user_id, account.password_hash) == (USER_ID, None)


@pytest.mark.requirement("C-14", "M-9")
async def test_a_disabled_account_gets_no_code_in_any_browser(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ada.actor.set_disabled(disabled=True, now=START)
        assert await ask(ada, browser=FOREIGN)
        refused = await approve(ada, browser=FOREIGN)
        assert refused == Refused(Reason.ACCOUNT_DISABLED)


@pytest.mark.requirement("H-08", "M-9")
@BROWSERS
async def test_what_waits_for_an_answer_ends_with_all_sessions(
    tmp_path: Path, browser: str
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada, browser=browser)
        await ada.actor.close_all_sessions(now=START)
        assert isinstance(await approve(ada, browser=browser), Refused)
        await log_in(ada, SESSION)
        await ask(ada, browser=browser)
        await ada.actor.set_password("another", now=START)
        assert isinstance(await approve(ada, browser=browser), Refused)


@pytest.mark.requirement("C-14", "C-11")
async def test_a_session_that_has_ended_can_neither_see_nor_answer(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        await ada.actor.close_session(SESSION)
        assert await pending(ada) is None
        for answer in (approve, deny):
            assert await answer(ada) == Refused(Reason.SESSION_ENDED)
        assert not await ask(ada, b"new")


@pytest.mark.requirement("C-14")
async def test_a_transaction_is_over_at_its_expiry(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        ada.now = START + 600
        assert await pending(ada) is None
        assert await pending(ada, b"?") is None
        assert await approve(ada) == Refused(Reason.CONSENT_UNKNOWN)


@pytest.mark.requirement("C-22")
async def test_open_transactions_are_bounded(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        for number in range(MAX_CONSENTS + 1):
            await ask(ada, bytes([number]))
            ada.now += 1
        assert await approve(ada, bytes([0])) == Refused(Reason.CONSENT_UNKNOWN)
        assert isinstance(await approve(ada, bytes([1])), Approved)


@pytest.mark.requirement("C-14", "B-36")
async def test_a_yes_that_cannot_be_given_leaves_the_question_open(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        too_much = an_approval(scope=Scope(("root",)))
        assert await approve(ada, approval=too_much) == Refused(
            Reason.SCOPE_NOT_GRANTED
        )
        assert isinstance(await approve(ada), Approved)


@pytest.mark.requirement("B-36", "M-9")
async def test_a_client_that_ended_meanwhile_gets_no_code(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        await ada.actor.revoke_client(client_id="app", epoch=1, now=START)
        assert await approve(ada) == Refused(Reason.CLIENT_ENDED)
        # Enabled again, under a new epoch.
        enabled = an_approval(client_epoch=2)
        assert isinstance(await approve(ada, approval=enabled), Approved)


async def test_props_that_are_too_long_are_a_fault_that_changes_nothing(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await log_in(ada, SESSION)
        await ask(ada)
        with pytest.raises(ValueError, match="long"):
            await approve(ada, approval=an_approval(props="x" * 70_000))
        answer = await approve(ada)
        assert isinstance(answer, Approved)
        assert answer.grant_id == "00000001"
