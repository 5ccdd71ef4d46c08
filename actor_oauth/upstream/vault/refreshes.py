"""Fresh tokens: one request to the other server, however many callers want one (I-27).

In one process all callers wait for one flight. Over processes the vault's claim decides;
who does not get it waits for what the other one brings. The flight has a task of its
own: a caller that goes away stops nothing (I-28).
"""

from functools import partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.vault import (
    LookUp,
    RefreshDue,
    RefreshRunning,
    VaultActor,
    Version,
)
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.refreshing import Settlement
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.upstream.documents import ANSWER_LIMITS
from actor_oauth.upstream.registering import CLAIM_BYTES, LONGEST_PAUSE, UpstreamClients
from actor_oauth.upstream.single_flight import SingleFlight
from actor_oauth.upstream.token_calls import TokenCalls
from actor_oauth.upstream.vault.reporting import Reporter
from actor_oauth.upstream.vault.revocations import Revocations

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LEASE: Final = 2 * int(ANSWER_LIMITS.seconds) + 10
"""Seconds: longer than the two requests that are made under a claim can take."""

PATIENCE: Final = 20.0
"""Seconds that a caller waits for another process before it takes what there is."""


class Refreshes:
    """Refreshes tokens for all vaults.

    Args:
        effects: Actors, keys, time and randomness.
        calls: To the other servers.
        clients: Who this server is there.
        revocations: End tokens that came too late.
        reporter: Reports those that fail.
        nursery: Owns the refreshes under way.
    """

    def __init__(
        self,
        effects: Effects,
        calls: TokenCalls,
        clients: UpstreamClients,
        revocations: Revocations,
        reporter: Reporter,
        nursery: trio.Nursery,
    ) -> None:
        self._effects = effects
        self._calls = calls
        self._clients = clients
        self._revocations = revocations
        self._reporter = reporter
        self._flights = SingleFlight[tuple[str, int], LookUp | None](nursery)

    async def refreshed(
        self, vault: VaultActor, number: int, *, newer_than: Version | None = None
    ) -> LookUp | None:
        """Give what there is after a refresh that was due.

        Args:
            vault: Whose.
            number: Of the connection.
            newer_than: A token that is not good enough, or None.

        Returns:
            None if the connection does not exist any more.
        """
        key = (vault.address.key, number)
        found = await self._flights.run(
            key, partial(self._refresh, vault, number, newer_than)
        )
        if found is not None and found.version == newer_than:
            # That request had begun for a caller for whom the token was still good
            # enough.
            return await self._flights.run(
                key, partial(self._refresh, vault, number, newer_than)
            )
        return found

    async def _refresh(
        self, vault: VaultActor, number: int, newer_than: Version | None
    ) -> LookUp | None:
        effects = self._effects
        claim, pause = effects.entropy.token_bytes(CLAIM_BYTES), 0.01
        waiting_since = trio.current_time()
        while True:
            begun = await vault.begin_refresh(
                number,
                claim,
                lease=LEASE,
                keyring=effects.keyring,
                now=effects.now(),
                newer_than=newer_than,
            )
            if isinstance(begun, RefreshDue):
                return await self._make(vault, begun)
            if not isinstance(begun, RefreshRunning):
                return begun
            if trio.current_time() - waiting_since > PATIENCE:
                return begun.look
            log.debug("refresh under way elsewhere", vault=vault.address.key)
            await trio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _make(self, vault: VaultActor, due: RefreshDue) -> LookUp | None:
        known = due.client if due.refresh_token is not None else None
        client = None if known is None else self._clients.current(known, due.server)
        answer = await self._ask(due, client)
        self._reporter.report("vault/refresh", answer)
        ended = client is None
        if client is not None and _is_rejected(answer):
            ended = await self._clients.rejected(client, due.server)
        finished = await vault.finish_refresh(
            due.ticket,
            answer,
            server=due.server,
            client=client,
            client_ended=ended,
            keyring=self._effects.keyring,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        if finished.settlement is Settlement.ENDED:
            log.warning(
                "connection needs a new sign-in",
                vault=vault.address.key,
                issuer=due.server.issuer,
            )
        await self._revocations.promptly(vault, finished.owed)
        return finished.look

    async def _ask(
        self, due: RefreshDue, client: UpstreamClient | None
    ) -> UpstreamTokens | UpstreamFailed:
        if client is None or due.refresh_token is None:
            return UpstreamFailed(fault=UpstreamFault.REAUTHORIZATION_NEEDED)
        ask = partial(
            self._calls.refresh,
            due.refresh_token,
            client=client,
            server=due.server,
            resource=due.resource,
            scope=due.scope,
        )
        answer = await ask()
        lost = (
            isinstance(answer, UpstreamFailed)
            and answer.fault is UpstreamFault.ANSWER_LOST
        )
        # Once more with the same token, as a client may whose answer was lost (I-30).
        return await ask() if lost and due.may_repeat else answer


def _is_rejected(answer: UpstreamTokens | UpstreamFailed) -> bool:
    return (
        isinstance(answer, UpstreamFailed)
        and answer.fault is UpstreamFault.CLIENT_REJECTED
    )
