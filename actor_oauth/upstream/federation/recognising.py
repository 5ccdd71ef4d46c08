"""Identifying a user who returns from a service: ID token and userinfo, or GitHub."""

from typing import Final

from actor_oauth.actors.effects import Effects
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.github import decide_github_identity
from actor_oauth.oauth.federation.id_tokens import (
    decide_id_token,
    nonce_of,
    read_id_token,
)
from actor_oauth.oauth.federation.identity import (
    Identity,
    identity_from_claims,
    since,
    with_userinfo,
)
from actor_oauth.oauth.federation.providers import LoginProvider, ProviderKind
from actor_oauth.oauth.upstream.attempts import LIFETIME, Attempt
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.upstream.documents import ask
from actor_oauth.upstream.federation.servers import ProviderServers, failed
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.outgoing import Outgoing, Reply

_GITHUB_JSON: Final = "application/vnd.github+json"
_OK: Final = 200


class Recogniser:
    """Turns a service's tokens into an identity.

    Args:
        effects: For the time.
        fetcher: Fetches from the web.
        servers: What is known of the services.
    """

    def __init__(
        self, effects: Effects, fetcher: Fetcher, servers: ProviderServers
    ) -> None:
        self._effects = effects
        self._fetcher = fetcher
        self._servers = servers

    async def recognise(
        self, provider: LoginProvider, attempt: Attempt, tokens: UpstreamTokens
    ) -> Identity | SignInRefused:
        """Find out whose tokens these are."""
        if provider.kind is ProviderKind.GITHUB:
            return await self._at_github(provider, tokens)
        return await self._by_id_token(provider, attempt, tokens)

    async def _by_id_token(
        self, provider: LoginProvider, attempt: Attempt, tokens: UpstreamTokens
    ) -> Identity | SignInRefused:
        jwt = read_id_token(tokens.id_token)
        if isinstance(jwt, SignInRefused):
            return jwt
        keys = await self._servers.keys_for(jwt, attempt.server)
        if isinstance(keys, SignInRefused):
            return keys
        issuer = provider.issuer_of(jwt.claims)
        refused = decide_id_token(
            jwt,
            keys,
            issuer=issuer,
            client_id=provider.client_id,
            nonce=nonce_of(attempt.verifier),
            now=self._effects.now(),
        )
        if refused is not None:
            return refused
        claim = provider.organisation_claim
        identity = identity_from_claims(issuer, jwt.claims, organisation_claim=claim)
        endpoint = attempt.server.userinfo_endpoint
        if isinstance(identity, SignInRefused):
            return identity
        identity = since(identity, attempt.expires_at - LIFETIME)
        if endpoint is None:
            return identity
        if identity.email is not None and identity.organisations:
            return identity
        body = await self._get(endpoint, tokens)
        if isinstance(body, SignInRefused) or body is None:
            return body or identity
        return with_userinfo(identity, body, organisation_claim=claim)

    async def _at_github(
        self, provider: LoginProvider, tokens: UpstreamTokens
    ) -> Identity | SignInRefused:
        user = await self._get(f"{provider.api_url}/user", tokens, accept=_GITHUB_JSON)
        if isinstance(user, SignInRefused):
            return user
        if user is None:
            return SignInRefused(fault=SignInFault.IDENTITY_MALFORMED, detail="/user")
        lists: list[bytes | None] = []
        for path in ("/user/emails", "/user/orgs"):
            body = await self._get(provider.api_url + path, tokens, accept=_GITHUB_JSON)
            if isinstance(body, SignInRefused):
                return body
            lists.append(body)
        emails, organisations = lists
        return decide_github_identity(
            provider.issuer, user=user, emails=emails, organisations=organisations
        )

    async def _get(
        self, url: str, tokens: UpstreamTokens, *, accept: str = "application/json"
    ) -> bytes | SignInRefused | None:
        """Ask for something about the person; None if the service does not say it."""
        request = Outgoing(
            url=url, accept=accept, authorization=f"Bearer {tokens.access_token}"
        )
        reply = await ask(self._fetcher, request)
        if isinstance(reply, UpstreamFailed):
            return failed(reply)
        if reply.is_unavailable:
            return SignInRefused(
                fault=SignInFault.UPSTREAM_BUSY, detail=f"{reply.status} {url}"
            )
        return reply.body if _is_answer(reply) else None


def _is_answer(reply: Reply) -> bool:
    return reply.status == _OK and reply.is_json
