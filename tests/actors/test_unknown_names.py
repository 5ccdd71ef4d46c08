"""Attempts to log in under names that nobody has."""

from pathlib import Path

import pytest

from actor_oauth.actors.unknown_names import UnknownNamesActor, unknown_names_key
from actor_oauth.actors.user.account import FREE_ATTEMPTS
from actor_oauth.runtime import LocalEngine, open_system
from tests.support.disks import InlineDisk

NOW = 2_000_000_000
NAMES = [f"0{number:031x}" for number in range(4)]


async def try_often(names: UnknownNamesActor, name: str) -> int:
    """Try a name until it has to wait; how long."""
    for _ in range(FREE_ATTEMPTS):
        assert await names.login_allowed(name, now=NOW) == 0
        await names.record_login(name)
    return await names.login_allowed(name, now=NOW)


@pytest.mark.requirement("E-09", "K-14")
async def test_names_beyond_a_limit_are_forgotten_the_longest_ago_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 3 * FREE_ATTEMPTS
    monkeypatch.setattr("actor_oauth.actors.unknown_names.MAX_NAMES", limit)
    engine = LocalEngine(tmp_path, disk=InlineDisk())
    async with open_system(engine, [UnknownNamesActor]) as system:
        names = system.get(UnknownNamesActor, unknown_names_key(NAMES[0]))
        for name in NAMES:
            assert await try_often(names, name) == 1

        assert await names.login_allowed(NAMES[-1], now=NOW) == 1
        assert await names.login_allowed(NAMES[0], now=NOW) == 0
