"""Fixtures: an authorization server in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from argon2 import profiles

from actor_oauth.actors.authorization_server import ACTOR_KINDS, AuthorizationServer
from actor_oauth.actors.callbacks import Callbacks, open_callbacks
from actor_oauth.actors.user import UserActor
from actor_oauth.http import HttpOptions
from actor_oauth.http.app import build_app
from actor_oauth.oauth.keyring import new_keyring, user_key
from actor_oauth.oauth.policy import Policy
from actor_oauth.runtime import SystemEntropy, open_system
from actor_oauth.upstream.client_logos import open_client_logos
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.published_clients import open_published_clients
from tests.http.deployment import (
    ISSUER,
    PASSWORD,
    USER,
    Deploy,
    Deployment,
    FailingDisk,
    policy_for,
)
from tests.support.clocks import SettableClock
from tests.support.signing_keys import SIGNING_KEYS


@pytest.fixture(autouse=True)
def weak_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in no time: most tests here sign in, and none is about hashing."""
    monkeypatch.setattr(profiles, "RFC_9106_LOW_MEMORY", profiles.CHEAPEST)


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """Open a deployment, with another policy or other options if wanted."""

    @asynccontextmanager
    async def open_deployment(
        *,
        policy: Policy | None = None,
        options: HttpOptions | None = None,
        fetcher: Fetcher | None = None,
        callbacks: Callbacks | None = None,
    ) -> AsyncIterator[Deployment]:
        clock, entropy = SettableClock(), SystemEntropy()
        policy = policy or policy_for(ISSUER)
        keyring = new_keyring(
            secret=entropy.token_bytes(32),
            address_key=entropy.token_bytes(32),
            kid="1",
        )
        if policy.signing_algorithms:
            keyring = keyring.with_signing_keys(SIGNING_KEYS)
        disk = FailingDisk(tmp_path)
        async with (
            open_system(disk, ACTOR_KINDS, clock=clock) as system,
            open_published_clients(
                system=system, policy=policy, clock=clock, fetcher=fetcher or Fetcher()
            ) as publications,
            open_callbacks(callbacks or Callbacks(), entropy=entropy) as runner,
            open_client_logos(
                system=system, clock=clock, fetcher=fetcher or Fetcher()
            ) as logos,
        ):
            server = AuthorizationServer(
                system=system,
                policy=policy,
                keyring=keyring,
                clock=clock,
                entropy=entropy,
                publications=publications,
                callbacks=runner,
                logos=logos if policy.consent.shows_logos else None,
            )
            await server.create_user(USER, PASSWORD)
            user = system.get(UserActor, user_key(keyring, USER))
            await system.delivered(user)
            app = build_app(server, options=options)
            yield Deployment(
                app=app, server=server, policy=policy, clock=clock, disk=disk
            )

    return open_deployment


@pytest.fixture
async def deployment(deploy: Deploy) -> AsyncIterator[Deployment]:
    """The usual deployment."""
    async with deploy() as opened:
        yield opened
