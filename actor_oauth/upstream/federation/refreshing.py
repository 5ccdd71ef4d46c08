"""Refreshing a service's tokens together with the grant whose props hold them.

The claim on the grant's generation ensures that one callback runs at a time, in any
process. This module ensures that the service's answer is not lost with the callback
that asked: a refresh has a task of its own, and its answer is kept for a while for a
client that tries again with the same token, as after a 503.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from typing import Final

import structlog
import trio

from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.federation.faults import SignInRefused
from actor_oauth.oauth.federation.kept_tokens import (
    KeptTokens,
    access_lifetime,
    decide_refusal,
    decide_upkeep,
    with_kept,
)
from actor_oauth.oauth.federation.providers import FederationPolicy
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.upstream.credentials import Use, pause_after
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.upstream.federation.servers import ProviderServers
from actor_oauth.upstream.single_flight import SingleFlight
from actor_oauth.upstream.token_calls import TokenCalls

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MEMORY: Final = 120
"""Seconds for which an answer is kept."""

MAX_REMEMBERED: Final = 4096

Answer = UpstreamTokens | UpstreamFailed


class UpstreamRefreshes:
    """Refreshes tokens that applications keep in the props of grants.

    Args:
        effects: Time.
        policy: The services.
        base: The issuer, without a slash at its end.
        servers: What is known of the services.
        calls: To their token endpoints.
        nursery: Owns the refreshes under way.
    """

    def __init__(
        self,
        effects: Effects,
        policy: FederationPolicy,
        base: str,
        servers: ProviderServers,
        calls: TokenCalls,
        nursery: trio.Nursery,
    ) -> None:
        self._effects = effects
        self._policy = policy
        self._base = base
        self._servers = servers
        self._calls = calls
        self._flights = SingleFlight[bytes, Answer](nursery)
        self._remembered: dict[bytes, tuple[int, Answer]] = {}

    async def refresh(
        self, context: TokenContext, *, name: str
    ) -> TokenChanges | TokenRefusal | None:
        """Decide about tokens that are about to be issued.

        Args:
            context: The argument of `on_token_exchange`.
            name: Of the member of the props that holds `KeptTokens.to_props()`.

        Returns:
            None if the props contain no such tokens.
        """
        props = context.props
        if not isinstance(props, dict):
            return None
        kept = KeptTokens.from_props(props.get(name))
        if kept is None:
            return None
        use = decide_upkeep(kept, now=self._effects.now())
        if use is Use.AUTHORIZE:
            return TokenRefusal.ENDED
        if use is not Use.REFRESH:
            return TokenChanges(access_token_lifetime=self._lifetime(kept))
        answer = await self._refreshed(kept)
        if isinstance(answer, UpstreamFailed):
            refusal = decide_refusal(answer)
            log.warning(
                "upstream tokens not refreshed with the grant",
                provider=kept.provider,
                fault=str(answer.fault),
                grant_ends=refusal is TokenRefusal.ENDED,
            )
            return refusal
        renewed = kept.renewed(answer)
        return TokenChanges(
            props=with_kept(props, name, renewed),
            access_token_lifetime=self._lifetime(renewed),
        )

    def _lifetime(self, kept: KeptTokens) -> int | None:
        usual = self._effects.policy.lifetimes.access_token
        return access_lifetime(kept, usual=usual, now=self._effects.now())

    async def _refreshed(self, kept: KeptTokens) -> Answer:
        assert kept.refresh_token is not None
        text = f"{kept.provider}\0{kept.refresh_token}"
        key = sha256(b"kept tokens\0" + text.encode()).digest()
        known = self._remembered.get(key)
        if known is not None and self._effects.now() < known[0]:
            return known[1]
        work: Callable[[], Awaitable[Answer]]
        work = partial(self._ask, key, kept, kept.refresh_token)
        return await self._flights.run(key, work)

    async def _ask(self, key: bytes, kept: KeptTokens, refresh_token: str) -> Answer:
        provider = self._policy.provider(kept.provider)
        if provider is None:
            # Its operator may put it back.
            return UpstreamFailed(
                fault=UpstreamFault.REAUTHORIZATION_NEEDED, detail="no such service"
            )
        server = await self._servers.server(provider)
        if isinstance(server, SignInRefused):
            return UpstreamFailed(fault=UpstreamFault.UNREACHABLE, detail=server.detail)
        ask = partial(
            self._calls.refresh,
            refresh_token,
            client=provider.client(self._base),
            server=server,
            resource=None,
            scope=kept.scope,
        )
        answer = await ask()
        if (
            isinstance(answer, UpstreamFailed)
            and answer.fault is UpstreamFault.ANSWER_LOST
        ):
            # Once more with the same token, as a client may whose answer was lost (I-30).
            answer = await ask()
        self._remember(key, answer)
        return answer

    def _remember(self, key: bytes, answer: Answer) -> None:
        now = self._effects.now()
        seconds = MEMORY
        if isinstance(answer, UpstreamFailed):
            # A service that is down or busy is not asked again for as long as it
            # requested.
            seconds = min(pause_after(1, answer.retry_after), MEMORY)
        self._remembered = {
            known: entry for known, entry in self._remembered.items() if now < entry[0]
        }
        if len(self._remembered) < MAX_REMEMBERED:
            self._remembered[key] = (now + seconds, answer)
