"""The public keys of an authorization server elsewhere, fetched when they are needed."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final

import httpx2
import trio

from actor_oauth.oauth.json_values import Json, parse_json_object
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.runtime import ActorError, Clock, SystemClock

FetchKeys = Callable[[], Awaitable[Json]]
"""Gives the JWK set; raises `KeysUnavailableError` if it cannot be had."""

MAX_AGE: Final = 3600
"""Seconds for which keys are used without asking again: a key that was taken out of the
set stops counting."""

ASK_AGAIN: Final = 60
"""Seconds between two questions: strangers can name any key, and must not make us ask for
every one of them (G-12)."""

WAIT_AFTER_FAILURE: Final = 5
"""Seconds in which nobody asks again after an answer that was of no use."""

_SIZE_LIMIT: Final = 64 * 1024
_FETCH_SECONDS: Final = 10.0


class KeysUnavailableError(ActorError):
    """The keys cannot be had now: nothing is wrong with the token."""


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
        self._lock = trio.Lock()

    async def named(self, kid: str) -> tuple[VerificationKey, ...]:
        """The keys of this name; none if there is no such key.

        Raises:
            KeysUnavailableError: They would have to be asked for, and cannot be had.
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
            raise KeysUnavailableError("the keys could not be had a moment ago")
        self._failed_at = now
        keys = parse_jwks(await self._fetch())
        if keys is None:
            raise KeysUnavailableError("the key set is not one")
        self._keys, self._asked_at, self._failed_at = keys, now, None


def fetch_from(url: str, *, http: httpx2.AsyncClient | None = None) -> FetchKeys:
    """Give the function that asks for a JWK set at a URL that the operator chose.

    Redirects are not followed, and there are limits to size and time.

    Args:
        url: The `jwks_uri` of the authorization server.
        http: To ask with; one of its own for each question if not given.
    """

    async def fetch() -> Json:
        try:
            with trio.fail_after(_FETCH_SECONDS):
                if http is not None:
                    return await _fetch(http, url)
                async with httpx2.AsyncClient() as client:
                    return await _fetch(client, url)
        except (httpx2.HTTPError, trio.TooSlowError, json.JSONDecodeError) as error:
            raise KeysUnavailableError(f"no keys from {url}") from error

    return fetch


async def _fetch(http: httpx2.AsyncClient, url: str) -> Json:
    headers = {"Accept": "application/json"}
    body = b""
    async with http.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise KeysUnavailableError(f"{url} answered {response.status_code}")
        async with aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > _SIZE_LIMIT:
                    raise KeysUnavailableError(f"{url} answered too much")
    return parse_json_object(body)
