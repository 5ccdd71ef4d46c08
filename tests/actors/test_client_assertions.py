"""Assertions count once."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actor_oauth.actors.client import ClientActor, assertions
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.used_assertions import PURGE_GRID
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import ActorSystem, LocalEngine, TrioClock, open_system
from tests.support.clocks import StoppedClock
from tests.support.disks import InlineDisk

NOW = 1_800_000_000
CLIENT = Client(client_id="aocl_x", redirect_uris=("https://c.example/cb",))
KINDS = (ClientActor, UserActor, DirectoryActor)
REPLAYED = Refused(Reason.CLIENT_ASSERTION_REPLAYED)
EXPIRED = Refused(Reason.CLIENT_ASSERTION_EXPIRED)


async def a_client(system: ActorSystem) -> ClientActor:
    actor = system.get(ClientActor, "c1")
    await actor.register(CLIENT, secret_hash=None, now=NOW)
    return actor


def jti(number: int) -> bytes:
    return number.to_bytes(16)


@pytest.mark.requirement("M-13", "E-13", "K-14")
async def test_of_many_copies_one_is_accepted_over_several_processes(
    tmp_path: Path,
) -> None:
    clock = StoppedClock(NOW)
    answers: list[Refused | None] = []
    async with (
        open_system(LocalEngine(tmp_path), KINDS, clock=clock) as one,
        open_system(LocalEngine(tmp_path), KINDS, clock=clock) as other,
    ):
        await a_client(one)

        async def use(system: ActorSystem) -> None:
            actor = system.get(ClientActor, "c1")
            answers.append(
                await actor.use_assertion(jti(1), keep_until=NOW + 360, now=NOW)
            )

        async with trio.open_nursery() as nursery:
            for number in range(32):
                nursery.start_soon(use, (one, other)[number % 2])
    assert answers.count(None) == 1
    assert answers.count(REPLAYED) == 31


@pytest.mark.requirement("E-13", "K-14")
async def test_it_stays_used_until_it_has_expired_and_a_clock_set_back_helps_nobody(
    tmp_path: Path,
) -> None:
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=clock) as system:
        actor = await a_client(system)
        assert await actor.use_assertion(jti(1), keep_until=NOW + 60, now=NOW) is None
        late = await actor.use_assertion(jti(1), keep_until=NOW + 60, now=NOW + 59)
        assert late == REPLAYED
    # Purged by alarm, and remembered is only that.
    later = StoppedClock(NOW + PURGE_GRID + 60)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=later) as system:
        actor = system.get(ClientActor, "c1")
        answer: Refused | None = REPLAYED
        with trio.fail_after(60):
            while answer == REPLAYED:
                await trio.lowlevel.checkpoint()
                answer = await actor.use_assertion(jti(1), keep_until=NOW + 60, now=NOW)
        assert answer == EXPIRED
        fresh = await actor.use_assertion(
            jti(1), keep_until=later.now() + 60, now=later.now()
        )
        assert fresh is None


@pytest.mark.requirement("K-14")
async def test_used_assertions_are_purged_though_the_client_was_ended_meanwhile(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    clock = TrioClock(NOW)
    engine = LocalEngine(tmp_path, disk=InlineDisk())
    async with open_system(engine, KINDS, clock=clock) as system:
        actor = await a_client(system)
        until = NOW + 60
        assert await actor.use_assertion(jti(1), keep_until=until, now=NOW) is None
        # Neither has anything to wake the actor for, or nothing so early.
        await actor.set_disabled(disabled=True, now=NOW)
        await actor.set_disabled(disabled=False, now=NOW)
        await trio.sleep(PURGE_GRID + 120)
        # Noted is that it was purged: set back, the clock would call it still good.
        answer = await actor.use_assertion(jti(1), keep_until=until, now=NOW)
        assert answer == EXPIRED


@pytest.mark.requirement("K-14")
async def test_a_full_memory_refuses_and_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assertions, "MAX_ASSERTIONS", 4)
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=clock) as system:
        actor = await a_client(system)
        for number in range(4):
            until = NOW + 60 if number < 2 else NOW + 600
            used = await actor.use_assertion(jti(number), keep_until=until, now=NOW)
            assert used is None
        full = await actor.use_assertion(jti(9), keep_until=NOW + 60, now=NOW)
        assert full == Refused(Reason.CLIENT_ASSERTIONS_TOO_MANY)
        assert full.reason.category.status == 503
        # What has expired makes room.
        later = NOW + 61
        room = await actor.use_assertion(jti(9), keep_until=NOW + 300, now=later)
        assert room is None
        again = await actor.use_assertion(jti(3), keep_until=NOW + 600, now=later)
        assert again in (REPLAYED, Refused(Reason.CLIENT_ASSERTIONS_TOO_MANY))


@pytest.mark.requirement("K-14")
async def test_without_an_active_client_nothing_is_accepted_or_written(
    tmp_path: Path,
) -> None:
    clock = StoppedClock(NOW)
    unknown = Refused(Reason.CLIENT_UNKNOWN)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=clock) as system:
        absent = system.get(ClientActor, "c2")
        assert (
            await absent.use_assertion(jti(1), keep_until=NOW + 9, now=NOW) == unknown
        )
        actor = await a_client(system)
        await actor.delete(now=NOW)
        assert await actor.use_assertion(jti(1), keep_until=NOW + 9, now=NOW) == unknown
