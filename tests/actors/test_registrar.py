"""Initial access tokens: who may register clients."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors import registrar
from actor_oauth.actors.registrar import InitialToken, RegistrarActor
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from tests.support.clocks import StoppedClock

NOW = 1_800_000_000
HASH = b"h" * 32


@pytest.mark.requirement("B-21")
async def test_a_token_registers_as_many_clients_as_it_may_over_several_processes(
    tmp_path: Path,
) -> None:
    clock, kinds = StoppedClock(NOW), (RegistrarActor,)
    used: list[bool] = []
    async with (
        open_system(LocalEngine(tmp_path), kinds, clock=clock) as one,
        open_system(LocalEngine(tmp_path), kinds, clock=clock) as other,
    ):
        actor = one.get(RegistrarActor, "0")
        assert await actor.issue(HASH, label="x", now=NOW, expires_at=None, uses=3)
        assert await actor.is_good(HASH, now=NOW)

        async def use(system: ActorSystem) -> None:
            used.append(await system.get(RegistrarActor, "0").use(HASH, now=NOW))

        async with trio.open_nursery() as nursery:
            for number in range(32):
                nursery.start_soon(use, (one, other)[number % 2])
        assert used.count(True) == 3
        assert not await actor.is_good(HASH, now=NOW)
        assert await actor.listed(now=NOW) == []


async def test_a_token_is_good_until_it_expires_or_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "MAX_INITIAL_TOKENS", 2)
    async with open_system(
        LocalEngine(tmp_path), (RegistrarActor,), clock=StoppedClock(NOW)
    ) as system:
        actor = system.get(RegistrarActor, "0")
        assert not await actor.is_good(HASH, now=NOW)
        assert not await actor.use(HASH, now=NOW)
        await actor.issue(HASH, label="a", now=NOW, expires_at=NOW + 9, uses=None)
        await actor.issue(b"i" * 32, label="b", now=NOW, expires_at=None, uses=None)
        assert not await actor.issue(
            b"j" * 32, label="c", now=NOW, expires_at=None, uses=None
        )
        assert await actor.use(HASH, now=NOW + 8)
        assert await actor.use(HASH, now=NOW + 8)
        assert not await actor.use(HASH, now=NOW + 9)
        assert await actor.listed(now=NOW + 9) == [
            InitialToken(label="b", issued_at=NOW, expires_at=None, uses_left=None)
        ]
        assert await actor.revoke("b") == 1
        assert not await actor.use(b"i" * 32, now=NOW)
