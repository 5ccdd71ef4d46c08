"""The grant of a client's own credentials (OAuth 2.1 §4.2)."""

from actor_oauth.actors.token_endpoint.grant import (
    Answer,
    GrantHandler,
    GrantParts,
    requested_scope,
)
from actor_oauth.oauth.client_credentials import ClientTokenRequest
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused


def client_credentials_grant(parts: GrantParts) -> GrantHandler:
    """Make the handler that issues tokens to clients themselves."""
    effects = parts.effects

    async def answer(client: Client, form: Parameters, proof: Proof | None) -> Answer:
        if proof is not None:
            # Better no token than one that its client takes for bound.
            return Refused(Reason.DPOP_UNSUPPORTED)
        scope = requested_scope(form)
        if isinstance(scope, Refused):
            return scope
        return await parts.clients.actor(client.client_id).issue_token(
            ClientTokenRequest(
                client=client, scope=scope, resources=form.getlist("resource")
            ),
            policy=effects.policy,
            fresh=effects.fresh(),
            now=effects.now(),
        )

    return answer
