"""Endpoints and keys of the services that users sign in with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.providers import LoginProvider, ProviderKind
from actor_oauth.oauth.json_values import parse_json_object
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.oauth.signed_jwt import Jwt, fitting_keys
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.upstream.discovery import discover_server
from actor_oauth.upstream.documents import fetch_document
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.single_flight import SingleFlight

METADATA_SECONDS: Final = 3600
KEYS_SECONDS: Final = 3600
SECONDS_BETWEEN_LOOKS: Final = 60
"""For a key that is not among the known ones (E-14)."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Something that was found out, and when."""

    server: UpstreamServer
    at: int
    keys: Sequence[VerificationKey] = ()
    keys_at: int | None = None


class ProviderServers:
    """Finds out about services, and remembers it for an hour.

    Args:
        effects: For the time.
        fetcher: Fetches from the web.
        flights: Lets concurrent callers of the same thing share one request.
        loopback: Development only: services may be on this machine.
    """

    def __init__(
        self,
        effects: Effects,
        fetcher: Fetcher,
        flights: SingleFlight[str, UpstreamServer | UpstreamFailed],
        *,
        loopback: bool,
    ) -> None:
        self._effects = effects
        self._fetcher = fetcher
        self._flights = flights
        self._loopback = loopback
        self._known: dict[str, _Known] = {}

    async def server(self, provider: LoginProvider) -> UpstreamServer | SignInRefused:
        """Give a service's endpoints."""
        if provider.kind is ProviderKind.GITHUB:
            return provider.github_server()
        issuer, now = provider.issuer, self._effects.now()
        known = self._known.get(issuer)
        if known is not None and now < known.at + METADATA_SECONDS:
            return known.server
        found = await self._flights.run(issuer, lambda: self._discover(provider))
        if isinstance(found, UpstreamServer):
            self._known[issuer] = _Known(found, now)
            return found
        # What was known an hour ago is better than nobody signing in.
        if known is not None and found.is_passing:
            return known.server
        return failed(found)

    async def keys_for(
        self, jwt: Jwt, server: UpstreamServer
    ) -> Sequence[VerificationKey] | SignInRefused:
        """Give a service's keys, fetched again if none of them matches a token."""
        now = self._effects.now()
        known = self._known.get(server.issuer) or _Known(server, now)
        age = None if known.keys_at is None else now - known.keys_at
        fits = bool(fitting_keys(jwt, known.keys))
        if age is not None and (
            age < SECONDS_BETWEEN_LOOKS or (fits and age < KEYS_SECONDS)
        ):
            return known.keys
        if server.jwks_uri is None:
            return SignInRefused(fault=SignInFault.ID_TOKEN_INVALID, detail="jwks_uri")
        body = await fetch_document(self._fetcher, server.jwks_uri)
        if isinstance(body, UpstreamFailed):
            return known.keys if fits else failed(body)
        keys = parse_jwks(parse_json_object(body or b""))
        if keys is None:
            return SignInRefused(fault=SignInFault.ID_TOKEN_INVALID, detail="jwks")
        self._known[server.issuer] = _Known(known.server, known.at, keys, now)
        return keys

    async def _discover(
        self, provider: LoginProvider
    ) -> UpstreamServer | UpstreamFailed:
        # Not every OpenID provider says that it knows PKCE: the nonce serves as well.
        return await discover_server(
            self._fetcher,
            provider.issuer,
            documents_at=provider.documents_at,
            loopback=self._loopback,
            needs_pkce=False,
        )


def failed(failure: UpstreamFailed) -> SignInRefused:
    """Say that a sign-in came to nothing because of the other service."""
    busy = failure.is_passing
    return SignInRefused(
        fault=SignInFault.UPSTREAM_BUSY if busy else SignInFault.UPSTREAM_FAILED,
        detail=f"{failure.fault} {failure.detail}".strip(),
    )
