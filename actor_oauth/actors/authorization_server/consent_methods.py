"""Consent: what a signed-in user is asked, and the answer."""

from actor_oauth.actors.accounts import Session
from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.actors.authorizations import ConsentView, Gone, Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest, LocalRefusal
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.scopes import Scope


class ConsentMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def begin_consent(
        self, session: Session, request: AuthorizationRequest, client: Client
    ) -> str:
        """Keep a request for a signed-in user to answer; returns its handle."""
        return await self._authorizations.begin_consent(session, request, client)

    async def describe_consent(
        self, session: Session, handle: str
    ) -> ConsentView | None:
        """What to ask; None if the handle leads to nothing open to this session."""
        return await self._authorizations.describe_consent(session, handle)

    async def approve_consent(
        self, session: Session, handle: str, *, scope: Scope
    ) -> Redirect | Gone | LocalRefusal:
        """Answer yes, to a part or the whole. Of several answers the first counts."""
        return await self._authorizations.approve_consent(session, handle, scope=scope)

    async def deny_consent(self, session: Session, handle: str) -> Redirect | Gone:
        """Answer no. Of several answers the first counts."""
        return await self._authorizations.deny_consent(session, handle)
