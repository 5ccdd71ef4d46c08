"""A trusted issuer's actors: assertions count once, over processes and for good."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors import issuer as issuer_module
from actor_oauth.actors.issuer import IssuerActor
from actor_oauth.actors.used_assertions import PURGE_GRID
from actor_oauth.oauth.metadata_document import CacheTimes
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.trusted_issuers import assertion_key, issuer_key
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from tests.support.clocks import StoppedClock
from tests.support.issuers import IDP

NOW = 1_800_000_000
KINDS = (IssuerActor,)
REPLAYED = Refused(Reason.ASSERTION_REPLAYED)
EXPIRED = Refused(Reason.ASSERTION_EXPIRED)
JTI = b"j" * 16


def memory(system: ActorSystem, jti: bytes = JTI) -> IssuerActor:
    return system.get(IssuerActor, assertion_key(IDP, jti))


@pytest.mark.requirement("M-13", "D-47", "K-14")
async def test_of_many_copies_one_is_new_over_two_systems(tmp_path: Path) -> None:
    clock = StoppedClock(NOW)
    answers: list[Refused | None] = []
    async with (
        open_system(LocalEngine(tmp_path), KINDS, clock=clock) as one,
        open_system(LocalEngine(tmp_path), KINDS, clock=clock) as other,
    ):

        async def use(system: ActorSystem) -> None:
            actor = memory(system)
            answers.append(
                await actor.use_assertion(JTI, keep_until=NOW + 360, now=NOW)
            )

        async with trio.open_nursery() as nursery:
            for number in range(48):
                nursery.start_soon(use, (one, other)[number % 2])
    assert answers.count(None) == 1
    assert answers.count(REPLAYED) == 47


@pytest.mark.requirement("D-47", "K-13", "K-14")
async def test_what_has_expired_is_forgotten_and_stays_expired(tmp_path: Path) -> None:
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=clock) as system:
        actor = memory(system)
        assert await actor.use_assertion(JTI, keep_until=NOW + 60, now=NOW) is None
        late = b"j" + b"2" * 15
        assert await actor.use_assertion(late, keep_until=NOW + 900, now=NOW) is None
    later = StoppedClock(NOW + PURGE_GRID + 60)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=later) as system:
        actor = memory(system)
        answer: Refused | None = REPLAYED
        with trio.fail_after(60):
            while answer == REPLAYED:
                await trio.lowlevel.checkpoint()
                answer = await actor.use_assertion(JTI, keep_until=NOW + 60, now=NOW)
        assert answer == EXPIRED
        again = await actor.use_assertion(late, keep_until=NOW + 900, now=later.now())
        assert again == REPLAYED


@pytest.mark.requirement("K-14")
async def test_a_full_memory_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_module, "MAX_ASSERTIONS", 1)
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), KINDS, clock=clock) as system:
        actor = memory(system)
        assert await actor.use_assertion(JTI, keep_until=NOW + 60, now=NOW) is None
        full = await actor.use_assertion(b"x" * 16, keep_until=NOW + 60, now=NOW)
        assert full == Refused(Reason.ASSERTIONS_TOO_MANY)
        assert full.reason.category.error == "temporarily_unavailable"


@pytest.mark.requirement("E-14")
async def test_keys_are_kept_and_renewed_once_a_minute(tmp_path: Path) -> None:
    times = CacheTimes(fresh_until=NOW + 3600, usable_until=NOW + 7200)
    async with open_system(
        LocalEngine(tmp_path), KINDS, clock=StoppedClock(NOW)
    ) as system:
        actor = system.get(IssuerActor, issuer_key(IDP))
        assert await actor.stored_keys() is None
        assert not await actor.begin_renewal(now=NOW)
        await actor.remember_keys(b"{}", times, now=NOW)
        stored = await actor.stored_keys()
        assert stored is not None
        assert stored.body == b"{}"
        assert not await actor.begin_renewal(now=NOW + 59)
        assert await actor.begin_renewal(now=NOW + 60)
        assert not await actor.begin_renewal(now=NOW + 61)
