"""A client with a site, and the actors that keep what is published there."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio
import trio.testing

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.client import ClientActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.wire import Refused
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.published_clients import (
    PublishedClients,
    open_published_clients,
)
from tests.support.clocks import SettableClock
from tests.support.web import Web, open_web, reply

NOW = 1_800_000_000
URL = "https://c.example/client.json"
PAGE = "c.example/client.json"
POLICY = Policy(
    issuer="https://as.example",
    resources=(ResourcePolicy(identifier="https://as.example/mcp"),),
    metadata_documents_enabled=True,
    private_use_schemes=frozenset(("cursor",)),
)
TASKS = 32
GONE = reply(b"{}", status="404 Not Found")
BUSY = reply(b"{}", status="503 Busy")


def document(**members: Json) -> bytes:
    return json.dumps(
        {
            "client_id": URL,
            "client_name": "A client",
            "redirect_uris": ["https://c.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            **members,
        }
    ).encode()


@dataclass
class Setting:
    """A web, and a server's clients that are published there."""

    web: Web
    system: ActorSystem
    clock: SettableClock
    clients: PublishedClients

    @property
    def actor(self) -> ClientActor:
        return self.system.get(ClientActor, client_key(URL))

    async def ask(self) -> Client | Refused:
        return await self.clients.client(URL)

    async def ask_all(self, count: int = TASKS) -> list[Client | Refused]:
        answers: list[Client | Refused] = []

        async def one() -> None:
            answers.append(await self.ask())

        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(one)
        return answers


@asynccontextmanager
async def opened(
    path: Path, policy: Policy = POLICY, *, rate: HostRate | None = None
) -> AsyncIterator[Setting]:
    clock = SettableClock(NOW)
    async with (
        open_web("c.example", "d.example") as web,
        open_system(LocalEngine(path), ACTOR_KINDS, clock=clock) as system,
        open_published_clients(
            system=system,
            policy=policy,
            clock=clock,
            fetcher=web.fetcher(rate=rate or HostRate(burst=1000)),
        ) as clients,
    ):
        web.pages[PAGE] = reply(document())
        yield Setting(web, system, clock, clients)


def found(answer: Client | Refused) -> Client:
    assert isinstance(answer, Client), answer
    return answer
