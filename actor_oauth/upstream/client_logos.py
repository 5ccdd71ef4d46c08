"""Clients' logos, fetched by this server and shown from its own origin (B-15).

So the client does not learn who looks at its consent page, and cannot show each user a
different image. Anything but a small image is not shown.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.keyring import client_key
from actor_oauth.oauth.metadata_document import cache_times
from actor_oauth.oauth.pictures import MAX_PICTURE_BYTES, Picture, parse_picture
from actor_oauth.runtime import ActorSystem, Clock
from actor_oauth.upstream.fetch import (
    Fetcher,
    FetchFailed,
    FetchFault,
    FetchLimits,
    log_failure,
)
from actor_oauth.upstream.freshness import fresh_for
from actor_oauth.upstream.outgoing import Outgoing, Reply
from actor_oauth.upstream.single_flight import SingleFlight

LOGO_LIMITS: Final = FetchLimits(body_bytes=MAX_PICTURE_BYTES, seconds=5.0)

_OK: Final = 200


class ClientLogos:
    """Fetches logos, one request for all who ask at the same time."""

    def __init__(
        self,
        system: ActorSystem,
        clock: Clock,
        fetcher: Fetcher,
        nursery: trio.Nursery,
    ) -> None:
        self._system = system
        self._clock = clock
        self._fetcher = fetcher
        self._flights = SingleFlight[tuple[str, str], Picture | None](nursery)

    async def get(self, client: Client) -> Picture | None:
        """Give a client's logo; None if it has none that may be shown."""
        url = client.logo_uri
        if url is None:
            return None
        stored = await self._actor(client).logo(url)
        if stored is not None and self._clock.now() < stored.fresh_until:
            return stored.picture
        return await self._flights.run(
            (client.client_id, url), partial(self._fetch, client, url)
        )

    def _actor(self, client: Client) -> ClientActor:
        return self._system.get(ClientActor, client_key(client.client_id))

    async def _fetch(self, client: Client, url: str) -> Picture | None:
        actor, now = self._actor(client), self._clock.now()
        stored = await actor.logo(url)
        reply = await self._fetcher.send(
            Outgoing(url=url, accept="image/png, image/jpeg, image/gif"), LOGO_LIMITS
        )
        if isinstance(reply, Reply) and reply.is_unavailable:
            reply = FetchFailed(fault=FetchFault.STATUS, status=reply.status)
        if isinstance(reply, FetchFailed):
            log_failure("logo", client.client_id, reply)
            if stored is None or not reply.is_passing or now >= stored.usable_until:
                return None
            return stored.picture
        picture = parse_picture(reply.body) if reply.status == _OK else None
        if picture is not None:
            fresh = fresh_for(
                [reply.header("cache-control") or ""], reply.header("age")
            )
            times = cache_times(fresh, now=now)
            await actor.remember_logo(url, picture, times, now=now)
        return picture


@asynccontextmanager
async def open_client_logos(
    *, system: ActorSystem, clock: Clock, fetcher: Fetcher
) -> AsyncIterator[ClientLogos]:
    """Fetch clients' logos, for as long as the block lasts.

    Args:
        system: Has the clients' actors.
        clock: Wall time.
        fetcher: Fetches from the web.
    """
    async with trio.open_nursery() as nursery:
        yield ClientLogos(system, clock, fetcher, nursery)
        nursery.cancel_scope.cancel()
