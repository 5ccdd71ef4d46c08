"""A user's account: creation, login throttle, sessions, and what ends with a password."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.user import Account
from actor_oauth.actors.user.account import FREE_ATTEMPTS, MAX_WAIT, save_disabled
from actor_oauth.actors.user.audit import MAX_EVENTS
from actor_oauth.actors.user.sessions import MAX_SESSIONS, load_session, session_token
from actor_oauth.actors.user.sessions import open_session as open_stored_session
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import TokenKind, parse_token, token_hash
from tests.support.grants import POLICY, START
from tests.support.user_actor import USER_ID, USER_KEY, Ada, open_ada
from tests.support.user_database import UserDatabase

LIFETIMES = Lifetimes(session_idle=1000, session_absolute=2500)
SECRET = b"s" * 32


async def sign_up(ada: Ada, password_hash: str = "hash") -> None:
    assert await ada.actor.create_account(
        USER_ID, password_hash=password_hash, now=ada.now
    )


async def open_session(
    ada: Ada, secret: bytes = SECRET, *, verified_hash: str | None = "hash"
) -> str | None:
    return await ada.actor.open_session(
        secret=secret, verified_hash=verified_hash, lifetimes=LIFETIMES, now=ada.now
    )


async def kinds_of_events(ada: Ada) -> list[str]:
    return [event.kind for event in await ada.actor.audit_trail()]


async def test_an_account_is_created_once_and_listed(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        again = await ada.actor.create_account(USER_ID, password_hash="x", now=START)
        assert not again
        assert await ada.actor.account() == Account(
            user_id=USER_ID, password_hash="hash", disabled=False, created_at=START
        )
        await ada.system.delivered(ada.actor)
        page = await ada.directory.page()
        assert [entry.entry_id for entry in page.entries] == [USER_ID]


async def test_a_user_brought_by_an_application_can_get_a_password_later(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await ada.tokens()
        account = await ada.actor.account()
        assert account is not None
        assert account.password_hash is None
        await sign_up(ada)
        account = await ada.actor.account()
        assert account is not None
        assert account.password_hash == "hash"
        await ada.system.delivered(ada.actor)
        assert await ada.directory.count() == 1


async def test_a_user_who_does_not_exist_stays_so_whatever_is_asked(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        assert await ada.actor.account() is None
        assert await ada.actor.login_allowed(now=START) == 0
        await ada.actor.record_login(success=False, now=START)
        assert not await ada.actor.set_password("x", now=START)
        assert not await ada.actor.set_disabled(disabled=True, now=START)
        assert await open_session(ada) is None
        assert await ada.actor.session(SECRET, now=START) is None
        await ada.actor.touch_session(SECRET, now=START)
        await ada.actor.close_session(SECRET)
        assert await ada.actor.close_all_sessions(now=START) == 0
        assert await ada.actor.revoke_all_grants(now=START) == 0
        assert await ada.actor.deny_consent(
            b"h",
            browser=session_token(USER_KEY, SECRET).render(),
            policy=POLICY,
            now=START,
        ) == Refused(Reason.SESSION_ENDED)
        assert not list((tmp_path / "actors").rglob("*.db"))


# Throttle


@pytest.mark.requirement("E-09")
async def test_failed_logins_make_the_next_ones_wait_longer_and_longer(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        now, waits = START, []
        for _ in range(FREE_ATTEMPTS + 12):
            assert await ada.actor.login_allowed(now=now) == 0
            await ada.actor.record_login(success=False, now=now)
            waits.append(await ada.actor.login_allowed(now=now))
            if waits[-1] == 0:
                waits.pop()
            else:
                now += waits[-1]
        assert waits[:4] == [1, 2, 4, 8]
        assert waits[-1] == MAX_WAIT


async def test_guesses_that_arrive_at_once_do_not_slip_in_together(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        waits: list[int] = []

        async def guess() -> None:
            waits.append(await ada.actor.login_allowed(now=START))

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(guess)
        assert waits.count(0) == FREE_ATTEMPTS


async def test_a_success_takes_back_the_failures_before_it(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        for _ in range(3 * FREE_ATTEMPTS):
            assert await ada.actor.login_allowed(now=START) == 0
            await ada.actor.record_login(success=True, now=START)


# Sessions


@pytest.mark.requirement("J-06", "K-02")
async def test_a_session_is_found_by_its_secret_alone(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        token = parse_token(await open_session(ada) or "")
        assert token is not None
        assert (token.kind, token.actor_key) == (TokenKind.SESSION, USER_KEY)
        session = await ada.actor.session(token.secret, now=START)
        assert session is not None
        assert (session.user_id, session.opened_at) == (USER_ID, START)
        assert await ada.actor.session(b"t" * 32, now=START) is None
        await ada.actor.close_session(token.secret)
        assert await ada.actor.session(token.secret, now=START) is None


@pytest.mark.requirement("J-06")
async def test_a_session_ends_when_it_is_idle_and_in_any_case(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        await open_session(ada)
        assert await ada.actor.session(SECRET, now=START + 999) is not None
        assert await ada.actor.session(SECRET, now=START + 1000) is None
        for later in (900, 1800, 2400):
            await ada.actor.touch_session(SECRET, now=START + later)
            session = await ada.actor.session(SECRET, now=START + later)
            assert session is not None
            assert session.expires_at == min(START + later + 1000, START + 2500)
        assert await ada.actor.session(SECRET, now=START + 2500) is None
        await ada.actor.touch_session(SECRET, now=START + 2500)
        assert await ada.actor.session(SECRET, now=START + 2500) is None


async def test_using_a_session_is_noted_only_now_and_then(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        await open_session(ada)
        early = await ada.actor.session(SECRET, now=START + 100)
        late = await ada.actor.session(SECRET, now=START + 101)
        assert early is not None
        assert late is not None
        assert (early.touch_due, late.touch_due) == (False, True)


async def test_the_oldest_of_too_many_sessions_gives_way(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        secrets = [bytes([index]) * 32 for index in range(MAX_SESSIONS + 1)]
        for secret in secrets:
            await open_session(ada, secret)
            ada.now += 1
        live = [await ada.actor.session(s, now=ada.now) for s in secrets]
        assert [session is None for session in live] == [True] + [False] * MAX_SESSIONS
        assert await ada.actor.close_all_sessions(now=ada.now) == MAX_SESSIONS
        assert await ada.actor.session(secrets[-1], now=ada.now) is None


async def test_a_password_changed_while_it_was_verified_opens_no_session(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        await ada.actor.set_password("new", now=START)
        assert await open_session(ada, verified_hash="hash") is None
        assert await open_session(ada, verified_hash="new") is not None
        assert await open_session(ada, b"t" * 32, verified_hash=None) is not None


# What ends with what


@pytest.mark.requirement("H-08")
async def test_a_new_password_ends_every_session_and_grant(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        await open_session(ada)
        tokens, code = await ada.tokens(), await ada.code()
        assert await ada.actor.set_password("new", now=START)
        assert await ada.actor.session(SECRET, now=START) is None
        assert await ada.check(tokens.access_token) is None
        assert isinstance(await ada.refresh(tokens.refresh_token), Refused)
        assert isinstance(await ada.redeem(code), Refused)


@pytest.mark.requirement("H-08", "M-9")
async def test_a_disabled_user_can_do_nothing_and_gets_nothing_back(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        await open_session(ada)
        tokens = await ada.tokens()
        assert await ada.actor.set_disabled(disabled=True, now=START)
        assert not await ada.actor.set_disabled(disabled=True, now=START)
        assert await ada.actor.session(SECRET, now=START) is None
        assert await open_session(ada) is None
        assert await ada.authorize() == Refused(Reason.ACCOUNT_DISABLED)
        assert await ada.check(tokens.access_token) is None
        assert await ada.actor.set_disabled(disabled=False, now=START)
        assert await ada.check(tokens.access_token) is None
        assert await ada.actor.session(SECRET, now=START) is None
        await ada.tokens()


# The trail


@pytest.mark.requirement("K-12")
async def test_the_trail_names_events_and_no_secrets(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada, "argon2-text")
        await ada.actor.login_allowed(now=START)
        await ada.actor.record_login(success=False, now=START)
        await ada.actor.record_login(success=True, now=START)
        await open_session(ada, verified_hash=None)
        tokens = await ada.tokens()
        await ada.revoke(tokens.refresh_token)
        await ada.actor.set_password("new", now=START)
        await ada.actor.set_disabled(disabled=True, now=START)
        await ada.actor.set_disabled(disabled=False, now=START)
        assert (await kinds_of_events(ada))[::-1] == [
            "account_created",
            "login_failed",
            "login_succeeded",
            "grant_authorized",
            "code_redeemed",
            "revoked_by_client",
            "password_changed",
            "sessions_closed",
            "account_disabled",
            "account_enabled",
        ]
        text = repr(await ada.actor.audit_trail())
        for secret in (tokens.access_token, tokens.refresh_token or "", "argon2-text"):
            assert secret not in text
        newest = await ada.actor.audit_trail(limit=1)
        assert [event.kind for event in newest] == ["account_enabled"]


async def test_the_trail_is_bounded(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        for number in range(MAX_EVENTS + 10):
            await ada.actor.record_login(success=True, now=START + number)
        events = await ada.actor.audit_trail(limit=10_000)
        assert len(events) == MAX_EVENTS
        assert events[0].at == START + MAX_EVENTS + 9


async def test_a_stranger_who_fails_to_log_in_does_not_push_out_the_trail(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        await sign_up(ada)
        for number in range(MAX_EVENTS + 10):
            await ada.actor.record_login(success=False, now=START + number)
        await ada.actor.record_login(success=True, now=START + 1000)
        await ada.actor.record_login(success=False, now=START + 1001)
        newest, success, failures, created = await ada.actor.audit_trail()
        assert (newest.kind, newest.detail) == ("login_failed", None)
        assert success.kind == "login_succeeded"
        assert created.kind == "account_created"
        assert failures.kind == "login_failed"
        assert failures.detail == f"{MAX_EVENTS + 10} in a row"
        assert failures.at == START + MAX_EVENTS + 9


def test_an_account_shows_no_password_hash() -> None:
    account = Account(
        user_id="ada", password_hash="argon2-text", disabled=False, created_at=0
    )
    assert "argon2" not in repr(replace(account, disabled=True))


def test_a_session_is_worth_nothing_while_its_account_is_disabled() -> None:
    user = UserDatabase()
    token = session_token(USER_KEY, SECRET)
    assert open_stored_session(
        user.db, token, verified_hash=None, lifetimes=LIFETIMES, now=START
    )
    save_disabled(user.db, disabled=True, now=START)
    assert load_session(user.db, token_hash(token), now=START) is None
    save_disabled(user.db, disabled=False, now=START)
    assert load_session(user.db, token_hash(token), now=START) is not None
    user.close()
