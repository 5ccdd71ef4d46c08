"""Revoking tokens at the servers that issued them, even after a crash (I-32, I-40).

What is to be revoked is recorded in the vault's own rows, and on a list shared by all
processes. The caller that removes a connection tries at once; what remains undone is
retried, with growing pauses.
"""

from functools import partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import Owed, VaultActor
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.runtime import ActorError
from actor_oauth.upstream.documents import ANSWER_LIMITS
from actor_oauth.upstream.registering import UpstreamClients
from actor_oauth.upstream.single_flight import SingleFlight
from actor_oauth.upstream.token_calls import TokenCalls
from actor_oauth.upstream.vault.reporting import Reporter

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LEASE: Final = 2 * int(ANSWER_LIMITS.seconds) + 10
"""Seconds: longer than the two requests that are made under it can take."""

PROMPT_SECONDS: Final = 5.0
"""Seconds that removing a connection waits for the other server."""


class Revocations:
    """Revokes tokens for all vaults.

    Args:
        effects: Actors, keys, time and randomness.
        calls: To the other servers.
        clients: Who this server is there.
        reporter: Reports what is given up.
        nursery: Owns the requests under way.
    """

    def __init__(
        self,
        effects: Effects,
        calls: TokenCalls,
        clients: UpstreamClients,
        reporter: Reporter,
        nursery: trio.Nursery,
    ) -> None:
        self._effects = effects
        self._calls = calls
        self._clients = clients
        self._reporter = reporter
        self._flights = SingleFlight[tuple[str, int], None](nursery)

    async def promptly(self, vault: VaultActor, number: int | None) -> None:
        """Revoke now; if the other server takes long, continue in the background.

        Args:
            vault: Whose.
            number: Of the tokens; None if there are none.
        """
        if number is None:
            return
        try:
            with trio.move_on_after(PROMPT_SECONDS):
                # A task of its own: a browser that goes away stops nothing.
                await self._flights.run(
                    (vault.address.key, number), partial(self.make, vault, number)
                )
        except ActorError as error:
            # What is removed is removed: the rest is on the list.
            log.warning("revocation postponed", fault=type(error).__name__)

    async def make(self, vault: VaultActor, number: int) -> None:
        """Revoke tokens, unless they are revoked, or another caller is doing it."""
        owed = await vault.begin_revocation(
            number,
            lease=LEASE,
            keyring=self._effects.keyring,
            now=self._effects.now(),
        )
        if owed is None:
            return
        failed = await self._ask(owed)
        retry_at = await vault.finish_revocation(
            number, failed, now=self._effects.now()
        )
        if failed is not None and retry_at is None:
            self._reporter.report("vault/revocation", failed)
            log.warning(
                "tokens not revoked upstream",
                issuer=owed.server.issuer,
                fault=str(failed.fault),
                detail=failed.detail,
            )

    async def _ask(self, owed: Owed) -> UpstreamFailed | None:
        client = self._current(owed)
        if client is None:
            return UpstreamFailed(fault=UpstreamFault.CLIENT_REJECTED)
        # The refresh token first: it could bring another access token (I-40).
        for token, hint in (
            (owed.refresh_token, "refresh_token"),
            (owed.access_token, "access_token"),
        ):
            if token is not None:
                failed = await self._calls.revoke(
                    token, hint=hint, client=client, server=owed.server
                )
                if failed is not None:
                    return failed
        return None

    def _current(self, owed: Owed) -> UpstreamClient | None:
        return owed.client and self._clients.current(owed.client, owed.server)
