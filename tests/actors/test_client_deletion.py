"""Deleting a client while its users authorize: afterwards nothing of it lives (M-9)."""

from pathlib import Path

import pytest
import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.user import Approved, UserActor
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Refused
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system
from tests.support.clocks import StoppedClock

NOW = 1_700_000_000
POLICY = Policy(
    issuer="https://h.example",
    resources=(ResourcePolicy(identifier="https://h.example/mcp"),),
)
CLIENT = Client(client_id="aocl_x", redirect_uris=("https://c.example/cb",))
REQUEST = AuthorizationRequest(
    client_id="aocl_x",
    redirect_uri="https://c.example/cb",
    redirect_uri_sent=None,
    state=None,
    scope=Scope(("mcp",)),
    resource="https://h.example/mcp",
    code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
)
USERS = 32


class Race:
    """Users who authorize one client, and an operator who deletes it."""

    def __init__(self, system: ActorSystem) -> None:
        self.system = system
        self.client = system.get(ClientActor, "c1")
        self.epochs: dict[str, int] = {}
        self.approved: dict[str, Approved] = {}

    def user(self, key: str) -> UserActor:
        return self.system.get(UserActor, key)

    async def issue(self, key: str, epoch: int) -> Approved | Refused:
        return await self.user(key).authorize(
            REQUEST,
            Approval(
                scope=REQUEST.scope, client_epoch=epoch, props=None, metadata=None
            ),
            user_id=key,
            policy=POLICY,
            fresh=key.encode().ljust(64, b"."),
            now=NOW,
        )

    async def authorize(self, key: str) -> None:
        epoch = await self.client.enlist(key, now=NOW)
        if isinstance(epoch, Refused):
            return
        self.epochs[key] = epoch
        outcome = await self.issue(key, epoch)
        if isinstance(outcome, Approved):
            self.approved[key] = outcome

    async def delete(self) -> None:
        assert await self.client.delete(now=NOW)
        while await self.client.revoke_enlisted(now=NOW):
            pass
        await self.system.delivered(self.client)


@pytest.mark.requirement("M-9", "B-36", "B-34", "H-08")
@pytest.mark.parametrize("before", [0, 1, 8, 24, USERS])
async def test_once_a_client_is_deleted_nothing_of_it_lives_or_comes_to_life(
    tmp_path: Path, before: int
) -> None:
    kinds = (ClientActor, UserActor, DirectoryActor)
    clock = StoppedClock(NOW)
    async with open_system(LocalEngine(tmp_path), kinds=kinds, clock=clock) as system:
        race = Race(system)
        await race.client.register(CLIENT, secret_hash=None, now=NOW)
        keys = [f"{number:032x}" for number in range(USERS)]
        for key in keys[:before]:
            await race.authorize(key)
        assert len(race.approved) == before

        async with trio.open_nursery() as nursery:
            for position, key in enumerate(keys[before:]):
                nursery.start_soon(race.authorize, key)
                if position == 4:
                    nursery.start_soon(race.delete)
            if before == USERS:
                nursery.start_soon(race.delete)

        assert set(race.approved) <= set(race.epochs)
        for key in race.epochs:
            page = await race.user(key).list_grants(now=NOW)
            assert page.grants == ()
            # The request that had enlisted, and was slow, comes too late.
            assert isinstance(await race.issue(key, race.epochs[key]), Refused)
        assert isinstance(await race.client.enlist(keys[0], now=NOW), Refused)
