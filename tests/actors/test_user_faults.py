"""Faults by phase: what a user's grants are after a turn that went wrong.

Before the commit nothing of the turn may be left. After it, with the answer lost, all of
it is there, and the client gets on by asking again with what it has.
"""

import threading
from pathlib import Path
from typing import ClassVar

import pytest
import trio

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.user import Redeemed, UserActor
from actor_oauth.oauth.reasons import Refused
from actor_oauth.runtime import ActorError, LocalEngine, open_system
from actor_oauth.runtime.local import Disk
from tests.support.clocks import StoppedClock
from tests.support.grants import POLICY, START, an_approval
from tests.support.user_actor import LIMITS, Ada, open_ada


class InjectedError(Exception):
    """What the test makes go wrong."""


class FaultyUser(UserActor, kind="user"):
    """Fails in the middle of a turn, after everything has been written."""

    armed: ClassVar[bool] = False

    def set_alarm(self, at: int | None) -> None:
        super().set_alarm(at)
        if FaultyUser.armed:
            FaultyUser.armed = False
            raise InjectedError


class FailingDisk(Disk):
    """Loses the next write, once."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = threading.Event()

    def sync_data(self, descriptor: int) -> None:
        if self.armed.is_set():
            self.armed.clear()
            raise OSError(5, "Input/output error")
        super().sync_data(descriptor)


@pytest.mark.requirement("D-08", "G2")
async def test_a_fault_before_the_commit_leaves_no_trace(tmp_path: Path) -> None:
    async with open_ada(tmp_path, user_class=FaultyUser) as ada:
        first = await ada.tokens()
        FaultyUser.armed = True
        with pytest.raises(InjectedError):
            await ada.refresh(first.refresh_token)
        # Long after the window: had the token been used, this would be a replay.
        ada.now += 86_400
        response = await ada.rotated(first.refresh_token)
        assert await ada.check(response.access_token) is not None


@pytest.mark.requirement("C-15", "D-08", "G2")
async def test_a_fault_while_a_grant_begins_uses_up_nothing(tmp_path: Path) -> None:
    async with open_ada(tmp_path, user_class=FaultyUser) as ada:
        FaultyUser.armed = True
        with pytest.raises(InjectedError):
            await ada.authorize()
        code = await ada.code(approval=an_approval(props=1))
        assert isinstance(await ada.redeem(code), Redeemed)
        page = await ada.actor.list_grants(now=START)
        assert [grant.grant_id for grant in page.grants] == ["00000001"]


@pytest.mark.requirement("M-20", "D-08", "D-26", "G3")
async def test_an_answer_lost_by_the_disk_is_given_again(tmp_path: Path) -> None:
    disk = FailingDisk()
    async with open_system(
        LocalEngine(tmp_path, disk=disk),
        kinds=(UserActor, DirectoryActor),
        limits=LIMITS,
        clock=StoppedClock(START),
    ) as system:
        ada = Ada(system, UserActor, policy=POLICY)
        first = await ada.tokens()
        await system.delivered(ada.actor)
        disk.armed.set()
        with trio.fail_after(30), pytest.raises(ActorError):
            await ada.refresh(first.refresh_token)
        response = await ada.rotated(first.refresh_token)
        assert await ada.rotated(first.refresh_token) == response
        assert await ada.check(response.access_token) is not None


@pytest.mark.requirement("M-20", "D-08")
async def test_a_redemption_whose_answer_was_lost_is_seen_after_a_restart(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        code = await ada.code()
        with trio.CancelScope() as scope:
            scope.cancel()
            await ada.redeem(code)
    async with open_ada(tmp_path) as ada:
        answer = await ada.redeem(code)
        page = await ada.actor.list_grants(now=START)
        # Either it never ran, or it did and this is a second use of the code (D-17).
        assert isinstance(answer, Redeemed) == (len(page.grants) == 1)
        assert isinstance(await ada.redeem(code), Refused)
