"""Key sets on the web, each stored by the actor of the keys' owner (E-14).

What is stored serves until it is stale. A key that is missing from it is looked for once
more, at most once a minute. While the set cannot be fetched for a passing reason, what
is stored stays in use for a while.
"""

from collections.abc import Awaitable, Sequence
from functools import lru_cache, partial
from typing import Final, Protocol, TypeAlias

import trio

from actor_oauth.actors.documents import StoredDocument
from actor_oauth.oauth.json_values import parse_json_object
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.oauth.metadata_document import CacheTimes, cache_times
from actor_oauth.runtime import Address, Clock
from actor_oauth.upstream.fetch import Fetcher, FetchFailed, FetchLimits, log_failure
from actor_oauth.upstream.single_flight import SingleFlight

KEYS_LIMITS: Final = FetchLimits(body_bytes=32 * 1024, seconds=10.0)

Keys: TypeAlias = Sequence[VerificationKey]


class KeyHolder(Protocol):
    """An actor that keeps a key set."""

    @property
    def address(self) -> Address:
        """The actor's."""
        ...

    def stored_keys(self) -> Awaitable[StoredDocument | None]:
        """Give the set that was fetched, or None."""
        ...

    def begin_renewal(self, *, now: int) -> Awaitable[bool]:
        """Allow a set that is still fresh to be refetched, but not too often."""
        ...

    def remember_keys(
        self, body: bytes, times: CacheTimes, *, now: int
    ) -> Awaitable[None]:
        """Keep a set that was fetched."""
        ...


class KeySets:
    """Fetches key sets, one request for all who ask at the same time."""

    def __init__(self, clock: Clock, fetcher: Fetcher, nursery: trio.Nursery) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._flights = SingleFlight[tuple[Address, bool], Keys | None](nursery)

    async def get(
        self, url: str, holder: KeyHolder, *, renewed: bool = False
    ) -> Keys | None:
        """Give the keys at a URL.

        Args:
            url: Where they are.
            holder: Whose they are.
            renewed: Whether what is stored was found to lack a key.

        Returns:
            None if they cannot be had.
        """
        stored = await holder.stored_keys()
        if stored is not None and not renewed and self._is_fresh(stored):
            return _parse_keys(stored.body) or ()
        return await self._flights.run(
            (holder.address, renewed), partial(self._fetch, url, holder, renewed)
        )

    def _is_fresh(self, stored: StoredDocument) -> bool:
        return self._clock.now() < stored.fresh_until

    async def _fetch(self, url: str, holder: KeyHolder, renewed: bool) -> Keys | None:  # noqa: FBT001 - one of two keys of the flight
        stored = await holder.stored_keys()
        now = self._clock.now()
        if stored is not None and self._is_fresh(stored):
            allowed = renewed and await holder.begin_renewal(now=now)
            if not allowed:
                return _parse_keys(stored.body) or ()
        fetched = await self._fetcher.fetch_json(url, KEYS_LIMITS)
        if isinstance(fetched, FetchFailed):
            log_failure("key set", url, fetched)
            if stored is not None and fetched.is_passing and now < stored.usable_until:
                return _parse_keys(stored.body) or ()
            return None
        keys = _parse_keys(fetched.body)
        if keys is not None:
            times = cache_times(fetched.fresh_for, now=now)
            await holder.remember_keys(fetched.body, times, now=now)
        return keys


@lru_cache(maxsize=512)
def _parse_keys(body: bytes) -> tuple[VerificationKey, ...] | None:
    members = parse_json_object(body)
    return None if members is None else parse_jwks(members)
