"""What a user's actor forgets, when, and what it costs to keep."""

from pathlib import Path
from typing import ClassVar

import pytest
import trio

from actor_oauth.actors.user import Redeemed, UserActor
from actor_oauth.actors.user.housekeeping import KEEP_ENDED, LINK_GRID
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.clocks import StoppedClock
from tests.support.grants import GRACE, START, a_policy, an_approval
from tests.support.user_actor import USER_KEY, open_ada
from tests.support.user_database import UserDatabase

DAY = 86_400


class WatchedUser(UserActor, kind="user"):
    """Says when its alarm has been served."""

    rang: ClassVar[trio.Event]

    def on_alarm(self, *, now: int) -> None:
        super().on_alarm(now=now)
        self.rang.set()


@pytest.fixture
async def rang() -> trio.Event:
    WatchedUser.rang = trio.Event()
    return WatchedUser.rang


@pytest.mark.requirement("D-30", "K-09", "G8")
async def test_an_alarm_erases_the_salt_soon_after_the_window(
    tmp_path: Path, rang: trio.Event
) -> None:
    async with open_ada(tmp_path) as ada:
        first = await ada.tokens()
        await ada.rotated(first.refresh_token)
    after = StoppedClock(START + GRACE + LINK_GRID)
    async with open_ada(tmp_path, clock=after, user_class=WatchedUser) as ada:
        with trio.fail_after(60):
            await rang.wait()
        # By the clock of this turn the window is open: only erasure explains it.
        refused = await ada.refresh(first.refresh_token)
        assert refused == Refused(Reason.REFRESH_REPLAYED)


@pytest.mark.requirement("K-09", "G8")
async def test_an_alarm_forgets_a_user_who_has_gone(
    tmp_path: Path, rang: trio.Event
) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens()
    after = StoppedClock(START + 91 * DAY)
    async with open_ada(tmp_path, clock=after, user_class=WatchedUser) as ada:
        with trio.fail_after(60):
            await rang.wait()
        refused = await ada.refresh(tokens.refresh_token)
        assert refused == Refused(Reason.REFRESH_UNKNOWN)
        assert await ada.check(tokens.access_token) is None


@pytest.mark.requirement("M-7", "K-09")
async def test_sweeping_never_deletes_what_was_renewed(tmp_path: Path) -> None:
    policy = a_policy(refresh_idle=1000, access_token=300)
    user = UserDatabase(policy=policy)
    approved = user.authorize()
    assert not isinstance(approved, Refused)
    redeemed = user.redeem(approved.code)
    assert isinstance(redeemed, Redeemed)
    token = redeemed.response.refresh_token or ""
    for _ in range(20):
        user.now += 999
        user.sweep()
        outcome = user.refresh(token)
        assert not isinstance(outcome, Refused)
        user.sweep()
        response = outcome.refreshed.response
        assert user.check(response.access_token) is not None
        token = response.refresh_token or ""
    assert user.count("access_tokens") == 1
    user.close()


def test_a_sweep_forgets_ended_grants_and_wants_no_more_alarms() -> None:
    user = UserDatabase()
    for _ in range(3):
        approved = user.authorize()
        assert not isinstance(approved, Refused)
        user.redeem(approved.code)
    user.authorize()
    assert user.count("grants") == 4
    user.now += 60
    user.sweep()
    # The code that nobody redeemed; two that were superseded are still explained.
    assert user.count("grants") == 3
    user.now += KEEP_ENDED
    user.sweep()
    assert user.count("grants") == 1
    user.now += 90 * DAY
    assert user.sweep() is None
    for table in ("grants", "access_tokens", "refresh_tokens", "short_lived"):
        assert user.count(table) == 0


@pytest.mark.requirement("D-30")
def test_superseded_hashes_are_kept_until_the_absolute_expiry() -> None:
    user = UserDatabase()
    approved = user.authorize()
    assert not isinstance(approved, Refused)
    redeemed = user.redeem(approved.code)
    assert isinstance(redeemed, Redeemed)
    first = token = redeemed.response.refresh_token or ""
    for _ in range(80):
        user.now += DAY
        outcome = user.refresh(token)
        assert not isinstance(outcome, Refused)
        token = outcome.refreshed.response.refresh_token or ""
        user.sweep()
    assert user.count("refresh_tokens") == 81
    assert user.refresh(first) == Refused(Reason.REFRESH_REPLAYED)
    assert user.refresh(token) == Refused(Reason.GRANT_REVOKED)


def test_a_sweep_is_bounded_and_asks_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actor_oauth.actors.user.housekeeping.BATCH", 4)
    user = UserDatabase()
    approved = user.authorize()
    assert not isinstance(approved, Refused)
    redeemed = user.redeem(approved.code)
    assert isinstance(redeemed, Redeemed)
    token = redeemed.response.refresh_token or ""
    for _ in range(10):
        outcome = user.refresh(token)
        assert not isinstance(outcome, Refused)
        token = outcome.refreshed.response.refresh_token or ""
    user.now += DAY
    sweeps = 1
    while user.sweep() == user.now:
        sweeps += 1
    assert sweeps == 3
    assert user.count("access_tokens") == 0
    salts = user.db.execute("SELECT count(salt) FROM refresh_tokens").fetchone()
    assert salts == (0,)


def test_open_links_hold_back_the_erasure_of_later_ones_only() -> None:
    user = UserDatabase()
    approved = user.authorize()
    assert not isinstance(approved, Refused)
    redeemed = user.redeem(approved.code)
    assert isinstance(redeemed, Redeemed)
    tokens = [redeemed.response.refresh_token or ""]
    for _ in range(4):
        outcome = user.refresh(tokens[-1])
        assert not isinstance(outcome, Refused)
        tokens.append(outcome.refreshed.response.refresh_token or "")
        user.now += 50
    alarm = user.sweep()
    assert alarm is not None
    assert START + 50 + GRACE < alarm <= START + 100 + GRACE + LINK_GRID
    open_links = user.db.execute(
        "SELECT generation FROM refresh_tokens WHERE salt IS NOT NULL"
    ).fetchall()
    assert open_links == [(3,), (4,)]
    assert not isinstance(user.refresh(tokens[2]), Refused)
    user.close()


async def test_an_idle_user_costs_at_most_sixteen_kilobytes(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        tokens = await ada.tokens(approval=an_approval(props={"email": "a@b.example"}))
        for _ in range(3):
            tokens = await ada.rotated(tokens.refresh_token)
    (path,) = (tmp_path / "actors" / "user").rglob(f"*{USER_KEY[3:]}.db")
    assert path.stat().st_size <= 16 * 1024


@pytest.mark.requirement("K-13", "K-09")
def test_a_token_that_is_kept_after_its_expiry_is_dead_for_good() -> None:
    user = UserDatabase(policy=a_policy(access_token=10))
    approved = user.authorize()
    assert not isinstance(approved, Refused)
    redeemed = user.redeem(approved.code)
    assert isinstance(redeemed, Redeemed)
    outcome = user.refresh(redeemed.response.refresh_token or "")
    assert not isinstance(outcome, Refused)
    user.now += 11
    user.sweep()
    # Kept, since a retry could derive it again; the clock is then set back.
    assert user.count("access_tokens") == 1
    user.now -= 5
    assert user.check(outcome.refreshed.response.access_token) is None
    again = user.refresh(redeemed.response.refresh_token or "")
    assert not isinstance(again, Refused)
    assert again.refreshed.response.access_token != (
        outcome.refreshed.response.access_token
    )
    user.close()
