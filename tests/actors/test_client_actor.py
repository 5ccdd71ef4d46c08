"""The client's actor: registration, authentication, and the end of a client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.secret import (
    Authentication,
    compare_secret,
    hash_client_secret,
)
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.oauth.client_lifecycle import ClientState
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import ActorSystem
from tests.support.told_users import (
    CLIENT,
    DAY,
    NOW,
    PatientClient,
    opened,
    register_with_users,
    told,
    until,
)

GONE = Refused(Reason.CLIENT_UNKNOWN)


def secret_of(filler: bytes, kind: TokenKind = TokenKind.CLIENT_SECRET) -> str:
    return Token(kind, "0" * 32, NO_RECORD, filler * 32).render()


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    async with opened(tmp_path) as system:
        yield system


@pytest.fixture
async def client(system: ActorSystem) -> ClientActor:
    client = system.get(ClientActor, "c1")
    secret_hash = hash_client_secret(secret_of(b"s"))
    assert await client.register(CLIENT, secret_hash=secret_hash, now=NOW)
    return client


async def listed(system: ActorSystem) -> list[str]:
    page = await system.get(DirectoryActor, CLIENTS).page()
    return [entry.entry_id for entry in page.entries]


async def test_a_registered_client_is_known_and_listed(
    system: ActorSystem, client: ClientActor
) -> None:
    assert await client.client() == CLIENT
    await system.delivered(client)
    assert await listed(system) == ["aocl_x"]
    status = await client.status()
    assert status is not None
    assert (status.state, status.users, status.expires_at) == (
        ClientState.ACTIVE,
        0,
        None,
    )


async def test_an_unregistered_client_is_unknown(system: ActorSystem) -> None:
    nobody = system.get(ClientActor, "nobody")
    assert await nobody.client() is None
    assert await nobody.status() is None
    assert await nobody.enlist("u1", now=NOW) == GONE
    assert not await nobody.delete(now=NOW)
    assert not await nobody.revoke_enlisted(now=NOW)
    assert not await nobody.set_disabled(disabled=True, now=NOW)


async def test_an_id_is_registered_once(client: ClientActor) -> None:
    other = Client(client_id="aocl_x", redirect_uris=("https://evil.example/cb",))
    assert not await client.register(other, secret_hash=None, now=NOW)
    assert await client.client() == CLIENT


@pytest.mark.requirement("E-07", "K-02", "K-03")
@pytest.mark.parametrize(
    ("secret", "matches"),
    [
        (secret_of(b"s"), True),
        (secret_of(b"t"), False),
        (secret_of(b"s", TokenKind.ACCESS), False),
        (secret_of(b"\0"), False),
        ("guess", False),
        ("", False),
        (None, False),
    ],
)
async def test_only_its_own_secret_authenticates_a_client(
    client: ClientActor, secret: str | None, matches: bool
) -> None:
    assert compare_secret(await client.registration(), secret) == Authentication(
        client=CLIENT, secret_matches=matches
    )


@pytest.mark.requirement("E-08", "K-03")
async def test_nothing_authenticates_a_client_that_is_not_there(
    system: ActorSystem,
) -> None:
    nobody = Authentication(client=None, secret_matches=False)
    for secret in (secret_of(b"s"), secret_of(b"\0"), "", None):
        actor = system.get(ClientActor, "nobody")
        assert compare_secret(await actor.registration(), secret) == nobody


@pytest.mark.requirement("E-03")
async def test_no_secret_authenticates_a_public_client(system: ActorSystem) -> None:
    actor = system.get(ClientActor, "c2")
    public = Client(client_id="aocl_y", redirect_uris=("http://localhost/cb",))
    await actor.register(public, secret_hash=None, now=NOW)
    for secret in (secret_of(b"\0"), "", None):
        answer = compare_secret(await actor.registration(), secret)
        assert answer == Authentication(client=public, secret_matches=False)


@pytest.mark.requirement("K-02")
async def test_a_secret_that_a_person_chose_is_left_to_the_caller(
    system: ActorSystem,
) -> None:
    actor = system.get(ClientActor, "c2")
    await actor.register(CLIENT, secret_hash="$argon2id$...", now=NOW)
    answer = compare_secret(await actor.registration(), "hunter2")
    assert answer == Authentication(
        client=CLIENT, secret_matches=False, password_hash="$argon2id$..."
    )
    assert "argon2" not in repr(answer)
    await actor.delete(now=NOW)
    assert compare_secret(await actor.registration(), "hunter2").password_hash is None


@pytest.mark.requirement("B-34", "B-36")
async def test_a_deleted_client_is_gone_for_good(
    system: ActorSystem, client: ClientActor
) -> None:
    assert await client.enlist("u1", now=NOW) == 1
    assert await client.delete(now=NOW)
    assert await client.client() is None
    assert await client.status() is None
    assert not compare_secret(
        await client.registration(), secret_of(b"s")
    ).secret_matches
    assert await client.enlist("u2", now=NOW) == GONE
    assert not await client.delete(now=NOW)
    assert not await client.set_disabled(disabled=False, now=NOW)
    assert not await client.register(CLIENT, secret_hash=None, now=NOW)
    await system.delivered(client)
    assert await listed(system) == []
    assert await told(system, "u1") == [("aocl_x", 1)]
    assert await told(system, "u2") == []


@pytest.mark.requirement("B-36", "M-9")
async def test_disabling_ends_an_epoch_and_enabling_begins_another(
    system: ActorSystem, client: ClientActor
) -> None:
    assert await client.enlist("u1", now=NOW) == 1
    assert await client.set_disabled(disabled=True, now=NOW)
    assert not await client.set_disabled(disabled=True, now=NOW)
    assert await client.client() is None
    assert await client.enlist("u2", now=NOW) == GONE
    status = await client.status()
    assert status is not None
    assert status.state is ClientState.DISABLED
    await system.delivered(client)
    assert await told(system, "u1") == [("aocl_x", 1)]

    assert await client.set_disabled(disabled=False, now=NOW)
    assert not await client.set_disabled(disabled=False, now=NOW)
    known = await client.client()
    assert known is not None
    assert known.epoch == 2
    assert await client.enlist("u1", now=NOW) == 2
    assert not await client.revoke_enlisted(now=NOW)
    await system.delivered(client)
    assert await told(system, "u1") == [("aocl_x", 1)]

    await client.delete(now=NOW)
    await system.delivered(client)
    assert await told(system, "u1") == [("aocl_x", 1), ("aocl_x", 2)]


async def test_a_user_is_enlisted_once_for_an_epoch(client: ClientActor) -> None:
    for _ in range(3):
        assert await client.enlist("u1", now=NOW) == 1
    status = await client.status()
    assert status is not None
    assert status.users == 1


@pytest.mark.requirement("B-30")
async def test_a_client_that_nobody_authorized_expires(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW) as system:
        client = system.get(ClientActor, "c1")
        await client.register(
            CLIENT, secret_hash=None, now=NOW, unused_lifetime=30 * DAY
        )
    async with opened(tmp_path, NOW + 29 * DAY) as system:
        client = system.get(ClientActor, "c1")
        status = await client.status()
        assert status is not None
        assert status.expires_at == NOW + 30 * DAY
    async with opened(tmp_path, NOW + 30 * DAY) as system:
        client = system.get(ClientActor, "c1")

        async def gone() -> bool:
            return await client.client() is None

        await until(gone)
        await system.delivered(client)
        assert await listed(system) == []


@pytest.mark.requirement("B-30")
async def test_a_client_does_not_expire_before_any_grant_could(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW) as system:
        client = system.get(ClientActor, "c1")
        await client.register(
            CLIENT, secret_hash=None, now=NOW, unused_lifetime=30 * DAY
        )
        at = NOW + 20 * DAY
        assert await client.enlist("u1", now=at, grant_lifetime=90 * DAY) == 1
        assert await client.enlist("u2", now=NOW, grant_lifetime=90 * DAY) == 1
        assert await client.enlist("u2", now=NOW) == 1
    # The alarm of the day of registration finds that the client has been used since.
    async with opened(tmp_path, NOW + 109 * DAY) as system:
        client = system.get(ClientActor, "c1")
        status = await client.status()
        assert status is not None
        assert status.expires_at == NOW + 110 * DAY
        await system.delivered(client)
        assert await client.client() == CLIENT
    async with opened(tmp_path, NOW + 110 * DAY) as system:

        async def both_told() -> bool:
            return all([await told(system, key) for key in ("u1", "u2")])

        await until(both_told)


@pytest.mark.requirement("B-05", "B-30")
async def test_what_an_operator_touches_does_not_expire(tmp_path: Path) -> None:
    async with opened(tmp_path, NOW) as system:
        client = system.get(ClientActor, "c1")
        await client.register(CLIENT, secret_hash=None, now=NOW, unused_lifetime=DAY)
        await client.set_disabled(disabled=True, now=NOW)
        status = await client.status()
        assert status is not None
        assert status.expires_at is None
        await client.set_disabled(disabled=False, now=NOW)
        assert await client.enlist("u1", now=NOW, grant_lifetime=DAY) == 2
        status = await client.status()
        assert status is not None
        assert status.expires_at is None


@pytest.mark.requirement("M-9", "B-36")
@pytest.mark.parametrize("before", [0, 1, 16, 31])
async def test_whoever_enlists_while_a_client_is_deleted_is_refused_or_told(
    tmp_path: Path, before: int
) -> None:
    answers: dict[str, int | Refused] = {}

    async with opened(tmp_path, NOW - DAY, PatientClient) as system:
        client = await register_with_users(system, 0)

        async def enlist(key: str) -> None:
            answers[key] = await client.enlist(key, now=NOW)

        async def delete() -> None:
            assert await client.delete(now=NOW)
            while await client.revoke_enlisted(now=NOW):
                pass
            await system.delivered(client)

        async with trio.open_nursery() as nursery:
            for number in range(32):
                if number == before:
                    nursery.start_soon(delete)
                nursery.start_soon(enlist, f"u{number}")

        assert len(answers) == 32
        for key, answer in answers.items():
            assert await told(system, key) == ([("aocl_x", 1)] if answer == 1 else [])
            assert answer in (1, GONE)


@pytest.mark.requirement("G12", "B-36")
async def test_g12_a_client_that_another_process_deletes_is_known_no_more_at_once(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        mine, its = one.get(ClientActor, "c1"), other.get(ClientActor, "c1")
        await mine.register(CLIENT, secret_hash=hash_client_secret("s"), now=NOW)
        for _ in range(2):
            assert (await mine.registration()).client == CLIENT
        await its.delete(now=NOW)
        assert (await mine.registration()).client is None
