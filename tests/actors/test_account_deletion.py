"""Deleting an account: nothing of it lives afterwards, or comes to life (K-10, M-9)."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.federation.identities import IdentityActor
from actor_oauth.actors.user import Approved, Redeemed, Refreshed, UserActor
from actor_oauth.actors.user.deletion import BATCH, bury_account, erase_buried
from actor_oauth.actors.user.identities import LinkedIdentity, save_identity
from actor_oauth.actors.vault import Connection, VaultActor
from actor_oauth.actors.vault.turns import VAULTS
from actor_oauth.oauth.categories import Category
from actor_oauth.oauth.keyring import identity_key
from actor_oauth.oauth.policy import Lifetimes
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.runtime import LocalEngine, open_system
from tests.support.clocks import StoppedClock
from tests.support.grants import KEYRING, START, a_request, an_approval
from tests.support.user_actor import USER_ID, USER_KEY, Ada, open_ada
from tests.support.user_database import UserDatabase

LIFETIMES = Lifetimes()
ERASED = {"grants", "access_tokens", "refresh_tokens", "short_lived", "identities"}


async def grants_of_many_clients(ada: Ada, number: int) -> list[TokenResponse]:
    """Grants of which none replaces another."""
    return [
        await ada.tokens(
            a_request(redirect_uri=f"https://c{index}.example/cb"),
            an_approval(props={"secret": index}),
        )
        for index in range(number)
    ]


async def sign_up(ada: Ada) -> bool:
    return await ada.actor.create_account(USER_ID, password_hash="hash", now=ada.now)


@pytest.mark.requirement("K-10", "H-08", "M-9", "G-14")
async def test_all_is_dead_before_anything_is_erased(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        assert await sign_up(ada)
        secret = b"s" * 32
        await ada.actor.open_session(
            secret=secret, verified_hash="hash", lifetimes=LIFETIMES, now=ada.now
        )
        tokens = await grants_of_many_clients(ada, 3)
        code = await ada.code()
        assert await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        for response in tokens:
            assert await ada.check(response.access_token) is None
            refused = await ada.refresh(response.refresh_token)
            assert isinstance(refused, Refused)
            assert refused.reason.category is Category.INVALID_GRANT
        assert isinstance(await ada.redeem(code), Refused)
        assert await ada.actor.session(secret, now=ada.now) is None
        assert await ada.actor.account() is None
        assert (await ada.actor.list_grants(now=ada.now)).grants == ()
        assert await ada.authorize() == Refused(Reason.ACCOUNT_DISABLED)
        again = await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        assert not again


@pytest.mark.requirement("K-10", "K-09")
def test_everything_is_erased_in_batches_and_the_tombstone_has_no_name() -> None:
    user = UserDatabase()
    for index in range(2 * BATCH + 1):
        request = a_request(redirect_uri=f"https://c{index}.example/cb")
        approved = user.authorize(request, an_approval(props={"secret": index}))
        assert isinstance(approved, Approved)
        assert isinstance(user.redeem(approved.code), Redeemed)
    identity = LinkedIdentity(
        issuer="https://idp.example",
        subject="1",
        provider="idp",
        label="ada",
        linked_at=START,
    )
    assert save_identity(user.db, identity)
    bury_account(user.db, now=user.now)
    # Nothing of it could be opened any more, even before it is erased.
    assert user.count("grants WHERE props IS NOT NULL OR metadata IS NOT NULL") == 0
    assert user.count("grants WHERE state != 'revoked'") == 0
    turns = 1
    while erase_buried(user.db):
        turns += 1
    assert turns == 3
    names = user.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    own = {name for (name,) in names if not name.startswith(("_", "sqlite_", "actor_"))}
    # Whoever adds a table of the user's has to erase it, and to say so here.
    assert own - ERASED == {"account", "events"}
    assert {name for name in own if user.count(name)} == {"account", "events"}
    row = user.db.execute("SELECT user_id, password_hash FROM account").fetchone()
    assert row == ("", None)
    user.close()


@pytest.mark.requirement("K-10", "I-32")
async def test_what_others_know_of_the_user_goes_as_well(tmp_path: Path) -> None:
    kinds = (UserActor, DirectoryActor, IdentityActor, VaultActor)
    clock = StoppedClock(START)
    async with open_system(LocalEngine(tmp_path), kinds, clock=clock) as system:
        user = system.get(UserActor, USER_KEY)
        assert await user.create_account(USER_ID, password_hash="hash", now=START)
        key = identity_key(KEYRING, "https://idp.example", "1")
        identity = system.get(IdentityActor, key)
        assert await identity.link(USER_ID, now=START)
        linked = LinkedIdentity(
            issuer="https://idp.example",
            subject="1",
            provider="idp",
            label="ada",
            linked_at=START,
        )
        assert await user.add_identity(linked, now=START)
        vault = system.get(VaultActor, USER_KEY)
        connected = await vault.note_public("https://notes.example/mcp", now=START)
        assert isinstance(connected, Connection)
        await system.delivered(vault)
        vaults = system.get(DirectoryActor, VAULTS)
        assert len((await vaults.page()).entries) == 1

        assert await user.delete_account(keyring=KEYRING, now=START)
        await system.delivered(user)
        await system.delivered(vault)
        assert await identity.user_id() is None
        assert await vault.list_connections() == []
        assert (await vaults.page()).entries == ()
        assert not await user.add_identity(linked, now=START)


@pytest.mark.requirement("K-10")
async def test_the_rest_goes_by_alarm_if_whoever_wanted_it_is_gone(
    tmp_path: Path,
) -> None:
    async with open_ada(tmp_path) as ada:
        assert await sign_up(ada)
        await grants_of_many_clients(ada, 2)
        await ada.system.delivered(ada.actor)
        assert await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        await ada.system.delivered(ada.actor)
        assert (await ada.directory.page()).entries == ()
        trail = await ada.actor.audit_trail()
        assert [event.kind for event in trail] == ["account_deleted"]
        # What the alarm does, as a turn.
        await ada.actor.purge(now=ada.now)
        assert not await ada.actor.erase_deleted(now=ada.now)


class Race:
    """What comes alive while an account is deleted."""

    def __init__(self, ada: Ada) -> None:
        self.ada = ada
        self.alive: list[TokenResponse] = []
        self.codes: list[str] = []

    async def refresh(self, token: str | None) -> None:
        answer = await self.ada.refresh(token)
        if isinstance(answer, Refreshed):
            self.alive.append(answer.response)

    async def redeem(self, code: str) -> None:
        answer = await self.ada.redeem(code)
        if isinstance(answer, Redeemed):
            self.alive.append(answer.response)

    async def authorize(self) -> None:
        answer = await self.ada.authorize()
        if isinstance(answer, Approved):
            self.codes.append(answer.code)

    async def delete(self) -> None:
        assert await self.ada.actor.delete_account(keyring=KEYRING, now=self.ada.now)

    async def assert_dead(self) -> None:
        for response in self.alive:
            assert await self.ada.check(response.access_token) is None
            refreshed = await self.ada.refresh(response.refresh_token)
            assert isinstance(refreshed, Refused)
        for code in self.codes:
            assert isinstance(await self.ada.redeem(code), Refused)
        assert isinstance(await self.ada.authorize(), Refused)


@pytest.mark.requirement("M-9", "H-06", "K-10")
async def test_whatever_runs_beside_a_deletion_ends_dead(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        assert await sign_up(ada)
        race = Race(ada)
        tokens = await grants_of_many_clients(ada, 4)
        codes = [await ada.code() for _ in range(4)]
        race.alive += tokens
        async with trio.open_nursery() as nursery:
            for index in range(16):
                nursery.start_soon(race.refresh, tokens[index % 4].refresh_token)
                nursery.start_soon(race.redeem, codes[index % 4])
                nursery.start_soon(race.authorize)
                if index == 8:
                    nursery.start_soon(race.delete)
        await race.assert_dead()


@pytest.mark.requirement("K-10", "H-07")
async def test_a_deleted_user_who_comes_back_is_somebody_new(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        assert await sign_up(ada)
        (old,) = await grants_of_many_clients(ada, 1)
        assert await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        # Not even erased yet.
        assert await sign_up(ada)
        assert not await sign_up(ada)
        assert await ada.check(old.access_token) is None
        new = await ada.tokens()
        assert await ada.check(new.access_token) is not None
        assert isinstance(await ada.refresh(old.refresh_token), Refused)
        assert not await ada.actor.erase_deleted(now=ada.now)
        await ada.system.delivered(ada.actor)
        page = await ada.directory.page()
        assert [entry.entry_id for entry in page.entries] == [USER_ID]


async def test_an_application_readmits_only_whom_it_deleted(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        assert not await ada.actor.readmit(USER_ID, now=ada.now)
        await ada.tokens()
        assert not await ada.actor.readmit(USER_ID, now=ada.now)
        assert await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        assert await ada.actor.readmit(USER_ID, now=ada.now)
        account = await ada.actor.account()
        assert account is not None
        assert (account.user_id, account.password_hash) == (USER_ID, None)
        assert isinstance(await ada.authorize(), Approved)


async def test_nothing_is_done_to_a_tombstone(tmp_path: Path) -> None:
    async with open_ada(tmp_path) as ada:
        assert not await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        assert await sign_up(ada)
        assert await ada.actor.delete_account(keyring=KEYRING, now=ada.now)
        assert not await ada.actor.set_password("other", now=ada.now)
        assert not await ada.actor.set_disabled(disabled=False, now=ada.now)
        assert await ada.actor.login_allowed(now=ada.now) == 0
        await ada.actor.record_login(success=False, now=ada.now)
        trail = await ada.actor.audit_trail()
        assert [event.kind for event in trail] == ["account_deleted"]
