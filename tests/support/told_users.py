"""Clients' actors, with users who keep what they are told of a client's end."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ClassVar

import sqlite_utils
import trio
from sqlite_utils.migrations import Migrations

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.oauth.clients import Client
from actor_oauth.runtime import (
    Actor,
    ActorSystem,
    LocalEngine,
    RuntimeLimits,
    open_system,
    turn,
    view,
)
from tests.support.clocks import StoppedClock

NOW = 1_700_000_000
DAY = 86400
CLIENT = Client(
    client_id="aocl_x",
    redirect_uris=("https://c.example/cb",),
    auth_method="client_secret_basic",
    auth_methods_accepted=frozenset(("client_secret_basic",)),
    issued_at=NOW,
)

USER_MIGRATIONS = Migrations("tests.client_actor.user")


@USER_MIGRATIONS()
def m0001_told(db: sqlite_utils.Database) -> None:
    db.execute("CREATE TABLE told (client_id TEXT, epoch INTEGER) STRICT")


class ListeningUser(Actor, kind="user"):
    """Stands where users are, and keeps what it is told."""

    migrations = USER_MIGRATIONS

    @turn(creates=True)
    def revoke_client(self, *, client_id: str, epoch: int, now: int) -> None:
        self.db.execute("INSERT INTO told VALUES (?, ?)", (client_id, epoch))

    @view
    def told(self) -> list[tuple[str, int]]:
        return list(self.db.execute("SELECT client_id, epoch FROM told"))


class PatientClient(ClientActor, kind="client"):
    """Tells two users at a time."""

    revocation_batch: ClassVar[int] = 2


def opened(
    path: Path,
    now: int = NOW,
    client: type[ClientActor] = ClientActor,
    *,
    call_seconds: float = 20.0,
) -> AbstractAsyncContextManager[ActorSystem]:
    return open_system(
        LocalEngine(path),
        kinds=(client, DirectoryActor, ListeningUser),
        clock=StoppedClock(now),
        limits=RuntimeLimits(call_seconds=call_seconds),
    )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the runtime does by itself, as long as it makes progress."""
    with trio.fail_after(60):
        while not await condition():
            await trio.lowlevel.checkpoint()


async def told(system: ActorSystem, key: str) -> list[tuple[str, int]]:
    return await system.get(ListeningUser, key).told()


async def register_with_users(system: ActorSystem, users: int) -> PatientClient:
    client = system.get(PatientClient, "c1")
    await client.register(CLIENT, secret_hash=None, now=NOW)
    for number in range(users):
        await client.enlist(f"u{number}", now=NOW)
    return client
