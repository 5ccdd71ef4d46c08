"""Clients that publish what they are: fetched once, kept by their own actors."""

from dataclasses import replace
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
from actor_oauth.oauth.wire import Reason, Refused
from actor_oauth.runtime import LocalEngine, open_system
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.published_clients import open_published_clients
from tests.support.clocks import SettableClock
from tests.support.web import open_web, reply
from tests.upstream.published_clients.setting import (
    BUSY,
    GONE,
    NOW,
    PAGE,
    POLICY,
    TASKS,
    URL,
    Setting,
    document,
    found,
    opened,
)


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
    clock = SettableClock(NOW)
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
