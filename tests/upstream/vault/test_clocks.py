"""Clocks that are off by minutes, theirs or ours: nobody is logged out by one."""

from collections.abc import Callable

import pytest

from actor_oauth.oauth.signed_jwt import moment, parse_jwt
from actor_oauth.oauth.upstream.credentials import FIRST_PAUSE, CredentialState
from actor_oauth.upstream.vault import Authorization
from tests.support.standin import Asked, Said, StandIn
from tests.upstream.vault.world import USER, World

AS = "/.well-known/oauth-authorization-server"
MINUTES = 60


@pytest.mark.requirement("I-25")
@pytest.mark.parametrize("date", ["Sat, 01 Jan 2000 00:00:00 GMT", "tomorrow", ""])
async def test_only_the_time_of_arrival_counts(world: World, date: str) -> None:
    members = {
        "access_token": "a",
        "token_type": "Bearer",
        "expires_in": 3600,
        "expires_at": 1,
        "issued_at": 9_999_999_999,
        "expires": date,
    }
    world.upstream.answers = [Said(members=members, headers=(f"Date: {date}",))]

    found = await world.connect()

    assert found.expires_at == world.clock.now() + 3600


@pytest.mark.requirement("I-35")
async def test_a_clock_that_was_set_back_makes_no_dead_token_immortal(
    world: World,
) -> None:
    first = await world.connect()
    # For the other server time goes on, and its token ends.
    world.clock.advance(-20 * MINUTES)
    world.upstream.current = dict.fromkeys(world.upstream.current, "ended")
    assert await world.token() == first

    second = await world.vault.report_rejection(USER, world.upstream.url, first.version)

    assert isinstance(second, Authorization)
    assert second.header == "Bearer access4"
    assert second.expires_at == world.clock.now() + 3600


@pytest.mark.requirement("I-26", "I-27")
async def test_a_clock_that_leaps_costs_one_refresh(world: World) -> None:
    await world.connect()
    world.clock.advance(30 * 24 * 60 * MINUTES)

    assert (await world.token()).header == "Bearer access4"
    world.clock.advance(-30 * 24 * 60 * MINUTES)
    assert (await world.token()).header == "Bearer access4"

    assert world.upstream.refreshes == 1


def judging_assertions(world: World, server: StandIn) -> Callable[[int], None]:
    """Have the server judge assertions by a clock that is off; gives how to set it."""
    ahead = 0

    def off_by(seconds: int) -> None:
        nonlocal ahead
        ahead = seconds

    def token(asked: Asked) -> Said:
        jwt = parse_jwt(asked.form["client_assertion"])
        ends = None if jwt is None else moment(jwt, "exp")
        if ends is None or ends <= world.clock.now() + ahead:
            return Said(401, {"error": "invalid_client"})
        world.upstream.current.clear()
        return world.upstream.issue()

    server.pages["/token"] = token
    server.pages[AS] = Said(
        members={
            **world.upstream.metadata(),
            "client_id_metadata_document_supported": True,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }
    )
    return off_by


@pytest.mark.requirement("I-31", "I-37")
async def test_an_assertion_bears_a_clock_that_is_minutes_ahead(world: World) -> None:
    off_by = judging_assertions(world, world.upstream.server)
    off_by(4 * MINUTES)

    first = await world.connect()
    assert first.header == "Bearer access2"

    # Too far off: the refusal is about this server, not about the user.
    off_by(10 * MINUTES)
    world.clock.advance(3500)
    assert await world.token() == first
    [connection] = await world.actor().list_connections()
    assert connection.credential.state is CredentialState.CONNECTED
    assert connection.credential.failures == 1

    off_by(0)
    world.clock.advance(FIRST_PAUSE)
    assert (await world.token()).header == "Bearer access3"
