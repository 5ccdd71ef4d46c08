"""Sign-ins under way and connected identities, each at the actor that owns it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.federation import BegunSignIn, IdentityActor, SignInsActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.identities import MAX_IDENTITIES, LinkedIdentity
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.runtime import ActorSystem, LocalEngine, TrioClock, open_system
from tests.support.disks import InlineDisk

NOW = 2_000_000_000
"""Later than the clock of the tests, so that no alarm is due."""


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    """Actors on a disk without threads, so that the clock may jump."""
    engine = LocalEngine(tmp_path, disk=InlineDisk())
    async with open_system(engine, ACTOR_KINDS, clock=TrioClock()) as system:
        yield system


def begun(until: int) -> BegunSignIn:
    """A sign-in that was begun."""
    return BegunSignIn(provider="idp", record=b"sealed", expires_at=until)


@pytest.mark.requirement("C-22")
async def test_there_is_a_limit_to_sign_ins_under_way(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.actors.federation.sign_ins.MAX_SIGN_INS", 2)
    owner = system.get(SignInsActor, "00")
    for key in (b"a", b"b"):
        assert await owner.begin(key, begun(NOW + 600), browser=b"x", now=NOW)
    assert not await owner.begin(b"c", begun(NOW + 600), browser=b"x", now=NOW)
    # Those that have expired count no more.
    assert await owner.begin(b"c", begun(NOW + 1200), browser=b"x", now=NOW + 600)


async def test_what_nobody_came_back_for_is_deleted(
    system: ActorSystem, autojump_clock: trio.testing.MockClock
) -> None:
    owner = system.get(SignInsActor, "00")
    start = TrioClock().now()
    early, late = begun(start + 600), begun(start + 900)
    await owner.begin(b"early", early, browser=b"x", now=start)
    await owner.begin(b"late", late, browser=b"x", now=start)
    await trio.sleep(700)
    # Asked as of then, the first one is gone and not merely old.
    gone = await owner.take(b"early", provider="idp", browser=b"x", now=start)
    assert gone == SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
    left = await owner.take(b"late", provider="idp", browser=b"x", now=start + 700)
    assert left == late


async def test_an_identity_is_connected_to_one_account(system: ActorSystem) -> None:
    identity = system.get(IdentityActor, "0a")
    assert await identity.user_id() is None
    assert await identity.link("ann", now=NOW)
    assert await identity.link("ann", now=NOW)
    assert not await identity.link("bob", now=NOW)
    assert not await identity.unlink("bob")
    assert await identity.user_id() == "ann"
    assert await identity.unlink("ann")
    assert await identity.link("bob", now=NOW)


def linked(subject: str) -> LinkedIdentity:
    """An account at a service."""
    return LinkedIdentity(
        issuer="https://idp.example",
        subject=subject,
        provider="idp",
        label=subject,
        linked_at=NOW,
    )


async def test_an_account_has_so_many_identities_and_no_more(
    system: ActorSystem,
) -> None:
    user = system.get(UserActor, "0a")
    assert not await user.add_identity(linked("s0"), now=NOW)
    await user.create_account("ann", password_hash="x", now=NOW)
    for number in range(MAX_IDENTITIES):
        assert await user.add_identity(linked(f"s{number}"), now=NOW)
    assert not await user.add_identity(linked("one more"), now=NOW)
    assert await user.add_identity(linked("s0"), now=NOW)
    assert not await user.remove_identity("https://idp.example", "nobody", now=NOW)
    assert await user.remove_identity("https://idp.example", "s0", now=NOW)
    assert len(await user.identities()) == MAX_IDENTITIES - 1
