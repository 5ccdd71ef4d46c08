"""`IntrospectedTokens`: a resource server that asks the authorization server about each token.

For resource servers in another process or on another machine (RFC 7662), on Trio and on
asyncio. As long as nothing is remembered, a token that was revoked is refused from then
on. What is remembered is bounded (G-13): at most a minute, never beyond the token's own
expiry, and never that a token is good for nothing.
"""

import hashlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote_plus

import anyio
import httpx2

from actor_oauth.oauth.json_values import Json, get_text
from actor_oauth.oauth.token_claims import decide_claims
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.oauth.uris import parse_web_url
from actor_oauth.resource.remote import ask_for_json
from actor_oauth.runtime import Clock, SystemClock

Introspect = Callable[[str], Awaitable[Mapping[str, Json]]]
"""Asks about a token; raises `AuthorityUnavailableError` if there is no answer."""

MAX_CACHE_SECONDS: Final = 60
MAX_REMEMBERED: Final = 10_000


class IntrospectionEndpoint:
    """Asks an introspection endpoint, with the credentials of a confidential client.

    Args:
        url: The `introspection_endpoint` of the authorization server.
        client_id: A client that its operator registered for this resource server.
        client_secret: Of this client.
        http: To ask with; one of its own, which `aclose` closes, if not given.

    Raises:
        ValueError: The secret would cross a network in the clear.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        parsed = parse_web_url(url)
        if parsed is None or (parsed.scheme == "http" and not parsed.is_loopback):
            raise ValueError(f"{url} must be https: http is for this machine only")
        # RFC 6749 §2.3.1: each is encoded as in a form before they are joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        self._url = url
        self._authorization = f"Basic {b64encode(pair.encode()).decode()}"
        self._http = http or httpx2.AsyncClient()

    async def __call__(self, token: str) -> Mapping[str, Json]:
        """Ask about a token.

        Raises:
            AuthorityUnavailableError: There is no answer that could be used.
        """
        return await ask_for_json(
            self._http,
            self._url,
            form={"token": token, "token_type_hint": "access_token"},
            authorization=self._authorization,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class _Remembered(NamedTuple):
    info: AccessTokenInfo
    until: float


class IntrospectedTokens:
    """Checks access tokens of one issuer by introspection.

    Args:
        introspect: Asks about one.
        issuer: The authorization server, character for character.
        cache_seconds: For how long an answer may be used again. A token that was
            revoked is then accepted for as long, and an open stream for half a minute
            more. 0 asks every time.
        clock: Wall time.

    Raises:
        ValueError: `cache_seconds` is more than a minute, or less than nothing.
    """

    def __init__(
        self,
        introspect: Introspect,
        *,
        issuer: str,
        cache_seconds: float = 0,
        clock: Clock | None = None,
    ) -> None:
        if not 0 <= cache_seconds <= MAX_CACHE_SECONDS:
            raise ValueError(f"cache_seconds must be 0 to {MAX_CACHE_SECONDS}")
        self._introspect = introspect
        self._issuer = issuer
        self._cache_seconds = cache_seconds
        self._clock = clock or SystemClock()
        # The oldest first: all live equally long.
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """What a token is good for at a resource; None if for nothing (G-13).

        Fit to be given to `ResourceServer`.

        Raises:
            AuthorityUnavailableError: The token cannot be judged now.
        """
        key = hashlib.sha256(f"{resource}\0{token}".encode()).digest()
        info = self._recall(key)
        if info is not None:
            return info
        # From before the question: the answer may be as old as that.
        asked_at = anyio.current_time()
        claims = await self._introspect(token)
        if claims.get("active") is not True or get_text(claims, "iss") != self._issuer:
            return None
        info = decide_claims(claims, resource, now=self._clock.now())
        if info is not None and self._cache_seconds:
            self._remember(key, _Remembered(info, asked_at + self._cache_seconds))
        return info

    def _recall(self, key: bytes) -> AccessTokenInfo | None:
        known = self._remembered.get(key)
        if known is None or anyio.current_time() >= known.until:
            return None
        expired = self._clock.now() >= known.info.expires_at
        return None if expired else known.info

    def _remember(self, key: bytes, answer: _Remembered) -> None:
        now = anyio.current_time()
        self._remembered.pop(key, None)
        self._remembered[key] = answer
        while self._may_drop_oldest(now):
            self._remembered.popitem(last=False)

    def _may_drop_oldest(self, now: float) -> bool:
        oldest = next(iter(self._remembered.values()), None)
        return oldest is not None and (
            oldest.until <= now or len(self._remembered) > MAX_REMEMBERED
        )
