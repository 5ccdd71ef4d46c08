"""Tokens that nobody wants any more: ended at the other server, whatever happens here."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.vault.owed import MAX_TRIES
from actor_oauth.actors.vault.turns import VAULTS
from actor_oauth.oauth.upstream.credentials import FIRST_PAUSE, LONGEST_PAUSE
from actor_oauth.oauth.upstream.policy import ConfiguredClient
from actor_oauth.runtime.address import Address
from actor_oauth.upstream.vault import open_leftovers
from actor_oauth.upstream.vault.revocations import LEASE
from tests.support.standin import Asked, Said, Upstream
from tests.upstream.vault.world import (
    KEYRING,
    POLICY,
    USER,
    World,
    column,
    open_world,
    revoke_owed,
    sealed_with,
    wake,
)

BOTH = ["refresh3", "access3"]


async def listed_vaults(world: World) -> int:
    await world.effects.system.delivered(world.actor())
    return await world.effects.system.get(DirectoryActor, VAULTS).count()


async def owed(world: World) -> int:
    return len(await column(world, "SELECT number FROM owed"))


@pytest.mark.requirement("I-32", "I-40")
async def test_a_crash_after_a_removal_loses_no_revocation(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        # The turn of a process that dies before it has asked anybody.
        assert (
            await world.actor().remove(upstream.url, now=world.clock.now()) is not None
        )
    assert upstream.revoked == []

    async with open_world(tmp_path, upstream) as world:
        assert await revoke_owed(world) == 1
        assert upstream.revoked == BOTH
        assert await revoke_owed(world) == 0
        assert await owed(world) == 0
        # Nothing of it stays, not even that there was something.
        assert await listed_vaults(world) == 0


@pytest.mark.requirement("I-40")
async def test_a_crash_while_the_other_server_is_asked_loses_no_revocation(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        actor = world.actor()
        removed = await actor.remove(upstream.url, now=world.clock.now())
        assert removed is not None
        assert removed.owed is not None
        taken = await actor.begin_revocation(
            removed.owed, lease=LEASE, keyring=KEYRING, now=world.clock.now()
        )
        assert taken is not None
        # Another process finds that somebody is about it.
        assert await revoke_owed(world) == 1
        assert upstream.revoked == []
        clock = world.clock
    async with open_world(tmp_path, upstream, clock=clock) as world:
        assert await revoke_owed(world) == 0
        clock.advance(LEASE)
        await wake(world)
        assert await revoke_owed(world) == 1
    assert upstream.revoked == BOTH


@pytest.mark.requirement("I-40")
@pytest.mark.parametrize("answer", [Said(503), Said(429), b""])
async def test_a_server_that_is_down_is_asked_again(
    world: World, answer: Said | bytes
) -> None:
    revoke = world.upstream.server.pages["/revoke"]
    await world.connect()
    world.upstream.server.pages["/revoke"] = lambda asked: answer

    assert await world.vault.remove(USER, world.upstream.url)
    assert await revoke_owed(world) == 1
    assert world.upstream.server.count("/revoke") == 1
    world.upstream.server.pages["/revoke"] = revoke
    world.clock.advance(FIRST_PAUSE)
    await wake(world)
    assert await revoke_owed(world) == 1

    assert world.upstream.revoked == BOTH
    assert await listed_vaults(world) == 0


@pytest.mark.requirement("I-40")
async def test_a_server_that_stays_down_is_not_asked_for_ever(world: World) -> None:
    await world.connect()
    world.upstream.server.pages["/revoke"] = Said(503)
    await world.vault.remove(USER, world.upstream.url)

    for _ in range(MAX_TRIES + 3):
        world.clock.advance(LONGEST_PAUSE)
        await wake(world)
        await revoke_owed(world)

    assert world.upstream.server.count("/revoke") == MAX_TRIES
    assert await owed(world) == 0


@pytest.mark.requirement("I-40")
@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_definite_refusal_is_the_last_word(world: World, status: int) -> None:
    await world.connect()
    world.upstream.server.pages["/revoke"] = Said(status, {"error": "invalid_client"})

    await world.vault.remove(USER, world.upstream.url)

    assert world.upstream.server.count("/revoke") == 1
    assert await owed(world) == 0


@pytest.mark.requirement("I-40")
async def test_what_a_server_says_beside_yes_is_not_read(world: World) -> None:
    await world.connect()
    world.upstream.server.pages["/revoke"] = Said(body=b"thanks " * 100_000)

    await world.vault.remove(USER, world.upstream.url)

    assert world.upstream.server.count("/revoke") == 2
    assert world.observed == []
    assert await owed(world) == 0


async def test_a_server_without_revocation_is_owed_nothing(world: World) -> None:
    metadata = world.upstream.metadata()
    del metadata["revocation_endpoint"]
    place = "/.well-known/oauth-authorization-server"
    world.upstream.server.pages[place] = Said(members=metadata)
    await world.connect()
    arrived, go_on = trio.Event(), trio.Event()

    async def hold(asked: Asked) -> Said:
        arrived.set()
        await go_on.wait()
        return world.upstream.token(asked)

    world.upstream.answers = [hold]
    world.clock.advance(3500)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.fault)
        await arrived.wait()
        assert await world.vault.remove(USER, world.upstream.url)
        go_on.set()

    assert await owed(world) == 0


@pytest.mark.requirement("I-12", "I-40")
async def test_credentials_that_were_taken_away_are_not_used_to_revoke(
    tmp_path: Path, upstream: Upstream
) -> None:
    known = ConfiguredClient(issuer=upstream.server.url, client_id="us", secret="s")
    policy = replace(POLICY, clients=(known,))
    async with open_world(tmp_path, upstream, policy=policy) as world:
        await world.connect()
        assert (
            await world.actor().remove(upstream.url, now=world.clock.now()) is not None
        )
    async with open_world(tmp_path, upstream) as world:
        assert await revoke_owed(world) == 1
        assert await owed(world) == 0
    assert upstream.revoked == []


@pytest.mark.requirement("K-10", "I-40")
async def test_a_deleted_users_tokens_are_revoked_though_the_vault_is_off_now(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        effects = world.effects
        user = effects.system.get(UserActor, effects.user_key(USER))
        assert await user.create_account(USER, password_hash="hash", now=effects.now())
        assert await user.delete_account(keyring=KEYRING, now=effects.now())
        await effects.system.delivered(user)
        assert await world.vault.list_providers(USER) == ()
        # Whoever rotates keys has to find what is still sealed there.
        assert await listed_vaults(world) == 1

        off = open_leftovers(
            effects=effects,
            policy=POLICY,
            fetcher=world.fetcher,
            observe=world.observed.append,
        )
        async with off as upkeep:
            assert await upkeep.renew_due() == 0
            assert await upkeep.revoke_owed() == 1
        assert upstream.revoked == BOTH
        assert await listed_vaults(world) == 0


@pytest.mark.requirement("K-08")
async def test_what_is_to_be_revoked_is_sealed_anew_as_well(
    tmp_path: Path, upstream: Upstream
) -> None:
    rotated = KEYRING.with_current("k2", b"t" * 32)
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        assert (
            await world.actor().remove(upstream.url, now=world.clock.now()) is not None
        )
        effects = world.effects
        assert await sealed_with(world, table="owed") == {"k1"}
        changed = await world.actor().seal_anew(keyring=rotated, fresh=effects.fresh())
        assert changed == 3
        assert await sealed_with(world, table="owed") == {"k2"}
        assert not await world.actor().seal_anew(keyring=rotated, fresh=b"f" * 32)
        clock = world.clock
    only_new = rotated.without("k1")
    async with open_world(tmp_path, upstream, keyring=only_new, clock=clock) as world:
        assert await revoke_owed(world) == 1
    assert upstream.revoked == BOTH


@pytest.mark.requirement("K-08")
async def test_without_its_key_there_is_nothing_to_revoke_with(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        assert (
            await world.actor().remove(upstream.url, now=world.clock.now()) is not None
        )
    lost = KEYRING.with_current("k2", b"t" * 32).without("k1")
    async with open_world(tmp_path, upstream, keyring=lost) as world:
        assert await revoke_owed(world) == 1
        assert await owed(world) == 0
    assert upstream.revoked == []


def damage(data: Path, address: Address) -> None:
    """Make an actor's files unreadable."""
    for path in data.rglob(f"*{address.key}*"):
        if address.kind in path.parts or address.kind in path.name:
            path.write_bytes(b"garbage " * 1000)


@pytest.mark.requirement("I-40")
async def test_a_vault_whose_file_is_damaged_keeps_no_other_one_waiting(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        for user in (USER, "bob"):
            await world.connect(user=user)
            actor = world.actor(user)
            assert await actor.remove(upstream.url, now=world.clock.now()) is not None
            await world.effects.system.delivered(actor)
        damaged = world.actor().address
    damage(tmp_path, damaged)

    async with open_world(tmp_path, upstream) as world:
        assert await world.vault.upkeep.revoke_owed() == 2
        assert upstream.revoked == ["refresh5", "access5"]
        # Whoever removes something there does not learn it from an exception.
        await world.vault._revocations.promptly(world.actor(), 1)
