"""Signing in with a service on an application's own pages, after they have asked.

A page asks whether a client may act, before anybody has signed in. Only a yes from the
browser that was asked sends it to the service, and only then is there a state to return
with: no link can send a user there, and through (C-23).

Until then nothing is stored. The question travels through the page as a sealed ticket.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from actor_oauth.actors.authorization_server import (
    AuthorizationError,
    AuthorizationServer,
    ConsentView,
    Redirect,
)
from actor_oauth.actors.browser_secrets import check_browser
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.client_fingerprint import client_fingerprint
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.consent_view import view_of_request
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.oauth.federation.identity import Identity
from actor_oauth.oauth.federation.kept_tokens import KeptTokens, kept_tokens
from actor_oauth.oauth.federation.wishes import NO_WISHES, wishes_of
from actor_oauth.oauth.json_values import (
    Json,
    get_integer,
    get_text,
    need_text,
    parse_record,
    render_record,
)
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.reasons import Reason
from actor_oauth.oauth.scopes import Scope
from actor_oauth.upstream.federation.federation import Federation
from actor_oauth.upstream.federation.sign_ins import Outward

_PURPOSE: Final = "upstream question"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamQuestion:
    """The question that a page asks before it sends a browser to a service.

    Attributes:
        ticket: For a hidden field of the page's form: what `begin_upstream` is given.
        view: What the page must show. Nobody has signed in: `user_id` is empty.
    """

    ticket: str = field(repr=False)
    view: ConsentView


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSignIn:
    """A user has returned from a service, and is signed in.

    Attributes:
        user_id: Who that is here.
        session: What a cookie may hold for `AuthorizationServer.session`.
        identity: Who that is there.
        tokens: The service's.
        request: What was asked before; None if nothing was.
        data: What was given to `begin_upstream`.
    """

    user_id: str
    session: str = field(repr=False)
    identity: Identity
    tokens: KeptTokens
    request: AuthorizationRequest | None
    data: str = field(repr=False)


class OwnPages:
    """The helpers for an application's own pages.

    Args:
        server: Whose clients ask.
        federation: The services.
    """

    def __init__(self, server: AuthorizationServer, federation: Federation) -> None:
        self._server = server
        self._federation = federation

    async def ask(
        self, request: AuthorizationRequest, *, browser: str
    ) -> UpstreamQuestion | AuthorizationError:
        """See `Provider.ask_upstream`."""
        check_browser(browser)
        client = await self._server.lookup_client(request.client_id)
        if client is None:
            return await self._server.refuse_authorization(
                request, Reason.AUTHORIZE_CLIENT_UNKNOWN
            )
        policy = self._server.policy
        record: dict[str, Json] = {
            "request": request.to_record(),
            "client": _seen(client),
            "browser": _hash(browser),
            "until": self._server.clock.now() + policy.lifetimes.consent,
        }
        view = view_of_request(
            request, client, user_id="", granted=Scope(), policy=policy
        )
        return UpstreamQuestion(
            ticket=self._server.seal(_PURPOSE, render_record(record).encode()),
            view=replace(view, may_be_remembered=False),
        )

    async def begin(
        self, name: str, *, browser: str, ticket: str | None, data: str
    ) -> Outward | SignInRefused:
        """See `Provider.begin_upstream`."""
        check_browser(browser)
        record, wishes = dict[str, Json](data=data), NO_WISHES
        if ticket is not None:
            asked = self._asked(ticket, browser)
            if asked is None:
                return SignInRefused(fault=SignInFault.CONSENT_MISSING)
            record |= asked
            request = AuthorizationRequest.from_record(need_text(asked, "request"))
            wishes = wishes_of(request)
        return await self._federation.begin(
            name, browser=browser, data=render_record(record), wishes=wishes
        )

    async def deny(self, ticket: str, *, browser: str | None) -> AuthorizationError:
        """See `Provider.deny_upstream`."""
        asked = self._asked(ticket, browser or "")
        if asked is None:
            return AuthorizationError(reason=Reason.CONSENT_UNKNOWN)
        return await self._denied(asked)

    async def finish(
        self, name: str, answer: Parameters | str, *, browser: str | None
    ) -> UpstreamSignIn | SignInRefused:
        """See `Provider.finish_upstream`."""
        if isinstance(answer, str):
            parsed = parse_form(answer.encode())
            if not isinstance(parsed, Parameters):
                return SignInRefused(fault=SignInFault.ATTEMPT_UNKNOWN)
            answer = parsed
        finished = await self._federation.finish(name, answer, browser=browser or "")
        if isinstance(finished, SignInRefused):
            return await self._refused(finished)
        record = parse_record(finished.data)
        asked, request = get_text(record, "request"), None
        if asked is not None:
            request = AuthorizationRequest.from_record(asked)
            client = await self._server.lookup_client(request.client_id)
            if client is None or _seen(client) != record["client"]:
                return SignInRefused(fault=SignInFault.CLIENT_CHANGED)
        session = await self._federation.sign_in(finished)
        if isinstance(session, SignInRefused):
            return session
        known = await self._server.session(session)
        if known is None:
            return SignInRefused(fault=SignInFault.ACCOUNT_DISABLED)
        return UpstreamSignIn(
            user_id=known.user_id,
            session=session,
            identity=finished.identity,
            tokens=kept_tokens(finished.provider.name, finished.tokens),
            request=request,
            data=need_text(record, "data"),
        )

    async def complete(
        self,
        signed_in: UpstreamSignIn,
        *,
        scope: Scope | None,
        metadata: Json,
        props: Json,
        details: Sequence[Json] | None,
    ) -> Redirect | AuthorizationError:
        """See `Provider.complete_upstream`."""
        if signed_in.request is None:
            raise ValueError("nothing was asked before this sign-in")
        server, user_id = self._server, signed_in.user_id
        session = await server.session(signed_in.session)
        handle = await server.begin_consent(
            signed_in.request,
            user_id=user_id,
            browser=signed_in.session,
            auth_time=None if session is None else session.auth_time,
        )
        if isinstance(handle, AuthorizationError):
            return handle
        return await server.approve_consent(
            handle,
            user_id=user_id,
            browser=signed_in.session,
            scope=scope,
            metadata=metadata,
            props=props,
            details=details,
        )

    async def _refused(self, refused: SignInRefused) -> SignInRefused:
        if refused.data is None:
            return refused
        record = parse_record(refused.data)
        refused = replace(refused, data=need_text(record, "data"))
        if refused.fault is not SignInFault.DENIED or "request" not in record:
            return refused
        return replace(refused, error=await self._denied(record))

    async def _denied(self, asked: Mapping[str, Json]) -> AuthorizationError:
        """Inform the client that the user refused, if it is still the same client."""
        request = AuthorizationRequest.from_record(need_text(asked, "request"))
        client = await self._server.lookup_client(request.client_id)
        if client is None or _seen(client) != asked["client"]:
            return await self._server.refuse_authorization(
                request, Reason.AUTHORIZE_CLIENT_UNKNOWN
            )
        # Nobody has signed in, but a person was asked, and has answered, in this browser.
        return await self._server.refuse_authorization(
            request, Reason.USER_DENIED, signed_in=True
        )

    def _asked(self, ticket: str, browser: str) -> dict[str, Json] | None:
        """Give the question that this browser was asked a while ago, or None."""
        plain = self._server.unseal(_PURPOSE, ticket)
        if plain is None:
            return None
        record = parse_record(plain.decode())
        here = hmac.compare_digest(need_text(record, "browser"), _hash(browser))
        if not here or self._server.clock.now() >= get_integer(record, "until"):
            return None
        return {name: record[name] for name in ("request", "client")}


def _seen(client: Client) -> str:
    return client_fingerprint(client).hex()


def _hash(browser: str) -> str:
    digest = sha256(b"upstream question\0" + browser.encode()).digest()
    return urlsafe_b64encode(digest).decode()
