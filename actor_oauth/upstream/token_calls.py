"""Requests to another server's token and revocation endpoints."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.attempts import Attempt, Departure
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.pushing import decide_pushed
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.token_requests import (
    authenticated,
    code_form,
    refresh_form,
    revocation_form,
)
from actor_oauth.oauth.upstream.token_response import (
    UpstreamTokens,
    decide_token_response,
)
from actor_oauth.upstream.documents import ask, unreachable
from actor_oauth.upstream.fetch import Fetcher
from actor_oauth.upstream.outgoing import Reply, form_request

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_OK: Final = 200


class CallEffects(Protocol):
    """What a call is made with, beside a way to the web."""

    @property
    def keyring(self) -> Keyring:
        """Signs for clients that authenticate by a key."""
        ...

    def now(self) -> int:
        """The time, in Unix seconds."""
        ...

    def fresh(self) -> bytes:
        """64 random bytes."""
        ...


class TokenCalls:
    """Calls to the endpoints of other servers.

    Args:
        effects: Keys, time and randomness.
        fetcher: Fetches from the web. It follows no redirect, so nothing that is sent
            here reaches anybody else (I-34).
    """

    def __init__(self, effects: CallEffects, fetcher: Fetcher) -> None:
        self._effects = effects
        self._fetcher = fetcher

    async def authorization_url(self, departure: Departure) -> str | UpstreamFailed:
        """Give where a browser goes, after pushing what is asked if that can be done.

        Failed with `ENDPOINT_REFUSED` if the server insists on that, and names no address
        for it that may be used.
        """
        attempt = departure.attempt
        server = attempt.server
        endpoint = server.pushed_authorization_request_endpoint
        if endpoint is None:
            if server.require_pushed_authorization_requests:
                fault = UpstreamFault.ENDPOINT_REFUSED
                return UpstreamFailed(fault=fault, detail=server.issuer)
            return departure.url
        form = departure.parameters
        reply = await self._post(endpoint, form, attempt.client, server)
        if isinstance(reply, UpstreamFailed):
            return reply
        if reply.is_unavailable:
            return unreachable(reply)
        return decide_pushed(reply.status, reply.body, departure)

    async def exchange_code(
        self, attempt: Attempt, code: str
    ) -> UpstreamTokens | UpstreamFailed:
        """Exchange a code at the server that was asked (I-21)."""
        form = code_form(attempt, code)
        return await self._request_tokens(
            form, attempt.client, attempt.server, attempt.scope
        )

    async def refresh(
        self,
        refresh_token: str,
        *,
        client: UpstreamClient,
        server: UpstreamServer,
        resource: str | None,
        scope: Scope,
    ) -> UpstreamTokens | UpstreamFailed:
        """Use a refresh token, once.

        Args:
            refresh_token: To be traded.
            client: As whom.
            server: Whom to ask.
            resource: To be named, or None (I-16).
            scope: What the current token allows.
        """
        form = refresh_form(refresh_token, resource=resource)
        return await self._request_tokens(form, client, server, scope)

    async def revoke(
        self, token: str, *, hint: str, client: UpstreamClient, server: UpstreamServer
    ) -> UpstreamFailed | None:
        """Ask to end a token, at a server that has a way to (I-40).

        Returns:
            Why it did not; None if it did.
        """
        assert server.revocation_endpoint is not None
        form = revocation_form(token, hint=hint)
        reply = await self._post(
            server.revocation_endpoint, form, client, server, reads_body=False
        )
        failed = _not_revoked(reply) if isinstance(reply, Reply) else reply
        log.info(
            "token revoked upstream",
            issuer=server.issuer,
            kind=hint,
            done=failed is None,
        )
        return failed

    async def _request_tokens(
        self,
        form: Mapping[str, str],
        client: UpstreamClient,
        server: UpstreamServer,
        scope: Scope,
    ) -> UpstreamTokens | UpstreamFailed:
        reply = await self._post(server.token_endpoint, form, client, server)
        if isinstance(reply, UpstreamFailed):
            # Its words are about documents: what cannot be read here is an answer.
            passing = reply.is_passing or reply.fault is UpstreamFault.ADDRESS_REFUSED
            answer: UpstreamTokens | UpstreamFailed = (
                reply if passing else _unreadable()
            )
        else:
            answer = decide_token_response(
                reply.status,
                reply.body if reply.is_json else b"",
                requested=scope,
                # Not before: the answer's lifetimes count from its arrival (I-25).
                now=self._effects.now(),
                retry_after=reply.retry_after,
            )
        if isinstance(answer, UpstreamFailed):
            log.info(
                "upstream token request failed",
                issuer=server.issuer,
                grant_type=form["grant_type"],
                fault=str(answer.fault),
                detail=answer.detail,
            )
        return answer

    async def _post(
        self,
        url: str,
        form: Mapping[str, str],
        client: UpstreamClient,
        server: UpstreamServer,
        *,
        reads_body: bool = True,
    ) -> Reply | UpstreamFailed:
        request = authenticated(
            form,
            client,
            issuer=server.issuer,
            keyring=self._effects.keyring,
            fresh=self._effects.fresh(),
            now=self._effects.now(),
        )
        posted = form_request(url, request.form, authorization=request.authorization)
        return await ask(self._fetcher, replace(posted, reads_body=reads_body))


def _not_revoked(reply: Reply) -> UpstreamFailed | None:
    """Give why an answer of RFC 7009 §2.2 is no revocation; None if it is one."""
    if reply.status == _OK:
        return None
    if reply.is_unavailable:
        return unreachable(reply)
    return UpstreamFailed(fault=UpstreamFault.TOKEN_REFUSED, detail=str(reply.status))


def _unreadable() -> UpstreamFailed:
    return UpstreamFailed(fault=UpstreamFault.TOKEN_RESPONSE_MALFORMED)
