"""Fresh tokens: one request for everybody, and nothing lost when it goes wrong."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors.vault import Connection
from actor_oauth.oauth.upstream.credentials import CredentialState
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault import Authorization
from tests.support.standin import Asked, Said, Upstream
from tests.upstream.vault.world import USER, World, open_world

_F = UpstreamFault


async def all_of(world: World, count: int) -> list[Authorization | UpstreamFailed]:
    """Ask for the token as often at once."""
    answers: list[Authorization | UpstreamFailed] = []

    async def ask() -> None:
        answers.append(await world.vault.get_authorization(USER, world.upstream.url))

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(ask)
    return answers


@pytest.mark.requirement("I-26")
async def test_a_token_is_used_until_five_minutes_before_its_end(world: World) -> None:
    first = await world.connect()

    world.clock.advance(3600 - 301)
    assert await world.token() == first
    assert world.upstream.refreshes == 0
    world.clock.advance(1)
    second = await world.token()

    assert (first.header, second.header) == ("Bearer access3", "Bearer access4")
    assert second.expires_at == world.clock.now() + 3600
    assert world.upstream.refreshes == 1


@pytest.mark.requirement("I-27", "I-28", "M-16")
async def test_many_callers_cause_one_request_and_get_the_same_token(
    world: World,
) -> None:
    await world.connect()
    world.clock.advance(3500)

    answers = await all_of(world, 64)

    assert world.upstream.refreshes == 1
    assert not world.upstream.replayed
    assert {getattr(answer, "header", None) for answer in answers} == {"Bearer access4"}


@pytest.mark.requirement("I-16")
async def test_a_refresh_names_the_resource(world: World) -> None:
    await world.connect()
    world.clock.advance(3500)
    await world.token()

    form = world.upstream.server.asked[-1].form
    assert form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh3",
        "resource": world.upstream.url,
    }


@pytest.mark.requirement("I-29")
async def test_without_a_new_refresh_token_the_old_one_is_kept(world: World) -> None:
    await world.connect()
    kept = {"access_token": "a", "token_type": "Bearer", "expires_in": 3600}
    world.upstream.answers = [Said(members=kept), Said(members=kept)]

    for _ in range(2):
        world.clock.advance(3500)
        assert (await world.token()).header == "Bearer a"

    sent = [
        asked.form.get("refresh_token") for asked in world.upstream.server.asked[-2:]
    ]
    assert sent == ["refresh3", "refresh3"]


@pytest.mark.requirement("I-30")
async def test_a_lost_answer_is_asked_for_once_more_with_the_same_token(
    world: World,
) -> None:
    await world.connect()
    world.clock.advance(3500)
    world.upstream.answers = [lambda asked: None]

    assert (await world.token()).header == "Bearer access4"
    sent = [asked.form["refresh_token"] for asked in world.upstream.server.asked[-2:]]
    assert sent == ["refresh3", "refresh3"]


@pytest.mark.requirement("I-30", "I-31")
async def test_two_lost_answers_keep_the_token_and_wait(world: World) -> None:
    first = await world.connect()
    world.clock.advance(3500)
    world.upstream.answers = [lambda asked: None] * 2

    # Alive for a hundred seconds more.
    assert await world.token() == first
    assert world.upstream.refreshes == 2
    assert await world.token() == first
    assert world.upstream.refreshes == 2
    world.clock.advance(15)
    # The second one has been lost as well: this is no first attempt.
    world.upstream.answers = [lambda asked: None]
    assert await world.token() == first
    assert world.upstream.refreshes == 3


@pytest.mark.requirement("I-31")
@pytest.mark.parametrize("status", [500, 503, 429, 404, 401])
async def test_a_passing_failure_keeps_everything_and_backs_off(
    world: World, status: int
) -> None:
    first = await world.connect()
    world.clock.advance(3500)
    busy = Said(status, {"error": "invalid_grant"}, ("Retry-After: 60",))
    world.upstream.answers = [busy]

    assert await world.token() == first
    assert await world.token() == first
    assert world.upstream.refreshes == 1
    world.clock.advance(60)
    assert (await world.token()).header == "Bearer access4"


@pytest.mark.requirement("I-31")
async def test_a_token_that_ended_meanwhile_is_not_used(world: World) -> None:
    await world.connect()
    world.clock.advance(3590)
    world.upstream.answers = [Said(503, {}, ("Retry-After: 60",))]
    await world.token()
    world.clock.advance(20)

    refused = await world.vault.get_authorization(USER, world.upstream.url)

    assert refused == UpstreamFailed(fault=_F.UNREACHABLE, retry_after=40)


@pytest.mark.requirement("I-31")
async def test_invalid_grant_ends_the_connection_and_its_user_is_told(
    world: World,
) -> None:
    await world.connect()
    world.clock.advance(3500)
    world.upstream.current.clear()

    assert await world.fault() is _F.REAUTHORIZATION_NEEDED
    assert await world.fault() is _F.REAUTHORIZATION_NEEDED
    assert world.upstream.refreshes == 1
    [provider] = await world.vault.list_providers(USER)
    assert provider.needs_authorization
    assert provider.reauthorize_url.endswith(
        "/login?url=" + world.upstream.url.replace(":", "%3A").replace("/", "%2F")
    )
    # Connected anew, it is as before.
    assert (await world.connect()).header == "Bearer access5"


@pytest.mark.requirement("I-14", "I-31")
async def test_a_client_that_is_not_accepted_any_more_registers_anew(
    world: World,
) -> None:
    await world.connect()
    world.clock.advance(3500)
    world.upstream.answers = [Said(401, {"error": "invalid_client"})]

    assert await world.fault() is _F.REAUTHORIZATION_NEEDED
    await world.connect()

    assert world.upstream.server.count("/register") == 2


@pytest.mark.requirement("I-28")
async def test_a_caller_that_goes_away_stops_nothing(world: World) -> None:
    await world.connect()
    world.clock.advance(3500)
    arrived, go_on = trio.Event(), trio.Event()

    async def hold(asked: Asked) -> Said:
        arrived.set()
        await go_on.wait()
        return world.upstream.token(asked)

    world.upstream.answers = [hold]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.token)
        await arrived.wait()
        nursery.cancel_scope.cancel()
    go_on.set()

    assert (await world.token()).header == "Bearer access4"
    assert world.upstream.refreshes == 1


def held(world: World) -> tuple[trio.Event, trio.Event]:
    """Hold the next answer: it has arrived; let it go."""
    arrived, go_on = trio.Event(), trio.Event()

    async def hold(asked: Asked) -> Said:
        answer = world.upstream.token(asked)
        arrived.set()
        await go_on.wait()
        return answer

    world.upstream.answers = [hold]
    return arrived, go_on


async def _ask(world: World, into: list[object]) -> None:
    into.append(await world.vault.get_authorization(USER, world.upstream.url))


@pytest.mark.requirement("I-32", "M-17")
async def test_a_removal_wins_over_a_refresh_in_flight(world: World) -> None:
    await world.connect()
    world.clock.advance(3500)
    arrived, go_on = held(world)
    answers: list[object] = []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ask, world, answers)
        await arrived.wait()
        assert await world.vault.remove(USER, world.upstream.url)
        go_on.set()

    assert answers == [UpstreamFailed(fault=_F.NOT_CONNECTED)]
    assert await world.fault() is _F.NOT_CONNECTED
    assert await world.vault.list_providers(USER) == ()
    # The old ones when it was removed, the new ones when they came.
    old, new = ["refresh3", "access3"], ["refresh4", "access4"]
    assert world.upstream.revoked == old + new


@pytest.mark.requirement("I-32", "M-17")
async def test_a_newer_authorization_wins_over_a_refresh_in_flight(
    world: World,
) -> None:
    await world.connect()
    world.clock.advance(3500)
    arrived, go_on = held(world)
    answers: list[object] = []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ask, world, answers)
        await arrived.wait()
        newest = await world.connect()
        go_on.set()

    assert newest.header == "Bearer access6"
    assert answers == [newest]
    assert await world.token() == newest
    assert world.upstream.revoked == []


@pytest.mark.requirement("I-27", "I-30")
async def test_a_refresh_that_a_crash_cut_off_is_taken_over_when_its_claim_lapses(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        first = await world.connect()
        world.clock.advance(3500)
        # What a process leaves behind that dies while it waits for the answer.
        number = (await _connection(world)).number
        due = await world.actor().begin_refresh(
            number,
            b"c" * 16,
            lease=40,
            keyring=world.effects.keyring,
            now=world.clock.now(),
        )
        assert due is not None
        clock = world.clock
    async with open_world(tmp_path, upstream, clock=clock) as world:
        assert (await _connection(world)).credential.state is CredentialState.REFRESHING
        clock.advance(41)
        upstream.answers = [lambda asked: None]
        # Its answer may have been lost already: there is no third request.
        assert (await world.token()).header == first.header
        assert upstream.refreshes == 1
        clock.advance(15)
        assert (await world.token()).header == "Bearer access4"


async def _connection(world: World) -> Connection:
    [connection] = await world.actor().list_connections()
    return connection
