"""The callback before tokens: once per generation, never beside a grant that has ended."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.actors.asking import redeem_asking, refresh_asking
from actor_oauth.actors.callbacks import (
    CallbackRunner,
    Callbacks,
    ObservedError,
    open_callbacks,
)
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import Redeemed, Refreshed
from actor_oauth.actors.user.callbacks import (
    CallbackDue,
    CallbackRunning,
    CallbackStep,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import (
    TokenChanges,
    TokenContext,
    TokenRefusal,
)
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, TokenResponse
from actor_oauth.runtime import SystemEntropy
from tests.support.grants import (
    CLIENT,
    KEYRING,
    NO_REFRESH_CLIENT,
    START,
    VERIFIER,
    a_policy,
    a_request,
    an_approval,
    fresh,
    parsed,
)
from tests.support.user_actor import Ada, open_ada

Said = TokenChanges | TokenRefusal | None


class AdasClock:
    """Shows the time of the test."""

    def __init__(self, ada: Ada) -> None:
        self._ada = ada

    def now(self) -> int:
        return self._ada.now


@dataclass
class Application:
    """The callback, and one or more processes that call it."""

    ada: Ada
    effects: Effects
    stack: AsyncExitStack
    runners: list[CallbackRunner] = field(default_factory=list)
    asked: list[TokenContext] = field(default_factory=list)
    says: Callable[[TokenContext], Awaitable[Said]] | None = None

    async def callback(self, context: TokenContext) -> Said:
        self.asked.append(context)
        return None if self.says is None else await self.says(context)

    async def process(self, *, seconds: float = 10.0) -> None:
        callbacks = Callbacks(on_token_exchange=self.callback, seconds=seconds)
        runner = await self.stack.enter_async_context(
            open_callbacks(callbacks, entropy=SystemEntropy())
        )
        self.runners.append(runner)

    def always(self, said: Said) -> None:
        async def says(_: TokenContext) -> Said:
            return said

        self.says = says

    async def refresh(
        self, token: str | None, *, scope: Scope | None = None, process: int = 0
    ) -> Refreshed | Refused:
        request = RefreshRequest(parsed(token), "app", scope)
        return await refresh_asking(
            self.runners[process], self.effects, self.ada.actor, request
        )

    async def refreshed(
        self, token: str | None, *, scope: Scope | None = None
    ) -> TokenResponse:
        answer = await self.refresh(token, scope=scope)
        assert isinstance(answer, Refreshed), answer
        return answer.response

    async def redeem(self, code: str, *, client: Client = CLIENT) -> Redeemed | Refused:
        request = CodeRequest(parsed(code), client, None, VERIFIER)
        return await redeem_asking(
            self.runners[0], self.effects, self.ada.actor, request
        )

    async def props(self, token: str) -> Json:
        info = await self.ada.check(token)
        assert info is not None
        return info.props


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Application]:
    async with open_ada(tmp_path) as ada, AsyncExitStack() as stack:
        effects = Effects(
            system=ada.system,
            policy=ada.policy,
            keyring=KEYRING,
            clock=AdasClock(ada),
            entropy=SystemEntropy(),
        )
        application = Application(ada, effects, stack)
        await application.process()
        await application.process()
        await application.process(seconds=0.01)
        yield application


async def all_at_once(calls: list[Callable[[], Awaitable[object]]]) -> None:
    async def run(call: Callable[[], Awaitable[object]]) -> None:
        await call()

    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(run, call)


@pytest.mark.requirement("M-3", "D-25", "D-26")
async def test_however_many_wait_it_is_asked_once_per_generation(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props={"upstream": 1}))
    app.always(TokenChanges(props={"upstream": 2}))
    answers: list[Refreshed | Refused] = []

    async def ask(process: int) -> None:
        answers.append(await app.refresh(tokens.refresh_token, process=process))

    # Over two processes, which share nothing but the database.
    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(ask, number % 2)

    assert len(app.asked) == 1
    assert app.asked[0] == TokenContext(
        grant_type="refresh_token",
        user_id="ada",
        client_id="app",
        grant_id="00000001",
        generation=2,
        resource=tokens.resource,
        scope=tokens.scope,
        props={"upstream": 1},
    )
    responses = {a.response for a in answers if isinstance(a, Refreshed)}
    assert len(answers) == 32
    assert len(responses) == 1
    (response,) = responses
    assert await app.props(response.access_token) == {"upstream": 2}
    # What is out keeps the props that it was issued with.
    assert await app.props(tokens.access_token) == {"upstream": 1}


@pytest.mark.requirement("M-8", "K-06", "K-07")
async def test_every_token_opens_its_own_version_of_the_props(
    app: Application,
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=0))
    seen = [tokens]
    for version in range(1, 4):
        app.always(TokenChanges(props=version))
        head = await app.refreshed(seen[-1].refresh_token)
        # A slow session with an older token, after the change and beside it.
        retry = await app.refreshed(seen[-1].refresh_token, scope=Scope(("read",)))
        assert retry.refresh_token == head.refresh_token
        assert await app.props(retry.access_token) == version
        seen.append(head)
    for version, response in enumerate(seen):
        assert await app.props(response.access_token) == version
    # Without a change they stay, and without a callback too.
    app.always(None)
    same = await app.refreshed(seen[-1].refresh_token)
    assert await app.props(same.access_token) == 3
    plain = await app.ada.rotated(same.refresh_token)
    assert await app.props(plain.access_token) == 3
    app.always(TokenChanges(props=None))
    none = await app.refreshed(plain.refresh_token)
    assert await app.props(none.access_token) is None
    assert await app.props(plain.access_token) == 3


@pytest.mark.requirement("M-8", "K-07", "D-26")
@pytest.mark.parametrize("props", [None, {"grant": "props"}])
async def test_what_it_said_holds_for_retries_of_the_generation(
    app: Application, props: Json
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=props))
    app.always(
        TokenChanges(
            access_token_props={"only": "here"},
            access_token_lifetime=60,
            refresh_lifetime=600,
            scope=Scope(("read", "elsewhere")),
        )
    )
    first = await app.refreshed(tokens.refresh_token)
    assert (first.scope, first.expires_in) == (Scope(("read",)), 60)
    assert await app.props(first.access_token) == {"only": "here"}
    # The same again, and the same limits for whoever asks in another way.
    assert await app.refreshed(tokens.refresh_token) == first
    other = await app.refreshed(tokens.refresh_token, scope=Scope(("write", "read")))
    assert (other.scope, other.expires_in) == (Scope(("read",)), 60)
    assert other.access_token != first.access_token
    assert await app.props(other.access_token) == {"only": "here"}
    beyond = await app.refresh(tokens.refresh_token, scope=Scope(("write",)))
    assert beyond == Refused(Reason.SCOPE_NOT_GRANTED)
    assert len(app.asked) == 1
    # The next generation has what the grant has.
    app.always(None)
    second = await app.refreshed(first.refresh_token)
    assert (second.scope, second.expires_in) == (tokens.scope, 3600)
    assert await app.props(second.access_token) == props
    assert await app.props(first.access_token) == {"only": "here"}


@pytest.mark.parametrize("props", [None, "p"])
async def test_limits_without_props_hold_for_retries_too(
    app: Application, props: Json
) -> None:
    tokens = await app.ada.tokens(approval=an_approval(props=props))
    app.always(TokenChanges(access_token_lifetime=60))
    first = await app.refreshed(tokens.refresh_token)
    other = await app.refreshed(tokens.refresh_token, scope=Scope(("read",)))
    assert (first.expires_in, other.expires_in) == (60, 60)
    assert await app.props(other.access_token) == props


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


@pytest.mark.requirement("M-1", "D-16", "D-17")
async def test_of_many_redemptions_one_is_asked_about_and_the_rest_are_replays(
    app: Application,
) -> None:
    code = await app.ada.code(approval=an_approval(props={"a": 1}))
    app.always(TokenChanges(props={"a": 2}, scope=Scope(("read",))))
    answers: list[Redeemed | Refused] = []

    async def ask() -> None:
        answers.append(await app.redeem(code))

    await all_at_once([ask] * 32)

    assert len(app.asked) == 1
    assert app.asked[0].grant_type == "authorization_code"
    redeemed = [answer for answer in answers if isinstance(answer, Redeemed)]
    assert len(redeemed) == 1
    assert redeemed[0].response.scope == Scope(("read",))
    refused = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert len(refused) == 31
    assert set(refused) <= {Reason.CODE_REPLAYED, Reason.GRANT_REVOKED}
    # A valid replay was seen: nobody can tell who was the thief.
    assert await app.ada.check(redeemed[0].response.access_token) is None


async def test_a_client_without_refresh_tokens_is_asked_about_too(
    app: Application,
) -> None:
    code = await app.ada.code(approval=an_approval(props={"a": 1}))
    app.always(TokenChanges(props={"a": 2}, access_token_lifetime=60))
    redeemed = await app.redeem(code, client=NO_REFRESH_CLIENT)
    assert isinstance(redeemed, Redeemed)
    assert redeemed.response.expires_in == 60
    assert await app.props(redeemed.response.access_token) == {"a": 2}
    app.ada.now = START + 62
    assert (await app.ada.actor.list_grants(now=app.ada.now)).grants == ()


@pytest.mark.requirement("D-28", "M-3")
async def test_without_a_window_the_second_of_two_is_a_replay(
    app: Application,
) -> None:
    strict = replace(app.effects, policy=a_policy(grace=0))
    app.effects = strict
    app.ada.policy = strict.policy
    tokens = await app.ada.tokens()
    answers: list[Refreshed | Refused] = []

    async def ask() -> None:
        answers.append(await app.refresh(tokens.refresh_token))

    await all_at_once([ask] * 32)
    assert len([a for a in answers if isinstance(a, Refreshed)]) == 1
    assert len(app.asked) == 1
    assert await app.ada.check(tokens.access_token) is None


async def step(
    app: Application, token: str | None, claim: bytes, changes: TokenChanges | None
) -> Refreshed | Refused | CallbackDue | CallbackRunning:
    return await app.ada.actor.refresh_step(
        RefreshRequest(parsed(token), "app"),
        CallbackStep(claim=claim, lease=15, said=changes),
        keyring=KEYRING,
        policy=app.ada.policy,
        fresh=fresh(),
        now=app.ada.now,
    )


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


async def test_a_narrowing_that_leaves_nothing_costs_no_token(
    app: Application,
) -> None:
    tokens = await app.ada.tokens()
    app.always(TokenChanges(scope=Scope(("nothing",))))
    refused = await app.refresh(tokens.refresh_token)
    assert refused == Refused(Reason.SCOPE_NOT_GRANTED)
    app.always(None)
    assert isinstance(await app.refresh(tokens.refresh_token), Refreshed)


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
