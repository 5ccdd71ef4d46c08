"""Callbacks that answer one request, with no later effect."""

from collections.abc import Mapping
from functools import partial

import structlog

from actor_oauth.actors.callbacks.interface import ExternalToken
from actor_oauth.actors.callbacks.parts import RunnerParts, awaited
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.props import encode_props
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import is_reduced
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import ActorError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class ResolverUnavailableError(ActorError):
    """`resolve_external_token` did not say what the token is: nobody knows, for now."""


class Questions(RunnerParts):
    """Part of `CallbackRunner`."""

    async def approve_registration(self, client: Client) -> Client | Refused:
        """Ask the application whether a client may register, and as what."""
        callback = self.callbacks.on_client_registration
        if callback is None:
            return client
        approved = await self.ask("on_client_registration", partial(callback, client))
        if approved is None:
            return Refused(Reason.CALLBACK_DENIED)
        if isinstance(approved, Refused):
            return approved
        if not is_reduced(client, approved):
            log.error("on_client_registration returned more than was requested")
            return Refused(Reason.CALLBACK_FAILED, "more granted than requested")
        return approved

    async def claims(self, user_id: str, scope: Scope) -> Mapping[str, Json] | Refused:
        """Ask the application what it knows of a user; nothing without a callback."""
        callback = self.callbacks.resolve_claims
        if callback is None:
            return {}

        async def claims() -> Mapping[str, Json]:
            known = dict(await awaited(callback(user_id, scope)))
            encode_props(known)
            return known

        return await self.ask("resolve_claims", claims)

    async def resolve(self, token: str, resource: str) -> ExternalToken | None:
        """Ask the application about a token that is none of ours; None if it is nothing.

        Raises:
            ResolverUnavailableError: It failed or timed out. That never yields None,
                since clients discard a token when they are told that it is invalid.
        """
        callback = self.callbacks.resolve_external_token
        if callback is None:
            return None
        found = await self.ask(
            "resolve_external_token", partial(callback, token, resource)
        )
        if isinstance(found, Refused):
            raise ResolverUnavailableError(found.detail or "")
        return found
