"""The race register, as far as one user's actor decides it.

Every race runs N requests that are all waiting before the first is answered, in an order
that Trio shuffles, and asserts on all the answers and on what is stored after them.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from actor_oauth.actors.user import Approved, Redeemed, Refreshed
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import (
    GRACE,
    SCOPE,
    START,
    a_policy,
    a_request,
    an_approval,
)
from tests.support.user_actor import Ada, open_ada

RACERS = 32
T = TypeVar("T")


async def race(*attempts: Callable[[], Awaitable[T]]) -> list[T]:
    """Make all attempts at once, and give the answers in the order of the attempts."""
    answers: dict[int, T] = {}

    async def attempt(index: int, make: Callable[[], Awaitable[T]]) -> None:
        answers[index] = await make()

    async with trio.open_nursery() as nursery:
        for index, make in enumerate(attempts):
            nursery.start_soon(attempt, index, make)
    return [answers[index] for index in range(len(attempts))]


def reasons(answers: list[Refreshed | Refused]) -> Counter[Reason]:
    return Counter(a.reason for a in answers if isinstance(a, Refused))


async def live_grants(ada: Ada) -> int:
    return len((await ada.actor.list_grants(now=ada.now)).grants)


@pytest.mark.requirement("M-1", "D-16", "D-17")
async def test_one_of_many_redemptions_wins_and_the_others_end_the_grant(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        code = await ada.code()
        answers = await race(*[lambda: ada.redeem(code)] * RACERS)
        winners = [a for a in answers if isinstance(a, Redeemed)]
        assert len(winners) == 1
        refused = Counter(a.reason for a in answers if isinstance(a, Refused))
        assert refused == {Reason.CODE_REPLAYED: 1, Reason.GRANT_REVOKED: RACERS - 2}
        response = winners[0].response
        assert await ada.check(response.access_token) is None
        assert isinstance(await ada.refresh(response.refresh_token), Refused)
        assert await live_grants(ada) == 0


@pytest.mark.requirement("M-2", "D-07", "D-17")
async def test_attempts_without_the_verifier_do_not_disturb_the_right_one(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        code = await ada.code()
        # One more would kill the code (D-18), were they all to come first.
        guesses = [lambda: ada.redeem(code, code_verifier="w" * 43)] * 4
        winner, *others = await race(lambda: ada.redeem(code), *guesses)
        assert isinstance(winner, Redeemed)
        others += await race(*guesses * (RACERS // 4))
        assert all(isinstance(answer, Refused) for answer in others)
        assert await ada.check(winner.response.access_token) is not None
        assert await live_grants(ada) == 1


@pytest.mark.requirement("M-3", "D-25", "D-26")
async def test_many_refreshes_with_one_token_are_one_rotation(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        answers = await race(*[lambda: ada.refresh(first.refresh_token)] * RACERS)
        refreshed = [a for a in answers if isinstance(a, Refreshed)]
        assert len(refreshed) == RACERS
        assert [a.retried for a in refreshed].count(False) == 1
        assert len({a.response.refresh_token for a in refreshed}) == 1
        assert len({a.response.access_token for a in refreshed}) == 1
        assert await live_grants(ada) == 1
        await ada.rotated(refreshed[0].response.refresh_token)


@pytest.mark.requirement("M-3", "D-28")
async def test_without_grace_one_refresh_wins_and_the_others_end_the_grant(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path, policy=a_policy(grace=0)) as ada:
        first = await ada.tokens()
        answers = await race(*[lambda: ada.refresh(first.refresh_token)] * RACERS)
        winners = [a for a in answers if isinstance(a, Refreshed)]
        assert len(winners) == 1
        assert reasons(answers) == {
            Reason.REFRESH_REPLAYED: 1,
            Reason.GRANT_REVOKED: RACERS - 2,
        }
        assert await ada.check(winners[0].response.access_token) is None
        assert isinstance(await ada.refresh(winners[0].response.refresh_token), Refused)


@pytest.mark.requirement("M-4", "D-26", "D-27")
async def test_sessions_at_different_places_of_a_chain_end_on_one_head(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = [(await ada.tokens()).refresh_token]
        for _ in range(4):
            tokens.append((await ada.rotated(tokens[-1])).refresh_token)

        async def session(place: int) -> str | None:
            token = tokens[place % len(tokens)]
            for _ in range(3):
                token = (await ada.rotated(token)).refresh_token
            return token

        def start(place: int) -> Callable[[], Awaitable[str | None]]:
            return lambda: session(place)

        held = await race(*[start(place) for place in range(RACERS)])
        # Whoever comes back with what it holds, the newest or not, gets on.
        for token in held:
            await ada.rotated(token)
        generations = await ada.actor.audit_trail()
        assert not [e for e in generations if e.kind == "refresh_replayed"]
        assert await live_grants(ada) == 1


@pytest.mark.requirement("M-5", "D-28", "D-31")
@pytest.mark.parametrize("_round", range(4))
async def test_a_replay_kills_what_a_refresh_beside_it_issues(
    tmp_path: Path, _round: int
) -> None:
    async with open_ada(tmp_path) as ada:
        old = (await ada.tokens()).refresh_token
        head = (await ada.rotated(old)).refresh_token
        ada.now = START + GRACE + 1
        refreshes = [lambda: ada.refresh(head)] * RACERS
        answers = await race(*refreshes, lambda: ada.refresh(old))
        assert reasons(answers)[Reason.REFRESH_REPLAYED] == 1
        for answer in answers:
            if isinstance(answer, Refreshed):
                assert await ada.check(answer.response.access_token) is None
                again = await ada.refresh(answer.response.refresh_token)
                assert isinstance(again, Refused)
        assert await live_grants(ada) == 0


@pytest.mark.requirement("M-6", "H-06", "H-07", "G-14")
@pytest.mark.parametrize("_round", range(4))
async def test_after_a_revocation_nothing_of_the_grant_works(
    tmp_path: Path, _round: int
) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        seen: list[str] = [first.access_token]

        async def refresh() -> None:
            answer = await ada.refresh(first.refresh_token)
            if isinstance(answer, Refreshed):
                seen.append(answer.response.access_token)

        async def revoke() -> None:
            await ada.revoke(first.refresh_token)
            # From the moment of the answer on, also while others are still at it.
            assert await ada.check(first.access_token) is None

        await race(*[refresh] * RACERS, revoke)
        for access_token in seen:
            assert await ada.check(access_token) is None
        assert isinstance(await ada.refresh(first.refresh_token), Refused)
        assert await live_grants(ada) == 0


@pytest.mark.requirement("M-6", "H-06")
@pytest.mark.parametrize("_round", range(4))
async def test_a_grant_revoked_beside_its_redemption_stays_revoked(
    tmp_path: Path, _round: int
) -> None:
    async with open_ada(tmp_path) as ada:
        approved = await ada.authorize()
        assert isinstance(approved, Approved)
        answers: list[Redeemed | Refused] = []

        async def redeem() -> None:
            answers.append(await ada.redeem(approved.code))

        async def revoke() -> None:
            assert await ada.actor.revoke_grant(approved.grant_id, now=ada.now)

        await race(redeem, revoke)
        for answer in answers:
            if isinstance(answer, Redeemed):
                assert await ada.check(answer.response.access_token) is None
        assert isinstance(await ada.redeem(approved.code), Refused)
        assert await live_grants(ada) == 0


@pytest.mark.requirement("M-8", "K-07")
async def test_every_token_of_a_race_opens_the_props(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens(approval=an_approval(props={"email": "ada@x.example"}))

        def narrowed(names: tuple[str, ...]) -> Callable[[], Awaitable[object]]:
            return lambda: ada.refresh(first.refresh_token, scope=Scope(names))

        scopes = [SCOPE.names[: 1 + place % 3] for place in range(RACERS)]
        answers = await race(*[narrowed(names) for names in scopes])
        access_tokens = set()
        for answer in answers:
            assert isinstance(answer, Refreshed)
            info = await ada.check(answer.response.access_token)
            assert info is not None
            assert info.props == {"email": "ada@x.example"}
            access_tokens.add(answer.response.access_token)
        assert len(access_tokens) == 3


@pytest.mark.requirement("M-12", "C-21")
async def test_of_grants_that_replace_each_other_the_newest_survives(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        codes = [await ada.code() for _ in range(RACERS)]

        def redeeming(code: str) -> Callable[[], Awaitable[object]]:
            return lambda: ada.redeem(code)

        await race(*[redeeming(code) for code in codes])
        page = await ada.actor.list_grants(now=ada.now)
        assert [grant.grant_id for grant in page.grants] == [f"{RACERS:08x}"]


@pytest.mark.requirement("C-21", "B-20")
async def test_supersession_never_reaches_another_installation(tmp_path: Path) -> None:
    loopback = "http://127.0.0.1:{}/callback"
    async with open_ada(tmp_path) as ada:
        for port in (1000, 2000):
            await ada.tokens(a_request(redirect_uri=loopback.format(port)))
            await ada.tokens(a_request(redirect_uri=loopback.format(port)))
        await ada.tokens()
        await ada.tokens(a_request(client_id="app", resource="https://api.example/b"))
        assert await live_grants(ada) == 6
        approval = Approval(scope=SCOPE, client_epoch=1, supersede=True)
        await ada.tokens(a_request(redirect_uri=loopback.format(1000)), approval)
        assert await live_grants(ada) == 5


@pytest.mark.requirement("M-20", "D-08", "G4")
async def test_a_client_that_disconnects_loses_nothing(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        with trio.CancelScope() as scope:
            scope.cancel()
            await ada.refresh(first.refresh_token)
        async with trio.open_nursery() as nursery:
            for _ in range(RACERS):
                nursery.start_soon(ada.refresh, first.refresh_token)
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        # Whatever became of them, the client can go on with what it has.
        response = await ada.rotated(first.refresh_token)
        assert await ada.check(response.access_token) is not None
        await ada.rotated(response.refresh_token)
        assert await live_grants(ada) == 1
