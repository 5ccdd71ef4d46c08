"""The grant of a refresh token (OAuth 2.1 §4.3)."""

from actor_oauth.actors.asking import refresh_asking
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
from actor_oauth.oauth.refresh import RefreshRequest
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
        if parts.asks is not None:
            request = RefreshRequest(
                token,
                client.client_id,
                scope,
                resources,
                proof,
                binds=not client.is_confidential,
            )
            refreshed = await refresh_asking(parts.asks, effects, owner, request)
        else:
            refreshed = await owner.refresh(
                token,
                client=client,
                scope=scope,
                resources=resources,
                proof=proof,
                keyring=effects.keyring,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        return refreshed.response if isinstance(refreshed, Refreshed) else refreshed

    return answer
