"""This server's registration elsewhere: one at a time, sealed, and thrown away if refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.upstream_client import (
    RENEWED_BEFORE,
    UPSTREAM_CLIENTS,
    RegistrationRunning,
    UpstreamClientActor,
    upstream_client_key,
)
from actor_oauth.oauth.keyring import Keyring, new_keyring
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.runtime import LocalEngine, open_system
from tests.support.clocks import StoppedClock

NOW: Final = 1_800_000_000
LEASE: Final = 25
FRESH: Final = b"f" * 32
CALLBACK: Final = "https://us.example/oauth/callback/as.example"
KEYRING: Final = new_keyring(secret=b"s" * 32, address_key=b"a" * 32, kid="k1")
ROTATED: Final = KEYRING.with_current("k2", b"t" * 32)
CLIENT: Final = UpstreamClient(
    client_id="us",
    method="client_secret_basic",
    redirect_uri=CALLBACK,
    origin="registered",
    secret="shared",
)
OTHER: Final = replace(CLIENT, client_id="us too")


@asynccontextmanager
async def registration(path: Path) -> AsyncIterator[UpstreamClientActor]:
    kinds, clock = (UpstreamClientActor, DirectoryActor), StoppedClock(NOW)
    async with open_system(LocalEngine(path), kinds, clock=clock) as system:
        key = upstream_client_key("https://as.example", CALLBACK)
        actor = system.get(UpstreamClientActor, key)
        yield actor
        await system.delivered(actor)
        directory = system.get(DirectoryActor, UPSTREAM_CLIENTS)
        assert await directory.count() <= 1


async def begin(
    actor: UpstreamClientActor, claim: bytes, now: int = NOW
) -> UpstreamClient | RegistrationRunning | None:
    return await actor.begin_registration(claim, lease=LEASE, keyring=KEYRING, now=now)


async def finish(
    actor: UpstreamClientActor,
    claim: bytes,
    client: UpstreamClient | None,
    now: int = NOW,
) -> UpstreamClient | None:
    return await actor.finish_registration(
        claim, client, keyring=KEYRING, fresh=FRESH, now=now
    )


async def known(
    actor: UpstreamClientActor, now: int = NOW, keyring: Keyring = KEYRING
) -> UpstreamClient | None:
    return await actor.known(keyring=keyring, now=now)


@pytest.mark.requirement("I-14", "M-19")
async def test_one_registers_and_the_others_wait_for_it(tmp_path: Path) -> None:
    async with registration(tmp_path) as actor:
        assert await known(actor) is None
        assert await begin(actor, b"a") is None
        assert await begin(actor, b"b") == RegistrationRunning(NOW + LEASE)
        assert await finish(actor, b"a", CLIENT) == CLIENT
        assert await begin(actor, b"b") == CLIENT
        assert await known(actor) == CLIENT


@pytest.mark.requirement("I-14")
async def test_a_claim_that_lapsed_is_taken_over_and_the_slow_one_gets_that(
    tmp_path: Path,
) -> None:
    async with registration(tmp_path) as actor:
        assert await begin(actor, b"a") is None
        later = NOW + LEASE
        assert await begin(actor, b"b", later) is None
        assert await finish(actor, b"b", OTHER, later) == OTHER
        assert await finish(actor, b"a", CLIENT, later) == OTHER
        assert await known(actor) == OTHER


async def test_who_came_too_late_does_not_give_away_anothers_claim(
    tmp_path: Path,
) -> None:
    async with registration(tmp_path) as actor:
        await begin(actor, b"a")
        later = NOW + LEASE
        await begin(actor, b"b", later)
        assert await finish(actor, b"a", None, later) is None
        assert isinstance(await begin(actor, b"c", later), RegistrationRunning)


async def test_a_registration_that_failed_frees_the_claim(tmp_path: Path) -> None:
    async with registration(tmp_path) as actor:
        await begin(actor, b"a")
        assert await finish(actor, b"a", None) is None
        assert await begin(actor, b"b") is None


async def test_a_secret_is_replaced_before_its_end(tmp_path: Path) -> None:
    ending = replace(CLIENT, expires_at=NOW + RENEWED_BEFORE + 10)
    async with registration(tmp_path) as actor:
        await begin(actor, b"a")
        await finish(actor, b"a", ending)
        assert await known(actor, NOW + 9) == ending
        assert await known(actor, NOW + 10) is None
        assert await begin(actor, b"b", NOW + 10) is None
        assert await finish(actor, b"b", CLIENT, NOW + 10) == CLIENT


@pytest.mark.requirement("I-31")
async def test_only_the_registration_that_was_refused_is_thrown_away(
    tmp_path: Path,
) -> None:
    async with registration(tmp_path) as actor:
        await begin(actor, b"a")
        await finish(actor, b"a", CLIENT)
        await actor.discard("another")
        assert await known(actor) == CLIENT
        await actor.discard("us")
        assert await known(actor) is None
        assert await begin(actor, b"b") is None


@pytest.mark.requirement("K-08")
async def test_it_is_sealed_anew_and_gone_without_its_key(tmp_path: Path) -> None:
    async with registration(tmp_path) as actor:
        assert await actor.seal_anew(keyring=ROTATED, fresh=FRESH) == 0
        await begin(actor, b"a")
        assert await actor.seal_anew(keyring=ROTATED, fresh=FRESH) == 0
        await finish(actor, b"a", CLIENT)

        lost = ROTATED.without("k1")
        assert await known(actor, keyring=lost) is None
        assert await actor.seal_anew(keyring=lost, fresh=FRESH) == 0
        assert await actor.seal_anew(keyring=KEYRING, fresh=FRESH) == 0
        assert await actor.seal_anew(keyring=ROTATED, fresh=FRESH) == 1
        assert await known(actor, keyring=lost) == CLIENT
