"""What operators do to clients: change them, and give them another secret."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.secret import compare_secret, hash_client_secret
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.oauth.client_update import ClientChanges
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind
from actor_oauth.runtime import LocalEngine, open_system
from tests.support.clocks import StoppedClock

NOW = 1_700_000_000
POLICY = Policy(
    issuer="https://h.example",
    resources=(ResourcePolicy(identifier="https://h.example/mcp"),),
)
CLIENT = Client(
    client_id="aocl_x",
    redirect_uris=("https://c.example/cb",),
    auth_method="client_secret_basic",
    auth_methods_accepted=frozenset(("client_secret_basic",)),
    origin="pre-registered",
    issued_at=NOW,
)


def a_secret(letter: bytes) -> str:
    return Token(TokenKind.CLIENT_SECRET, "ab" * 16, NO_RECORD, letter * 32).render()


OLD, NEW, NEWER = a_secret(b"1"), a_secret(b"2"), a_secret(b"3")


@pytest.fixture
async def actor(tmp_path: Path) -> AsyncIterator[ClientActor]:
    kinds = (ClientActor, DirectoryActor)
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), kinds, clock=clock) as system:
        yield system.get(ClientActor, "c1")


async def register(actor: ClientActor, secret: bytes | str | None) -> None:
    assert await actor.register(CLIENT, secret_hash=secret, now=NOW)


async def good(actor: ClientActor, *secrets: str) -> list[bool]:
    return [
        compare_secret(await actor.registration(), secret).secret_matches
        for secret in secrets
    ]


async def use(actor: ClientActor, secret: str) -> None:
    """Authenticate as `Clients` does."""
    if compare_secret(await actor.registration(), secret).retires_previous:
        await actor.retire_secret(hash_client_secret(secret))


async def test_a_change_is_stored_whole_or_not_at_all(actor: ClientActor) -> None:
    await register(actor, None)
    changed = await actor.update(ClientChanges(client_name="Other"), policy=POLICY)
    assert changed == replace(CLIENT, client_name="Other", epoch=1)
    assert await actor.client() == changed
    refused = await actor.update(
        ClientChanges(client_name="Third", redirect_uris=("ftp://x",)), policy=POLICY
    )
    assert isinstance(refused, Refused)
    assert await actor.client() == changed


async def test_only_a_client_in_force_is_changed(actor: ClientActor) -> None:
    unknown = Refused(Reason.CLIENT_UNKNOWN)
    assert await actor.update(ClientChanges(), policy=POLICY) == unknown
    assert not await actor.rotate_secret(hash_client_secret(NEW))
    await register(actor, hash_client_secret(OLD))
    await actor.set_disabled(disabled=True, now=NOW)
    assert await actor.update(ClientChanges(), policy=POLICY) == unknown
    assert not await actor.rotate_secret(hash_client_secret(NEW))


@pytest.mark.requirement("B-35")
async def test_the_old_secret_is_good_until_the_new_one_is_used(
    actor: ClientActor,
) -> None:
    await register(actor, hash_client_secret(OLD))
    assert await actor.rotate_secret(hash_client_secret(NEW))
    assert await good(actor, OLD, NEW, NEWER) == [True, True, False]
    await use(actor, OLD)
    assert await good(actor, OLD, NEW) == [True, True]
    await use(actor, NEW)
    assert await good(actor, OLD, NEW) == [False, True]
    await use(actor, NEW)
    assert await good(actor, NEW) == [True]


@pytest.mark.requirement("B-35")
async def test_a_new_secret_that_was_lost_locks_nobody_out(actor: ClientActor) -> None:
    await register(actor, hash_client_secret(OLD))
    assert await actor.rotate_secret(hash_client_secret(NEW))
    assert await actor.rotate_secret(hash_client_secret(NEWER))
    assert await good(actor, OLD, NEW, NEWER) == [True, False, True]
    # Who used the lost one meanwhile ends nothing.
    await actor.retire_secret(hash_client_secret(NEW))
    assert await good(actor, OLD, NEWER) == [True, True]


async def test_an_imported_secret_stays_good_as_well(actor: ClientActor) -> None:
    await register(actor, "$argon2id$imported")
    assert await actor.rotate_secret(hash_client_secret(NEW))
    found = compare_secret(await actor.registration(), "imported")
    assert (found.secret_matches, found.password_hash) == (False, "$argon2id$imported")
    found = compare_secret(await actor.registration(), NEW)
    assert (found.secret_matches, found.password_hash) == (True, None)
    await use(actor, NEW)
    found = compare_secret(await actor.registration(), "imported")
    assert (found.secret_matches, found.password_hash) == (False, None)


async def test_a_client_without_a_secret_gets_none(actor: ClientActor) -> None:
    await register(actor, None)
    assert not await actor.rotate_secret(hash_client_secret(NEW))


@pytest.mark.requirement("B-34")
async def test_deletion_ends_both_secrets(actor: ClientActor) -> None:
    await register(actor, hash_client_secret(OLD))
    await actor.rotate_secret(hash_client_secret(NEW))
    await actor.delete(now=NOW)
    assert await good(actor, OLD, NEW) == [False, False]
