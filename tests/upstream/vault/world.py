"""A vault with real actors on real files, and an upstream to connect it to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.callbacks import Callbacks, ObservedError
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import VaultActor
from actor_oauth.actors.vault.connections import COLUMNS
from actor_oauth.oauth.keyring import Keyring, new_keyring
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.policy import VaultPolicy
from actor_oauth.oauth.upstream.sealing import sealing_key
from actor_oauth.runtime import LocalEngine, SystemEntropy, open_system
from actor_oauth.runtime.actor import Operation
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.host_rate import HostRate
from actor_oauth.upstream.vault import (
    Authorization,
    Connected,
    LoginRedirect,
    Vault,
    open_vault,
)
from tests.http.deployment import policy_for
from tests.support.clocks import SettableClock
from tests.support.standin import Upstream, query_text

USER: Final = "ada"
BROWSER: Final = "what only ada's browser has"
BASE: Final = "https://us.example/oauth"
KEYRING: Final = new_keyring(secret=b"s" * 32, address_key=b"a" * 32, kid="k1")
POLICY: Final = VaultPolicy(
    base_url=BASE, client_name="Us", client_uri="https://us.example", loopback=True
)
RATE: Final = HostRate(burst=100_000, interval=0.001)


@dataclass
class World:
    """What a test has in its hands."""

    vault: Vault
    upstream: Upstream
    clock: SettableClock
    effects: Effects
    fetcher: Fetcher
    observed: list[ObservedError] = field(default_factory=list)

    def actor(self, user: str = USER) -> VaultActor:
        """The user's vault itself."""
        system = self.effects.system
        return system.get(VaultActor, self.effects.user_key(user))

    async def begin(
        self, url: str | None = None, *, user: str = USER, browser: str = BROWSER
    ) -> LoginRedirect:
        begun = await self.vault.begin_login(
            user, url or self.upstream.url, browser=browser
        )
        assert isinstance(begun, LoginRedirect), begun
        return begun

    async def finish(
        self,
        query: dict[str, str],
        *,
        user: str = USER,
        browser: str = BROWSER,
        redirect_uri: str | None = None,
    ) -> Connected | UpstreamFailed:
        answer = parse_form(query_text(query))
        assert isinstance(answer, Parameters)
        if redirect_uri is None:
            label = self.upstream.server.url.partition("://")[2]
            redirect_uri = self.vault.policy.redirect_uri(label)
        return await self.vault.finish_login(
            user, answer, browser=browser, redirect_uri=redirect_uri
        )

    async def connect(self, *, user: str = USER) -> Authorization:
        """Go the whole way; gives the token that there is then."""
        begun = await self.begin(user=user)
        finished = await self.finish(self.upstream.approve(begun.url), user=user)
        assert isinstance(finished, Connected), finished
        return await self.token(user=user)

    async def token(self, *, user: str = USER) -> Authorization:
        found = await self.vault.get_authorization(user, self.upstream.url)
        assert isinstance(found, Authorization), found
        return found

    async def fault(self, *, user: str = USER) -> UpstreamFault:
        found = await self.vault.get_authorization(user, self.upstream.url)
        assert isinstance(found, UpstreamFailed), found
        return found.fault


@asynccontextmanager
async def open_world(
    path: Path,
    upstream: Upstream,
    *,
    policy: VaultPolicy = POLICY,
    callbacks: Callbacks | None = None,
    keyring: Keyring = KEYRING,
    clock: SettableClock | None = None,
) -> AsyncIterator[World]:
    """Open vaults on a data directory for as long as the block lasts."""
    clock = clock or SettableClock()
    async with open_system(LocalEngine(path), ACTOR_KINDS, clock=clock) as system:
        effects = Effects(
            system=system,
            policy=policy_for("https://us.example"),
            keyring=keyring,
            clock=clock,
            entropy=SystemEntropy(),
        )
        fetcher = Fetcher(loopback=policy.loopback, rate=RATE)
        observed: list[ObservedError] = []
        async with open_vault(
            effects=effects,
            policy=policy,
            fetcher=fetcher,
            callbacks=callbacks,
            observe=observed.append,
        ) as vault:
            yield World(
                vault=vault,
                upstream=upstream,
                clock=clock,
                effects=effects,
                fetcher=fetcher,
                observed=observed,
            )


def fault(answer: object) -> UpstreamFault:
    """Why something did not work."""
    assert isinstance(answer, UpstreamFailed), answer
    return answer.fault


def without_loopback(policy: VaultPolicy = POLICY) -> VaultPolicy:
    """A policy as in production."""
    return replace(policy, loopback=False)


async def wake(world: World) -> None:
    """Let the alarm of the user's vault go off if it is due, and its messages arrive."""
    actor = world.actor()
    await world.effects.system._fire(actor.address)
    await world.effects.system.delivered(actor)


async def column(world: World, query: str, user: str = USER) -> list[object]:
    """What a query finds in a user's vault, one value a row."""

    def body(actor: VaultActor) -> list[object]:
        return [row[0] for row in actor.db.execute(query)]

    looking = Operation("look", body, reads_only=True)
    found = await world.effects.system.call(world.actor(user), looking, (), {})
    assert isinstance(found, list)
    return found


async def sealed_with(
    world: World, user: str = USER, *, table: str = "connections"
) -> set[str | None]:
    """The keys that the user's secrets are sealed with."""
    boxes = [
        box
        for name in COLUMNS
        for box in await column(world, f"SELECT {name} FROM {table}", user)
    ]
    return {sealing_key(box) for box in boxes if isinstance(box, bytes)}


async def revoke_owed(world: World) -> int:
    """Look after what is owed; gives how much of it was on the list."""
    await world.effects.system.delivered(world.actor())
    return await world.vault.upkeep.revoke_owed()
