"""The public keys of an authorization server elsewhere, fetched when they are needed."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
import httpx2

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.resource.remote import AuthorityUnavailableError, ask_for_json
from actor_oauth.runtime import Clock, SystemClock

FetchKeys = Callable[[], Awaitable[Json]]
"""Gives the JWK set; raises `AuthorityUnavailableError` if it cannot be had."""

MAX_AGE: Final = 3600
"""Seconds for which keys are used without asking again: a key that was taken out of the
set stops counting."""

ASK_AGAIN: Final = 60
"""Seconds between two questions: strangers can name any key, and must not make us ask for
every one of them (G-12)."""

WAIT_AFTER_FAILURE: Final = 5
"""Seconds in which nobody asks again after an answer that was of no use."""


class RemoteKeys:
    """The keys, kept for a while; one question at a time, and not too often.

    Args:
        fetch: Asks for them.
        clock: Wall time.
    """

    def __init__(self, fetch: FetchKeys, *, clock: Clock | None = None) -> None:
        self._fetch = fetch
        self._clock = clock or SystemClock()
        self._keys: tuple[VerificationKey, ...] | None = None
        self._asked_at = 0
        self._failed_at: int | None = None
        self._lock = anyio.Lock()

    async def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """The keys of this name; none if there is no such key.

        Raises:
            AuthorityUnavailableError: They would have to be asked for, and cannot be had.
        """
        found = self._known(kid)
        if found:
            return found
        async with self._lock:
            # Whoever had the lock before may have asked already.
            found = self._known(kid)
            if found:
                return found
            if self._keys is None or self._may_ask():
                await self._ask()
        return self._known(kid)

    def _known(self, kid: str) -> tuple[VerificationKey, ...]:
        if self._keys is None or self._clock.now() - self._asked_at >= MAX_AGE:
            return ()
        return tuple(key for key in self._keys if key.kid == kid)

    def _may_ask(self) -> bool:
        return self._clock.now() - self._asked_at >= ASK_AGAIN

    async def _ask(self) -> None:
        failed_at, now = self._failed_at, self._clock.now()
        if failed_at is not None and now - failed_at < WAIT_AFTER_FAILURE:
            raise AuthorityUnavailableError("the keys could not be had a moment ago")
        self._failed_at = now
        keys = parse_jwks(await self._fetch())
        if keys is None:
            raise AuthorityUnavailableError("the key set is not one")
        self._keys, self._asked_at, self._failed_at = keys, now, None


def fetch_from(url: str, *, http: httpx2.AsyncClient | None = None) -> FetchKeys:
    """Make the function that fetches a JWK set from a URL the operator chose.

    Args:
        url: The `jwks_uri` of the authorization server.
        http: To ask with; one of its own for each question if not given.
    """

    async def fetch() -> Json:
        if http is not None:
            return await ask_for_json(http, url)
        async with httpx2.AsyncClient() as client:
            return await ask_for_json(client, url)

    return fetch
