"""A user's actor on a real engine, with the arguments that tests rarely change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from actor_oauth.actors.directory import USERS, DirectoryActor
from actor_oauth.actors.user import Approved, Redeemed, Refreshed, UserActor
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.issue_code import Approval
from actor_oauth.oauth.keyring import user_key
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.refresh_chain import RefreshRequest, ReuseDue
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo, TokenResponse
from actor_oauth.runtime import (
    ActorSystem,
    Clock,
    LocalEngine,
    RuntimeLimits,
    open_system,
)
from actor_oauth.runtime.local import Disk
from tests.support.clocks import StoppedClock
from tests.support.grants import (
    CLIENT,
    KEYRING,
    POLICY,
    START,
    VERIFIER,
    a_request,
    an_approval,
    fresh,
    parsed,
)

USER_ID: Final = "ada"
USER_KEY: Final = user_key(KEYRING, USER_ID)
LIMITS: Final = RuntimeLimits()


class Ada:
    """The user `ada`: her actor, and what a facade would pass to it."""

    def __init__(
        self, system: ActorSystem, user_class: type[UserActor], *, policy: Policy
    ) -> None:
        self.system = system
        self.actor = system.get(user_class, USER_KEY)
        self.directory = system.get(DirectoryActor, USERS)
        self.policy = policy
        self.now = START

    async def authorize(
        self,
        request: AuthorizationRequest | None = None,
        approval: Approval | None = None,
    ) -> Approved | Refused:
        return await self.actor.authorize(
            request or a_request(),
            approval or an_approval(),
            user_id=USER_ID,
            policy=self.policy,
            fresh=fresh(),
            now=self.now,
        )

    async def redeem(
        self, code: str, *, client: Client = CLIENT, code_verifier: str = VERIFIER
    ) -> Redeemed | Refused:
        return await self.actor.redeem(
            parsed(code),
            client=client,
            redirect_uri=None,
            code_verifier=code_verifier,
            policy=self.policy,
            fresh=fresh(),
            now=self.now,
        )

    async def refresh(
        self,
        token: str | None,
        *,
        client: Client = CLIENT,
        scope: Scope | None = None,
        proof: Proof | None = None,
    ) -> Refreshed | Refused:
        answer = await self.actor.refresh(
            RefreshRequest.of(client, parsed(token), scope, (), proof),
            keyring=KEYRING,
            policy=self.policy,
            fresh=fresh(),
            now=self.now,
        )
        assert not isinstance(answer, ReuseDue)
        return answer

    async def revoke(self, token: str | None, *, client_id: str = "app") -> None:
        await self.actor.revoke_token(parsed(token), client_id=client_id, now=self.now)

    async def check(self, token: str) -> AccessTokenInfo | None:
        access = await self.actor.access(parsed(token))
        return None if access is None else access.at(self.now)

    async def code(
        self,
        request: AuthorizationRequest | None = None,
        approval: Approval | None = None,
    ) -> str:
        """Authorize, which must work, and give the code."""
        approved = await self.authorize(request, approval)
        assert isinstance(approved, Approved)
        return approved.code

    async def tokens(
        self,
        request: AuthorizationRequest | None = None,
        approval: Approval | None = None,
    ) -> TokenResponse:
        """Authorize and redeem, which must work, and give the tokens."""
        redeemed = await self.redeem(await self.code(request, approval))
        assert isinstance(redeemed, Redeemed)
        return redeemed.response

    async def rotated(self, token: str | None) -> TokenResponse:
        """Refresh, which must work, and give the tokens."""
        refreshed = await self.refresh(token)
        assert isinstance(refreshed, Refreshed)
        return refreshed.response


@asynccontextmanager
async def open_ada(
    path: Path,
    *,
    policy: Policy = POLICY,
    clock: Clock | None = None,
    user_class: type[UserActor] = UserActor,
    limits: RuntimeLimits = LIMITS,
    disk: Disk | None = None,
) -> AsyncIterator[Ada]:
    """Open a system on a data directory, with `ada` in it."""
    async with open_system(
        LocalEngine(path, disk=disk),
        kinds=(user_class, DirectoryActor, VaultActor),
        limits=limits,
        clock=clock or StoppedClock(START),
    ) as system:
        yield Ada(system, user_class, policy=policy)


class AdasClock:
    """Shows the time of the test."""

    def __init__(self, ada: Ada) -> None:
        self._ada = ada

    def now(self) -> int:
        return self._ada.now
