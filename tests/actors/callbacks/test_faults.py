"""A callback that fails, hangs or is left alone: never tokens beside a grant that has ended."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.callbacks import Callbacks, ObservedError, open_callbacks
from actor_oauth.actors.user import Redeemed, Refreshed
from actor_oauth.actors.user.callbacks import CallbackDue, CallbackRunning, CallbackStep
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, TokenResponse
from actor_oauth.runtime import SystemEntropy
from tests.actors.callbacks.application import Application, Said, step
from tests.support.grants import START, an_approval, parsed


@pytest.mark.requirement("D-32")
async def test_a_fault_of_the_application_is_no_fault_of_the_token(
    app: Application,
) -> None:
    code = await app.ada.code()

    async def fail(_: TokenContext) -> Said:
        raise RuntimeError("upstream said 500")

    app.says = fail
    assert await app.redeem(code) == Refused(Reason.CALLBACK_FAILED, "RuntimeError")
    app.always(None)
    redeemed = await app.redeem(code)
    assert isinstance(redeemed, Redeemed)


@pytest.mark.requirement("D-32")
async def test_a_callback_that_hangs_is_given_up(app: Application) -> None:
    tokens = await app.ada.tokens()

    async def hang(_: TokenContext) -> Said:
        await trio.sleep_forever()

    app.says = hang
    answer = await app.refresh(tokens.refresh_token, process=2)
    assert answer == Refused(Reason.CALLBACK_BUSY, "the callback took too long")
    app.says = None
    assert isinstance(await app.refresh(tokens.refresh_token, process=1), Refreshed)


@pytest.mark.requirement("M-20", "D-08", "D-26")
async def test_whoever_goes_away_stops_nothing(app: Application) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=1))
    started, blocked = trio.Event(), trio.Event()

    async def slow(_: TokenContext) -> Said:
        started.set()
        await blocked.wait()
        return TokenChanges(props=2)

    app.says = slow
    answers: list[TokenResponse] = []

    async def ask() -> None:
        answers.append(await app.refreshed(tokens.refresh_token))

    async with trio.open_nursery() as patient:
        async with trio.open_nursery() as leaving:
            leaving.start_soon(app.refresh, tokens.refresh_token)
            await started.wait()
            patient.start_soon(ask)
            await wait_all_tasks_blocked(0.05)
            leaving.cancel_scope.cancel()
        blocked.set()

    assert len(app.asked) == 1
    assert await app.props(answers[0].access_token) == 2


@pytest.mark.requirement("D-31", "M-6")
@pytest.mark.parametrize("how", ["revoke", "client", "expire"])
async def test_a_grant_that_ends_meanwhile_stays_ended(
    app: Application, how: str
) -> None:
    tokens = await app.ada.tokens()

    async def meanwhile(_: TokenContext) -> Said:
        if how == "revoke":
            await app.ada.revoke(tokens.refresh_token)
        elif how == "client":
            await app.ada.actor.revoke_client(client_id="app", epoch=1, now=START)
        else:
            app.ada.now = START + 90 * 86_400
        return TokenChanges(props="too late")

    app.says = meanwhile
    answer = await app.refresh(tokens.refresh_token)
    assert isinstance(answer, Refused)
    assert answer.reason in (Reason.GRANT_REVOKED, Reason.GRANT_EXPIRED)
    assert await app.ada.check(tokens.access_token) is None
    page = await app.ada.actor.list_grants(now=app.ada.now)
    assert page.grants == ()


@pytest.mark.requirement("M-20", "D-31")
async def test_a_claim_outlives_no_crash_and_the_slow_one_does_not_issue_beside(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=0))
    slow, quick = b"s" * 16, b"q" * 16
    assert isinstance(await step(app, tokens.refresh_token, slow, None), CallbackDue)
    waits = await step(app, tokens.refresh_token, quick, None)
    assert waits == CallbackRunning(until=START + 15)
    app.ada.now = START + 15
    assert isinstance(await step(app, tokens.refresh_token, quick, None), CallbackDue)
    # The slow one comes back: its claim is another's now.
    late = await step(app, tokens.refresh_token, slow, TokenChanges(props="slow"))
    assert late == CallbackRunning(until=START + 30)
    done = await step(app, tokens.refresh_token, quick, TokenChanges(props="quick"))
    assert isinstance(done, Refreshed)
    # And now it converges on what the other one got.
    again = await step(app, tokens.refresh_token, slow, TokenChanges(props="slow"))
    assert isinstance(again, Refreshed)
    assert again.retried
    assert again.response == done.response
    assert await app.props(done.response.access_token) == "quick"


async def test_what_goes_wrong_at_the_actor_reaches_the_caller(
    app: Application,
) -> None:
    code = await app.ada.code()

    async def turn(_: CallbackStep) -> Redeemed | CallbackDue | CallbackRunning:
        raise OSError("no disk")

    async def release(_: bytes, *, ended: bool = False) -> None:
        raise AssertionError

    with pytest.raises(OSError, match="no disk"):
        await app.runners[0].run(parsed(code), turn, release)


async def test_a_claim_is_given_back_if_the_second_turn_fails(
    app: Application,
) -> None:
    tokens = await app.ada.tokens()
    given_back: list[bytes] = []

    async def turn(taken: CallbackStep) -> Refreshed | CallbackDue | CallbackRunning:
        if taken.said is not None:
            raise OSError("no disk")
        answer = await step(app, tokens.refresh_token, taken.claim, None)
        assert isinstance(answer, CallbackDue)
        return answer

    async def release(claim: bytes, *, ended: bool = False) -> None:
        given_back.append(claim)
        await app.ada.actor.release_claim(1, claim=claim, ended=ended, now=app.ada.now)

    with pytest.raises(OSError, match="no disk"):
        await app.runners[0].run(parsed(tokens.refresh_token), turn, release)
    assert len(given_back) == 1
    assert isinstance(await app.refresh(tokens.refresh_token), Refreshed)


async def test_who_waits_too_long_for_another_process_is_told_to_come_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def turn(_: CallbackStep) -> Redeemed | CallbackDue | CallbackRunning:
        return CallbackRunning(until=START)

    async def release(_: bytes, *, ended: bool = False) -> None:
        raise AssertionError

    token = Token(TokenKind.REFRESH, "ab" * 16, NO_RECORD, b"s" * 32)
    async with open_callbacks(Callbacks(), entropy=SystemEntropy()) as runner:
        answer = await runner.run(token, turn, release)
    assert answer == Refused(Reason.CALLBACK_BUSY)


async def test_an_observer_is_told_without_being_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actor_oauth.actors.callbacks.observing.MAX_OBSERVED", 2)
    told: list[ObservedError] = []
    blocked = trio.Event()

    async def on_error(error: ObservedError) -> None:
        await blocked.wait()
        told.append(error)
        raise RuntimeError("the observer's own fault")

    error = ObservedError(
        endpoint="token",
        reason="code_replayed",
        category="invalid_grant",
        status=400,
        client_id="app",
        detail=None,
    )
    callbacks = Callbacks(on_error=on_error)
    async with open_callbacks(callbacks, entropy=SystemEntropy()) as runner:
        for _ in range(5):
            runner.observe(error)
        await wait_all_tasks_blocked()
        blocked.set()
        await wait_all_tasks_blocked()
        assert told == [error, error]
        # It keeps up again, and is told again.
        runner.observe(error)
    assert told == [error, error, error]
