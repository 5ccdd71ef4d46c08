"""`on_refresh_reuse`: asked once about each late token, and never in the way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.callback_redemptions import refresh_with_callback
from actor_oauth.actors.callbacks import CallbackRunner, Callbacks, open_callbacks
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import Refreshed
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import RefreshRequest
from actor_oauth.oauth.refresh_reuse import (
    RefreshRules,
    ReuseEvent,
    ReusePolicy,
    ReuseVerdict,
)
from actor_oauth.oauth.token_changes import TokenContext
from actor_oauth.runtime import SystemEntropy
from tests.support.grants import GRACE, KEYRING, a_policy, parsed
from tests.support.user_actor import Ada, AdasClock, open_ada

RULES = RefreshRules(reuse=ReusePolicy.REJECT, asks=True)


@dataclass
class Application:
    """The callback, and two processes that call it."""

    ada: Ada
    effects: Effects
    runners: list[CallbackRunner] = field(default_factory=list)
    asked: list[ReuseEvent] = field(default_factory=list)
    says: Callable[[ReuseEvent], Awaitable[ReuseVerdict]] | None = None

    async def callback(self, event: ReuseEvent) -> ReuseVerdict:
        self.asked.append(event)
        assert self.says is not None
        return await self.says(event)

    def always(self, verdict: ReuseVerdict) -> None:
        async def says(_: ReuseEvent) -> ReuseVerdict:
            return verdict

        self.says = says

    async def refresh(
        self, token: str | None, *, process: int = 0
    ) -> Refreshed | Refused:
        return await refresh_with_callback(
            self.runners[process],
            self.effects,
            self.ada.actor,
            RefreshRequest(parsed(token), "app"),
        )

    async def late(self) -> tuple[str | None, str | None]:
        """Give a token that comes late, and the head."""
        first = (await self.ada.tokens()).refresh_token
        second = (await self.ada.rotated(first)).refresh_token
        head = (await self.ada.rotated(second)).refresh_token
        self.ada.now += GRACE + 1
        return first, head

    async def events(self) -> list[str]:
        return [event.kind for event in await self.ada.actor.audit_trail()]


async def nothing(_: TokenContext) -> None:
    """Changes nothing about tokens."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Application]:
    policy = a_policy(rules=RULES)
    async with open_ada(tmp_path, policy=policy) as ada, AsyncExitStack() as stack:
        effects = Effects(
            system=ada.system,
            policy=ada.policy,
            keyring=KEYRING,
            clock=AdasClock(ada),
            entropy=SystemEntropy(),
        )
        application = Application(ada, effects)
        for seconds in (10.0, 10.0, 0.01):
            callbacks = Callbacks(
                on_refresh_reuse=application.callback,
                on_token_exchange=nothing,
                seconds=seconds,
            )
            application.runners.append(
                await stack.enter_async_context(
                    open_callbacks(callbacks, entropy=SystemEntropy())
                )
            )
        yield application


@pytest.mark.requirement("D-28", "M-3")
@pytest.mark.parametrize("verdict", ReuseVerdict)
async def test_however_many_come_late_with_a_token_it_is_asked_once(
    app: Application, verdict: ReuseVerdict
) -> None:
    token, head = await app.late()
    app.always(verdict)
    answers: list[Refreshed | Refused] = []

    async def ask(process: int) -> None:
        answers.append(await app.refresh(token, process=process))

    # Over two processes, which share nothing but the database.
    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask, number % 2)

    assert len(answers) == 32
    (event,) = app.asked
    assert (event.user_id, event.grant_id, event.generation) == ("ada", "00000001", 1)
    assert (event.age, event.signals.behind) == (GRACE + 1, 2)
    if verdict is ReuseVerdict.ACCEPT:
        assert {
            a.response.refresh_token for a in answers if isinstance(a, Refreshed)
        } == {head}
    else:
        assert all(isinstance(answer, Refused) for answer in answers)
    alive = isinstance(await app.ada.refresh(head), Refreshed)
    assert alive == (verdict is not ReuseVerdict.REVOKE)


@pytest.mark.requirement("D-28")
async def test_each_late_token_is_a_question_of_its_own(app: Application) -> None:
    first = (await app.ada.tokens()).refresh_token
    second = (await app.ada.rotated(first)).refresh_token
    await app.ada.rotated(second)
    app.ada.now += GRACE + 1
    app.always(ReuseVerdict.REJECT)
    for token in (first, second, first, second):
        answer = await app.refresh(token)
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.REFRESH_STALE
    assert [event.generation for event in app.asked] == [1, 2]
    assert (await app.events()).count(GrantEvent.LATE_REFRESH_REJECTED) == 2


@pytest.mark.requirement("D-28")
async def test_a_callback_that_fails_leaves_it_to_the_rules(app: Application) -> None:
    async def fails(_: ReuseEvent) -> ReuseVerdict:
        raise RuntimeError("upstream")

    token, head = await app.late()
    app.says = fails
    answer = await app.refresh(token)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.REFRESH_STALE
    assert isinstance(await app.ada.refresh(head), Refreshed)


@pytest.mark.requirement("D-28")
async def test_a_callback_that_hangs_leaves_it_to_the_rules(app: Application) -> None:
    async def hangs(_: ReuseEvent) -> ReuseVerdict:
        await trio.sleep_forever()
        raise AssertionError

    token, head = await app.late()
    app.says = hangs
    answer = await app.refresh(token, process=2)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.REFRESH_STALE
    assert isinstance(await app.ada.refresh(head), Refreshed)


async def test_a_callback_that_says_something_else_leaves_it_to_the_rules(
    app: Application,
) -> None:
    async def says(_: ReuseEvent) -> ReuseVerdict:
        return "forgive"  # type: ignore[return-value]  # as an untyped application would

    token, _ = await app.late()
    app.says = says
    answer = await app.refresh(token)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.REFRESH_STALE


@pytest.mark.requirement("D-31", "G12")
async def test_a_grant_that_is_revoked_while_it_is_asked_stays_revoked(
    app: Application,
) -> None:
    token, head = await app.late()
    asked, go_on = trio.Event(), trio.Event()

    async def says(_: ReuseEvent) -> ReuseVerdict:
        asked.set()
        await go_on.wait()
        return ReuseVerdict.ACCEPT

    app.says = says
    answers: list[Refreshed | Refused] = []

    async def ask() -> None:
        answers.append(await app.refresh(token))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await asked.wait()
        await app.ada.revoke(head)
        go_on.set()
    assert answers == [Refused(Reason.GRANT_REVOKED)]


@pytest.mark.requirement("M-20")
async def test_a_caller_that_goes_away_stops_nothing(app: Application) -> None:
    token, head = await app.late()
    asked, go_on = trio.Event(), trio.Event()

    async def says(_: ReuseEvent) -> ReuseVerdict:
        asked.set()
        await go_on.wait()
        return ReuseVerdict.REVOKE

    app.says = says
    async with trio.open_nursery() as nursery:
        nursery.start_soon(app.refresh, token)
        await asked.wait()
        nursery.cancel_scope.cancel()
    go_on.set()
    await wait_all_tasks_blocked()
    assert await app.ada.refresh(head) == Refused(Reason.GRANT_REVOKED)


async def test_the_head_and_retries_are_no_matter_of_the_callback(
    app: Application,
) -> None:
    token = (await app.ada.tokens()).refresh_token
    for _ in range(2):
        assert isinstance(await app.ada.refresh(token), Refreshed)
    assert app.asked == []


@pytest.mark.parametrize("verdict", [ReuseVerdict.ACCEPT, ReuseVerdict.REJECT])
async def test_after_its_answer_the_other_callback_has_its_turn_at_once(
    app: Application, verdict: ReuseVerdict
) -> None:
    token, head = await app.late()
    app.always(verdict)
    await app.refresh(token)
    # A claim that stayed would hold this up, and end in a refusal.
    answer = await app.refresh(head)
    assert isinstance(answer, Refreshed)
    assert not answer.retried
