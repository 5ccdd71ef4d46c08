"""Clients that publish their metadata: fetched, checked, and kept by their actors.

The fast path reads the client's actor and checks the stored document again, which is
remembered in memory. Everything else runs once for all concurrent callers, in a task of
its own: fetch, check, store.

A document that cannot be fetched for a passing reason (the network, a busy server) stays
in use for a while after it has gone stale. Otherwise an outage of a client's web site
would sign out all of its users here. A document that was withdrawn, or is not good any
more, is not used again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

import structlog
import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.documents import Published
from actor_oauth.actors.documents import StoredDocument
from actor_oauth.actors.issuer import IssuerActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata_document import (
    MAX_DOCUMENT_BYTES,
    cache_times,
    decide_document,
)
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.trusted_issuers import TrustedIssuer, issuer_key
from actor_oauth.runtime import ActorSystem, Clock
from actor_oauth.upstream.fetch import (
    Fetched,
    Fetcher,
    FetchFailed,
    FetchFault,
    FetchLimits,
    log_failure,
)
from actor_oauth.upstream.key_sets import Keys, KeySets
from actor_oauth.upstream.single_flight import SingleFlight

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DOCUMENT_LIMITS: Final = FetchLimits(body_bytes=MAX_DOCUMENT_BYTES, seconds=10.0)


class PublishedClients:
    """The clients that publish their metadata. Made by `open_published_clients`."""

    def __init__(
        self,
        system: ActorSystem,
        policy: Policy,
        clock: Clock,
        fetcher: Fetcher,
        nursery: trio.Nursery,
    ) -> None:
        self._system = system
        self._policy = policy
        self._clock = clock
        self._fetcher = fetcher
        self._documents = SingleFlight[str, Client | Refused](nursery)
        self._keys = KeySets(clock, fetcher, nursery)

    async def client(self, client_id: str) -> Client | Refused:
        """Give the client whose document is at a URL (B-16 to B-18)."""
        published = await self._actor(client_id).published()
        if published.is_settled:
            return published.client or Refused(Reason.CLIENT_UNKNOWN)
        known = self._known(published)
        if known is not None and self._is_fresh(published.document):
            return known
        return await self._documents.run(client_id, partial(self._fetch, client_id))

    async def keys(self, client: Client, *, renewed: bool = False) -> Keys | Refused:
        """Give the keys at a client's `jwks_uri` (E-14)."""
        keys = await self._keys.get(
            client.jwks_uri or "", self._actor(client.client_id), renewed=renewed
        )
        return Refused(Reason.CLIENT_KEYS_UNAVAILABLE) if keys is None else keys

    async def issuer_keys(
        self, issuer: TrustedIssuer, *, renewed: bool = False
    ) -> Keys | Refused:
        """Give the keys at a trusted issuer's `jwks_uri`."""
        actor = self._system.get(IssuerActor, issuer_key(issuer.issuer))
        keys = await self._keys.get(issuer.jwks_uri or "", actor, renewed=renewed)
        return Refused(Reason.ISSUER_KEYS_UNAVAILABLE) if keys is None else keys

    def _actor(self, client_id: str) -> ClientActor:
        return self._system.get(ClientActor, client_key(client_id))

    def _is_fresh(self, stored: StoredDocument | None) -> bool:
        return stored is not None and self._clock.now() < stored.fresh_until

    def _is_usable(self, stored: StoredDocument | None) -> bool:
        return stored is not None and self._clock.now() < stored.usable_until

    def _known(self, published: Published) -> Client | None:
        """Check the stored document by today's rules; None if it is not acceptable."""
        stored, client = published.document, published.client
        if stored is None or client is None:
            return None
        judged = _judge(stored.body, client.client_id, self._policy, stored.fetched_at)
        return None if isinstance(judged, Refused) else _as_stored(judged, client.epoch)

    async def _fetch(self, client_id: str) -> Client | Refused:
        actor = self._actor(client_id)
        published = await actor.published()
        known = self._known(published)
        if known is not None and self._is_fresh(published.document):
            return known
        fetched = await self._fetcher.fetch_json(client_id, DOCUMENT_LIMITS)
        if isinstance(fetched, FetchFailed) and fetched.is_passing:
            log_failure("metadata document", client_id, fetched)
            usable = known if self._is_usable(published.document) else None
            return usable or _refusal(fetched)
        decision = self._decide(client_id, fetched)
        if isinstance(decision, Refused):
            log.info(
                "metadata document refused",
                client_id=client_id,
                reason=str(decision.reason),
            )
            if published.document is not None:
                await actor.drop_metadata()
            return decision
        assert isinstance(fetched, Fetched)
        now = self._clock.now()
        stored = await actor.remember_metadata(
            decision, fetched.body, cache_times(fetched.fresh_for, now=now), now=now
        )
        # It may have been registered, disabled or deleted meanwhile.
        return stored or Refused(Reason.CLIENT_UNKNOWN)

    def _decide(
        self, client_id: str, fetched: Fetched | FetchFailed
    ) -> Client | Refused:
        if isinstance(fetched, FetchFailed):
            log_failure("metadata document", client_id, fetched)
            return _refusal(fetched)
        return decide_document(
            fetched.body, client_id, self._policy, now=self._clock.now()
        )


@asynccontextmanager
async def open_published_clients(
    *, system: ActorSystem, policy: Policy, clock: Clock, fetcher: Fetcher
) -> AsyncIterator[PublishedClients]:
    """Fetch what clients publish, for as long as the block lasts.

    Args:
        system: Has the clients' actors.
        policy: Says what clients may be.
        clock: Wall time.
        fetcher: Fetches from the web.
    """
    async with trio.open_nursery() as nursery:
        yield PublishedClients(system, policy, clock, fetcher, nursery)
        nursery.cancel_scope.cancel()


@lru_cache(maxsize=512)
def _judge(body: bytes, url: str, policy: Policy, now: int) -> Client | Refused:
    return decide_document(body, url, policy, now=now)


def _as_stored(client: Client, epoch: int) -> Client:
    return client if client.epoch == epoch else replace(client, epoch=epoch)


def _refusal(failed: FetchFailed) -> Refused:
    if failed.fault is FetchFault.HOST_ASKED_TOO_OFTEN:
        return Refused(Reason.DOCUMENT_RATE_LIMITED)
    return Refused(Reason.DOCUMENT_UNAVAILABLE)
