"""The grant of an authorization code (OAuth 2.1 §4.1.3)."""

from actor_oauth.actors.callback_redemptions import redeem_with_callback
from actor_oauth.actors.token_endpoint.grant import (
    Answer,
    GrantHandler,
    GrantParts,
    presented,
)
from actor_oauth.actors.user import Redeemed, UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import CodeRequest
from actor_oauth.oauth.tokens import TokenKind


def authorization_code_grant(parts: GrantParts) -> GrantHandler:
    """Make the handler that redeems codes at their users' actors."""
    effects = parts.effects

    async def answer(client: Client, form: Parameters, proof: Proof | None) -> Answer:
        text, verifier = form.get("code"), form.get("code_verifier")
        if text is None or verifier is None:
            return Refused(Reason.PARAMETER_MISSING)
        code = presented(text, TokenKind.CODE)
        if code is None:
            return Refused(Reason.CODE_UNKNOWN)
        owner = effects.system.get(UserActor, code.actor_key)
        redirect_uri, resources = form.get("redirect_uri"), form.getlist("resource")
        if parts.exchange_callback is not None:
            request = CodeRequest(
                code, client, redirect_uri, verifier, resources, proof
            )
            redeemed = await redeem_with_callback(
                parts.exchange_callback, effects, owner, request
            )
        else:
            redeemed = await owner.redeem(
                code,
                client=client,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
                resources=resources,
                proof=proof,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        return redeemed.response if isinstance(redeemed, Redeemed) else redeemed

    return answer
