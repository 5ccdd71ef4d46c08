"""The grant of a refresh token (OAuth 2.1 §4.3)."""

from dataclasses import replace

from actor_oauth.actors.callback_redemptions import refresh_with_callback
from actor_oauth.actors.token_endpoint.grant import (
    Answer,
    GrantHandler,
    GrantParts,
    presented,
    requested_scope,
)
from actor_oauth.actors.user import Refreshed, UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import RefreshRequest, ReuseDue
from actor_oauth.oauth.tokens import TokenKind


def refresh_token_grant(parts: GrantParts) -> GrantHandler:
    """Make the handler that refreshes at the users' actors."""
    effects = parts.effects

    async def answer(client: Client, form: Parameters, proof: Proof | None) -> Answer:
        text = form.get("refresh_token")
        if text is None:
            return Refused(Reason.PARAMETER_MISSING)
        scope = requested_scope(form)
        if isinstance(scope, Refused):
            return scope
        token = presented(text, TokenKind.REFRESH)
        if token is None:
            return Refused(Reason.REFRESH_UNKNOWN)
        owner = effects.system.get(UserActor, token.actor_key)
        resources = form.getlist("resource")
        request = replace(
            RefreshRequest.of(client, token, scope, resources, proof),
            details=form.get("authorization_details"),
        )
        refreshed: Refreshed | ReuseDue | Refused
        if parts.exchange_callback is not None:
            # It is asked once a generation, so each refresh must begin one.
            request = replace(request, rotates=True)
            refreshed = await refresh_with_callback(
                parts.exchange_callback, effects, owner, request
            )
        else:
            refreshed = await owner.refresh(
                request,
                keyring=effects.keyring,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        if isinstance(refreshed, ReuseDue):
            assert parts.callbacks is not None
            refreshed = await refresh_with_callback(
                parts.callbacks, effects, owner, request
            )
        return refreshed.response if isinstance(refreshed, Refreshed) else refreshed

    return answer
