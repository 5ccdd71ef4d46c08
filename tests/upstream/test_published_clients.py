"""Clients that publish what they are: fetched once, kept by their own actors."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio
import trio.testing

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.directory import CLIENTS, DirectoryActor
from actor_oauth.oauth.client_lifecycle import ClientState
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata_document import MAX_STALE, USUALLY_CACHED
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.published_clients import (
    PublishedClients,
    open_published_clients,
)
from tests.support.signing import Signer, signer
from tests.support.web import Web, open_web, reply

NOW = 1_800_000_000
URL = "https://c.example/client.json"
PAGE = "c.example/client.json"
KEYS_PAGE = "c.example/jwks.json"
POLICY = Policy(
    issuer="https://as.example",
    resources=(ResourcePolicy(identifier="https://as.example/mcp"),),
    metadata_documents_enabled=True,
    private_use_schemes=frozenset(("cursor",)),
)
TASKS = 32
GONE = reply(b"{}", status="404 Not Found")
BUSY = reply(b"{}", status="503 Busy")


class SettableClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> int:
        return self.time


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


def keys(*signers: Signer) -> bytes:
    return json.dumps({"keys": [each.public() for each in signers]}).encode()


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
    clock = SettableClock()
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


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with opened(tmp_path) as it:
        yield it


def found(answer: Client | Refused) -> Client:
    assert isinstance(answer, Client), answer
    return answer


@pytest.mark.requirement("M-15", "B-18")
async def test_n_cold_callers_cause_one_request(setting: Setting) -> None:
    answers = await setting.ask_all()

    assert {found(answer).client_name for answer in answers} == {"A client"}
    assert setting.web.count(PAGE) == 1


@pytest.mark.requirement("M-15", "B-16")
async def test_a_failure_reaches_all_who_wait_and_is_not_kept(
    setting: Setting,
) -> None:
    setting.web.pages[PAGE] = GONE
    answers = await setting.ask_all()
    assert answers == [Refused(Reason.DOCUMENT_UNAVAILABLE)] * TASKS
    assert setting.web.count(PAGE) == 1

    setting.web.pages[PAGE] = reply(document())
    assert isinstance(await setting.ask(), Client)


@pytest.mark.requirement("B-18", "M-20")
async def test_the_first_caller_s_leaving_does_not_stop_the_others(
    setting: Setting,
) -> None:
    setting.web.held[PAGE] = trio.Event()
    answers: list[Client | Refused] = []

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            answers.append(await setting.ask())

    first = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, first)
        await setting.web.arrived[PAGE].wait()
        for _ in range(TASKS - 1):
            nursery.start_soon(ask, trio.CancelScope())
        await trio.testing.wait_all_tasks_blocked(0.01)
        first.cancel()
        await trio.testing.wait_all_tasks_blocked(0.01)
        setting.web.held[PAGE].set()

    assert len(answers) == TASKS - 1
    assert all(isinstance(answer, Client) for answer in answers)
    assert setting.web.count(PAGE) == 1


@pytest.mark.requirement("B-16")
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("X-None: 1", USUALLY_CACHED),
        ("Cache-Control: max-age=0", 60),
        ("Cache-Control: no-store", 60),
        ("Cache-Control: max-age=7200", 7200),
        ("Cache-Control: max-age=99999999", 7 * 86400),
    ],
)
async def test_a_document_is_used_as_long_as_it_stays_fresh(
    setting: Setting, header: str, seconds: int
) -> None:
    setting.web.pages[PAGE] = reply(document(), header)
    await setting.ask()
    setting.web.pages[PAGE] = reply(document(client_name="Renamed"), header)

    setting.clock.time = NOW + seconds - 1
    assert found(await setting.ask()).client_name == "A client"
    setting.clock.time = NOW + seconds
    answers = await setting.ask_all()
    assert {found(answer).client_name for answer in answers} == {"Renamed"}
    assert setting.web.count(PAGE) == 2


@pytest.mark.requirement("B-16")
async def test_the_cache_is_the_actor_s_and_outlives_the_process(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as first:
        await first.ask()
    async with opened(tmp_path) as second:
        assert isinstance(await second.ask(), Client)
        assert second.web.count(PAGE) == 0


@pytest.mark.requirement("B-16")
async def test_a_cached_document_that_stops_validating_is_asked_for_once_more(
    tmp_path: Path,
) -> None:
    uris: list[Json] = ["cursor://x/cb"]
    async with opened(tmp_path) as lax:
        lax.web.pages[PAGE] = reply(document(redirect_uris=uris))
        assert found(await lax.ask()).redirect_uris == ("cursor://x/cb",)
    stricter = replace(POLICY, private_use_schemes=frozenset())
    async with opened(tmp_path, stricter) as strict:
        strict.web.pages[PAGE] = reply(document(redirect_uris=uris))
        assert await strict.ask() == Refused(Reason.REDIRECT_URI_SCHEME)
        assert strict.web.count(PAGE) == 1
        # It is gone, and the next one is asked for and kept as usual.
        strict.web.pages[PAGE] = reply(document())
        assert isinstance(await strict.ask(), Client)
        assert isinstance(await strict.ask(), Client)
        assert strict.web.count(PAGE) == 2


@pytest.mark.requirement("B-16")
@pytest.mark.parametrize("bad", [GONE, reply(b"{}"), reply(document(client_id="x"))])
async def test_a_document_that_was_withdrawn_is_not_used_again(
    setting: Setting, bad: bytes
) -> None:
    await setting.ask()
    setting.clock.time += USUALLY_CACHED
    setting.web.pages[PAGE] = bad
    assert isinstance(await setting.ask(), Refused)
    # Not even when it cannot be asked for.
    setting.web.pages[PAGE] = BUSY
    assert await setting.ask() == Refused(Reason.DOCUMENT_UNAVAILABLE)


async def test_an_outage_of_the_client_s_site_does_not_sign_out_its_users(
    setting: Setting,
) -> None:
    await setting.ask()
    setting.web.pages[PAGE] = BUSY

    setting.clock.time = NOW + USUALLY_CACHED + MAX_STALE - 1
    answers = await setting.ask_all()
    assert all(isinstance(answer, Client) for answer in answers)
    assert setting.web.count(PAGE) == 2
    setting.clock.time += 1
    assert await setting.ask() == Refused(Reason.DOCUMENT_UNAVAILABLE)


async def test_a_host_that_is_asked_too_often_is_said_to_be_busy(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, rate=HostRate(burst=1, interval=1e6)) as setting:
        setting.web.pages[PAGE] = GONE
        assert await setting.ask() == Refused(Reason.DOCUMENT_UNAVAILABLE)
        assert await setting.ask() == Refused(Reason.DOCUMENT_RATE_LIMITED)


@pytest.mark.requirement("B-05")
@pytest.mark.parametrize("origin", ["pre-registered", "dynamic"])
async def test_a_stored_client_wins_and_nothing_is_fetched(
    setting: Setting, origin: str
) -> None:
    stored = Client(client_id=URL, redirect_uris=("https://d.example",), origin=origin)  # type: ignore[arg-type]  # one of them
    await setting.actor.register(stored, secret_hash=None, now=NOW)

    assert await setting.ask() == stored
    assert setting.web.count(PAGE) == 0


@pytest.mark.requirement("B-36")
async def test_a_client_that_was_deleted_or_disabled_is_not_revived_by_its_document(
    setting: Setting,
) -> None:
    await setting.ask()
    await setting.actor.set_disabled(disabled=True, now=NOW)
    assert await setting.ask() == Refused(Reason.CLIENT_UNKNOWN)
    await setting.actor.set_disabled(disabled=False, now=NOW)
    assert found(await setting.ask()).epoch == 2
    await setting.actor.delete(now=NOW)
    assert await setting.ask() == Refused(Reason.CLIENT_UNKNOWN)
    assert setting.web.count(PAGE) == 2


@pytest.mark.requirement("B-36", "M-9")
async def test_a_deletion_while_the_document_is_on_its_way_holds(
    setting: Setting,
) -> None:
    await setting.ask()
    setting.clock.time += USUALLY_CACHED
    setting.web.held[PAGE] = trio.Event()
    answers: list[Client | Refused] = []

    async def ask() -> None:
        answers.append(await setting.ask())

    setting.web.arrived.pop(PAGE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await setting.web.arrived[PAGE].wait()
        await setting.actor.delete(now=setting.clock.time)
        setting.web.held[PAGE].set()

    assert answers == [Refused(Reason.CLIENT_UNKNOWN)]


@pytest.mark.requirement("B-30", "C-22")
async def test_a_client_that_nobody_uses_is_forgotten_and_may_come_back(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as setting:
        await setting.ask()
        status = await setting.actor.status()
        assert status is not None
        assert status.expires_at == NOW + USUALLY_CACHED + MAX_STALE
        directory = setting.system.get(DirectoryActor, CLIENTS)
        await setting.system.delivered(setting.actor)
        assert await directory.count() == 0
        # Somebody grants it something: it is listed, and stays as long as that may live.
        await setting.actor.enlist("ab", now=NOW, grant_lifetime=10 * MAX_STALE)
        await setting.system.delivered(setting.actor)
        assert await directory.count() == 1
        status = await setting.actor.status()
        assert status is not None
        assert status.expires_at == NOW + 10 * MAX_STALE
        setting.clock.time = NOW + 10 * MAX_STALE
    clock = SettableClock()
    clock.time = NOW + 10 * MAX_STALE
    async with open_system(LocalEngine(tmp_path), ACTOR_KINDS, clock=clock) as system:
        actor = system.get(ClientActor, client_key(URL))
        directory = system.get(DirectoryActor, CLIENTS)
        with trio.fail_after(60):
            while await actor.client() is not None or await directory.count():
                await trio.lowlevel.checkpoint()
        published = await actor.published()
        assert published.state is ClientState.ABSENT
        assert published.document is None
        async with open_web("c.example") as web:
            web.pages[PAGE] = reply(document())
            async with open_published_clients(
                system=system, policy=POLICY, clock=clock, fetcher=web.fetcher()
            ) as clients:
                assert isinstance(await clients.client(URL), Client)


FIRST, SECOND = signer("RS256"), signer("RS256", kid="k2")


def with_keys(setting: Setting, body: bytes) -> None:
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://c.example/jwks.json",
        )
    )
    setting.web.pages[KEYS_PAGE] = reply(body)


async def kids(setting: Setting, *, renewed: bool = False) -> list[str | None] | Reason:
    client = found(await setting.ask())
    answer = await setting.clients.keys(client, renewed=renewed)
    if isinstance(answer, Refused):
        return answer.reason
    return [key.kid for key in answer]


@pytest.mark.requirement("E-14", "M-15")
async def test_n_cold_callers_cause_one_request_for_keys(setting: Setting) -> None:
    with_keys(setting, keys(FIRST))
    answers: list[list[str | None] | Reason] = []

    async def one() -> None:
        answers.append(await kids(setting))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(one)
    assert answers == [["k1"]] * TASKS
    assert setting.web.count(KEYS_PAGE) == 1


@pytest.mark.requirement("E-14")
async def test_an_unknown_key_is_asked_for_once_a_minute_at_most(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.web.pages[KEYS_PAGE] = reply(keys(FIRST, SECOND))
    assert await kids(setting, renewed=True) == ["k1"]

    setting.clock.time = NOW + 60
    answers: list[list[str | None] | Reason] = []

    async def one() -> None:
        answers.append(await kids(setting, renewed=True))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(one)
    assert answers == [["k1", "k2"]] * TASKS
    for _ in range(3):
        assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert setting.web.count(KEYS_PAGE) == 2
    # A failed attempt counts too, and what is known stays in use.
    setting.clock.time = NOW + 120
    setting.web.pages[KEYS_PAGE] = BUSY
    assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert await kids(setting, renewed=True) == ["k1", "k2"]
    assert setting.web.count(KEYS_PAGE) == 3


@pytest.mark.requirement("E-14", "M-15")
@pytest.mark.parametrize("bad", [GONE, BUSY, reply(b"[]"), reply(b'{"keys":7}')])
async def test_keys_that_cannot_be_had_are_not_remembered_as_such(
    setting: Setting, bad: bytes
) -> None:
    with_keys(setting, keys(FIRST))
    good = setting.web.pages[KEYS_PAGE]
    setting.web.pages[KEYS_PAGE] = bad
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
    setting.web.pages[KEYS_PAGE] = good
    assert await kids(setting) == ["k1"]


@pytest.mark.requirement("B-15", "E-14")
async def test_keys_are_fetched_by_the_same_rules_as_documents(
    setting: Setting,
) -> None:
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://inner.example/jwks.json",
        )
    )
    setting.web.names["inner.example"] = [["169.254.169.254"]]
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
    assert [address for address, _ in setting.web.dialled] == ["203.0.112.10"]


@pytest.mark.requirement("E-14", "B-19")
async def test_a_document_that_names_other_keys_takes_effect_at_once(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.clock.time += USUALLY_CACHED
    setting.web.pages[PAGE] = reply(
        document(
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri="https://d.example/jwks.json",
        )
    )
    setting.web.pages["d.example/jwks.json"] = reply(keys(SECOND))
    assert await kids(setting) == ["k2"]


async def test_stale_keys_serve_for_a_while_if_the_network_fails(
    setting: Setting,
) -> None:
    with_keys(setting, keys(FIRST))
    assert await kids(setting) == ["k1"]
    setting.clock.time = NOW + USUALLY_CACHED + 10
    setting.web.pages[KEYS_PAGE] = BUSY
    assert await kids(setting) == ["k1"]
    setting.web.pages[KEYS_PAGE] = GONE
    assert await kids(setting) is Reason.CLIENT_KEYS_UNAVAILABLE
