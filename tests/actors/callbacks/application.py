"""An application that has its say before tokens, and the client and user of its grants."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from actor_oauth.actors.callback_redemptions import (
    redeem_with_callback,
    refresh_with_callback,
)
from actor_oauth.actors.callbacks import CallbackRunner, Callbacks, open_callbacks
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import Redeemed, Refreshed
from actor_oauth.actors.user.callbacks import CallbackDue, CallbackRunning, CallbackStep
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.refresh_chain import RefreshRequest
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.runtime import SystemEntropy
from tests.support.grants import CLIENT, KEYRING, VERIFIER, fresh, parsed
from tests.support.user_actor import Ada

Said = TokenChanges | TokenRefusal | None


@dataclass
class Application:
    """The callback, and one or more processes that call it."""

    ada: Ada
    effects: Effects
    stack: AsyncExitStack
    runners: list[CallbackRunner] = field(default_factory=list)
    asked: list[TokenContext] = field(default_factory=list)
    says: Callable[[TokenContext], Awaitable[Said]] | None = None

    async def callback(self, context: TokenContext) -> Said:
        self.asked.append(context)
        return None if self.says is None else await self.says(context)

    async def process(self, *, seconds: float = 10.0) -> None:
        callbacks = Callbacks(on_token_exchange=self.callback, seconds=seconds)
        runner = await self.stack.enter_async_context(
            open_callbacks(callbacks, entropy=SystemEntropy())
        )
        self.runners.append(runner)

    def always(self, said: Said) -> None:
        async def says(_: TokenContext) -> Said:
            return said

        self.says = says

    async def refresh(
        self, token: str | None, *, scope: Scope | None = None, process: int = 0
    ) -> Refreshed | Refused:
        request = RefreshRequest(parsed(token), "app", scope)
        return await refresh_with_callback(
            self.runners[process], self.effects, self.ada.actor, request
        )

    async def refreshed(
        self, token: str | None, *, scope: Scope | None = None
    ) -> TokenResponse:
        answer = await self.refresh(token, scope=scope)
        assert isinstance(answer, Refreshed), answer
        return answer.response

    async def redeem(self, code: str, *, client: Client = CLIENT) -> Redeemed | Refused:
        request = CodeRequest(parsed(code), client, None, VERIFIER)
        return await redeem_with_callback(
            self.runners[0], self.effects, self.ada.actor, request
        )

    async def props(self, token: str) -> Json:
        info = await self.ada.check(token)
        assert info is not None
        return info.props


async def step(
    app: Application, token: str | None, claim: bytes, changes: TokenChanges | None
) -> Refreshed | Refused | CallbackDue | CallbackRunning:
    return await app.ada.actor.refresh_step(
        RefreshRequest(parsed(token), "app"),
        CallbackStep(claim=claim, lease=15, said=changes),
        keyring=KEYRING,
        policy=app.ada.policy,
        fresh=fresh(),
        now=app.ada.now,
    )
