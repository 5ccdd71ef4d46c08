"""Who is told of what goes wrong: the observer, the audit trail, the user."""

from pathlib import Path

import pytest

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.vault.owed import MAX_TRIES
from actor_oauth.oauth.upstream.credentials import LONGEST_PAUSE
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.upstream.vault import ConnectionEnded
from tests.support.standin import Said, Upstream
from tests.upstream.vault.world import (
    BROWSER,
    KEYRING,
    USER,
    World,
    open_world,
    revoke_owed,
    wake,
)

AS = "/.well-known/oauth-authorization-server"


def heard(world: World) -> list[tuple[str, str, str, int]]:
    """What was told since the last time."""
    found = [(e.endpoint, e.reason, e.category, e.status) for e in world.observed]
    world.observed.clear()
    return found


def user_of(world: World) -> UserActor:
    effects = world.effects
    return effects.system.get(UserActor, effects.user_key(USER))


async def trail(world: World) -> list[tuple[str, str | None]]:
    """The audit trail, oldest first."""
    await world.effects.system.delivered(world.actor())
    events = await user_of(world).audit_trail()
    return [(event.kind, event.detail) for event in reversed(events)]


async def test_the_observer_hears_of_sign_ins_that_fail(world: World) -> None:
    secret = world.upstream.url + "?token=hush"
    world.upstream.server.pages[AS] = Said(503)
    await world.vault.begin_login(USER, secret, browser=BROWSER)
    assert heard(world) == [("vault/login", "unreachable", "upstream_unavailable", 503)]

    await world.vault.begin_login(USER, "ftp://x/?token=hush", browser=BROWSER)
    [told] = world.observed
    assert (told.reason, told.detail) == ("url_refused", "ftp://x/")
    heard(world)

    world.upstream.set_up()
    query = world.upstream.approve((await world.begin()).url)
    await world.finish({**query, "iss": "https://evil.example"})
    wrong = ("vault/callback", "callback_issuer_wrong", "upstream_failed", 502)
    assert heard(world) == [wrong]


async def test_the_observer_hears_of_tokens_that_cannot_be_had(world: World) -> None:
    await world.fault()
    missing = ("vault/authorization", "not_connected", "upstream_failed", 404)
    assert heard(world) == [missing]
    await world.connect()
    world.clock.advance(3500)
    world.upstream.answers = [Said(503)]
    await world.token()
    late = ("vault/refresh", "unreachable", "upstream_unavailable", 503)
    assert heard(world) == [late]

    world.clock.advance(60)
    world.upstream.current.clear()
    await world.fault()
    assert heard(world) == [
        ("vault/refresh", "grant_rejected", "upstream_failed", 502),
        ("vault/authorization", "reauthorization_needed", "upstream_failed", 409),
    ]


async def test_the_observer_hears_of_revocations_that_are_given_up(
    world: World,
) -> None:
    await world.connect()
    world.upstream.server.pages["/revoke"] = Said(503)
    await world.vault.remove(USER, world.upstream.url)
    for _ in range(MAX_TRIES - 1):
        assert heard(world) == []
        world.clock.advance(LONGEST_PAUSE)
        await wake(world)
        await revoke_owed(world)

    given_up = ("vault/revocation", "unreachable", "upstream_unavailable", 503)
    assert heard(world) == [given_up]


@pytest.mark.requirement("K-12")
async def test_the_audit_trail_tells_a_connections_life(world: World) -> None:
    url = world.upstream.url
    query = world.upstream.approve((await world.begin()).url)
    await world.finish({**query, "iss": "https://evil.example"})
    query = world.upstream.approve((await world.begin()).url)
    world.upstream.answers = [Said(400, {"error": "invalid_grant"})]
    await world.finish(query)
    await world.connect()
    world.clock.advance(3500)
    world.upstream.current.clear()
    await world.fault()
    await world.connect()
    await world.vault.remove(USER, url)

    assert await trail(world) == [
        ("connection_refused", f"callback_issuer_wrong {url}"),
        ("connection_refused", f"grant_rejected {url}"),
        ("connection_authorized", url),
        ("connection_ended", url),
        ("connection_authorized", url),
        ("connection_removed", url),
    ]


@pytest.mark.requirement("K-10")
async def test_a_deleted_account_has_no_trail_of_connections(world: World) -> None:
    user, now = user_of(world), world.clock.now()
    assert await user.create_account(USER, password_hash="hash", now=now)
    assert await user.delete_account(keyring=KEYRING, now=now)
    await world.connect()

    assert await trail(world) == [("account_deleted", None)]


class Told:
    """The application's callback."""

    def __init__(self) -> None:
        self.endings: list[ConnectionEnded] = []

    async def __call__(self, ended: ConnectionEnded) -> None:
        self.endings.append(ended)
        raise ValueError("its own trouble")


async def test_a_user_is_told_once_that_a_connection_has_ended(
    tmp_path: Path, upstream: Upstream
) -> None:
    told = Told()
    callbacks = Callbacks(on_connection_ended=told)
    async with open_world(tmp_path, upstream, callbacks=callbacks) as world:
        await world.connect()
        world.clock.advance(3500)
        upstream.current.clear()
        await world.fault()
        clock = world.clock
    # Nothing was told yet, and it is not lost.
    assert told.endings == []
    async with open_world(
        tmp_path, upstream, callbacks=callbacks, clock=clock
    ) as world:
        await world.effects.system.delivered(world.actor())
        assert await world.vault.upkeep.tell_ended() == 1
        assert await world.vault.upkeep.tell_ended() == 0
    assert told.endings == [
        ConnectionEnded(
            user_id=USER,
            resource=upstream.url,
            name="Stand-in",
            reauthorize_url=world.vault.policy.login_url(upstream.url),
        )
    ]


async def test_of_what_was_brought_back_or_never_wanted_a_token_nobody_is_told(
    tmp_path: Path, upstream: Upstream
) -> None:
    told = Told()
    callbacks = Callbacks(on_connection_ended=told)
    async with open_world(tmp_path, upstream, callbacks=callbacks) as world:
        await world.connect()
        world.clock.advance(3500)
        upstream.current.clear()
        await world.fault()
        await world.connect()
        upstream.resource.pages["/open"] = Said()
        opened = upstream.resource.url + "/open"
        await world.vault.begin_login(USER, opened, browser=BROWSER)
        await world.vault.report_rejection(USER, opened, (0, 0))
        await world.effects.system.delivered(world.actor())
        assert await world.vault.upkeep.tell_ended() == 2
    assert told.endings == []


async def test_a_token_that_ends_by_itself_is_told_as_well(world: World) -> None:
    bare = Said(members={"access_token": "a", "token_type": "Bearer", "expires_in": 60})
    world.upstream.answers = [bare]
    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))
    world.clock.advance(60)
    assert await world.fault() is UpstreamFault.REAUTHORIZATION_NEEDED
    await wake(world)

    assert (await trail(world))[-1] == ("connection_ended", world.upstream.url)
    assert await world.vault.upkeep.tell_ended() == 1
