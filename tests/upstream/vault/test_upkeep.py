"""What the vault does by itself: renewing ahead, forgetting, sealing with a new key."""

from pathlib import Path

import pytest

from actor_oauth.actors.renewals import RENEWALS, SETTLING, RenewalsActor
from actor_oauth.actors.vault.connections import COLUMNS
from actor_oauth.oauth.upstream.credentials import CredentialState
from actor_oauth.oauth.upstream.failures import UpstreamFault
from tests.support.standin import Said, Upstream
from tests.upstream.vault.world import (
    KEYRING,
    World,
    column,
    fault,
    open_world,
    sealed_with,
    wake,
)


def renewals(world: World) -> RenewalsActor:
    return world.effects.system.get(RenewalsActor, RENEWALS)


@pytest.mark.requirement("I-26")
async def test_a_token_in_use_is_renewed_before_anybody_asks(world: World) -> None:
    await world.connect()
    world.clock.advance(3301)

    await wake(world)
    assert await world.vault.upkeep.renew_due() == 1
    assert world.upstream.refreshes == 1
    assert await world.vault.upkeep.renew_due() == 0

    # Nobody has used the new one yet: it is left to end.
    world.clock.advance(3301)
    await wake(world)
    assert await world.vault.upkeep.renew_due() == 0
    assert (await world.token()).header == "Bearer access5"


async def test_what_was_renewed_meanwhile_is_not_renewed_again(world: World) -> None:
    await world.connect()
    world.clock.advance(3301)
    await wake(world)
    await world.token()

    assert await world.vault.upkeep.renew_due() == 1
    assert world.upstream.refreshes == 1


async def test_what_a_process_took_and_did_not_do_comes_back(world: World) -> None:
    await world.connect()
    world.clock.advance(3301)
    await wake(world)
    taken = await renewals(world).take(limit=9, lease=60, now=world.clock.now())

    assert len(taken) == 1
    assert await world.vault.upkeep.renew_due() == 0
    world.clock.advance(60)
    assert await world.vault.upkeep.renew_due() == 1


async def test_a_connection_that_cannot_be_refreshed_ends_by_itself(
    world: World,
) -> None:
    bare = Said(members={"access_token": "a", "token_type": "Bearer", "expires_in": 60})
    world.upstream.answers = [bare]
    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))
    await wake(world)
    assert (await world.token()).header == "Bearer a"

    world.clock.advance(60)
    assert await world.fault() is UpstreamFault.REAUTHORIZATION_NEEDED
    await wake(world)

    [connection] = await world.actor().list_connections()
    assert connection.credential.state is CredentialState.NEEDS_AUTHORIZATION
    assert await sealed_with(world) == set()


async def test_attempts_are_forgotten_when_they_are_over(world: World) -> None:
    await world.begin()
    assert len(await column(world, "SELECT key FROM attempts")) == 1

    world.clock.advance(600)
    await wake(world)

    assert await column(world, "SELECT key FROM attempts") == []


@pytest.mark.requirement("K-08")
async def test_secrets_are_sealed_anew_once_every_process_knows_the_new_key(
    tmp_path: Path, upstream: Upstream
) -> None:
    rotated = KEYRING.with_current("k2", b"t" * 32)
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        await world.connect(user="bob")
        assert await sealed_with(world) == {"k1"}
        upkeep = world.vault.upkeep
        world.clock.advance(SETTLING)
        assert await upkeep.seal_anew() == 0
        world.clock.advance(SETTLING)
        assert await upkeep.seal_anew() == 0
        assert await renewals(world).sealed_with() == "k1"

        world.effects.keyring = rotated
        assert await upkeep.seal_anew() == 0
        assert await sealed_with(world) == {"k1"}
        world.clock.advance(SETTLING)
        # Three of each user, and the registration that they share.
        assert await upkeep.seal_anew() == 2 * len(COLUMNS) + 1
        assert await upkeep.seal_anew() == 0
        assert await sealed_with(world) == await sealed_with(world, "bob") == {"k2"}
        clock = world.clock

    only_new = rotated.without("k1")
    async with open_world(tmp_path, upstream, keyring=only_new, clock=clock) as world:
        assert (await world.token()).header == "Bearer access3"
        clock.advance(3500)
        assert (await world.token()).header == "Bearer access6"
        await world.connect(user="carol")
    assert upstream.server.count("/register") == 1


@pytest.mark.requirement("K-08")
async def test_without_its_key_a_secret_is_gone_and_the_user_connects_anew(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        begun = await world.begin()
        clock = world.clock
    lost = KEYRING.with_current("k2", b"t" * 32).without("k1")
    async with open_world(tmp_path, upstream, keyring=lost, clock=clock) as world:
        assert await world.fault() is UpstreamFault.REAUTHORIZATION_NEEDED
        finished = await world.finish(upstream.approve(begun.url))
        assert fault(finished) is UpstreamFault.ATTEMPT_UNKNOWN
        clock.advance(3500)
        assert await world.fault() is UpstreamFault.REAUTHORIZATION_NEEDED
        assert upstream.refreshes == 0
        await world.connect()


def everything_below(folder: Path) -> bytes:
    """What stands in all files of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.requirement("K-08")
async def test_nothing_secret_stands_in_the_files(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        await world.begin()
    written = everything_below(tmp_path)

    assert upstream.url.encode() in written
    for secret in (b"access3", b"refresh3", b'"s"', b"verifier"):
        assert secret not in written
