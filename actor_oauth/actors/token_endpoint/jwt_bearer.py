"""The grant of a trusted issuer's assertion (RFC 7523 §2.1)."""

from actor_oauth.actors.callback_redemptions import redeem_device_with_callback
from actor_oauth.actors.token_endpoint.grant import (
    Answer,
    GrantHandler,
    GrantParts,
    requested_scope,
)
from actor_oauth.actors.user import Redeemed, UserActor
from actor_oauth.oauth.asserted_grant import AssertedGrant, decide_asserted_grant
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.federated import federated_user_id
from actor_oauth.oauth.jwt_bearer import Asserted, decide_assertion, read_assertion
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused


def jwt_bearer_grant(parts: GrantParts) -> GrantHandler:
    """Make the handler that takes assertions."""
    grant = _JwtBearer(parts)
    return grant.answer


class _JwtBearer:
    def __init__(self, parts: GrantParts) -> None:
        self._parts = parts
        self._effects = parts.effects

    async def answer(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Answer:
        """Answer a token request of an authenticated client (D-40).

        Whatever can be refused without a trace is refused first. Then the assertion is
        used, and only then anything is written about the account (D-47).
        """
        scope = requested_scope(form)
        if isinstance(scope, Refused):
            return scope
        asserted = await self._verify(client, form, proof)
        if isinstance(asserted, Refused):
            return asserted
        due = decide_asserted_grant(
            asserted,
            client,
            scope=scope,
            resources=form.getlist("resource"),
            proof=proof,
            policy=self._effects.policy,
        )
        if isinstance(due, Refused):
            return due
        refused = await self._parts.issuers.use(
            asserted.issuer, asserted.jti_hash, keep_until=asserted.keep_until
        )
        return await self._issue(due) if refused is None else refused

    async def _verify(
        self, client: Client, form: Parameters, proof: Proof | None
    ) -> Asserted | Refused:
        text = form.get("assertion")
        if text is None:
            return Refused(Reason.PARAMETER_MISSING)
        policy = self._effects.policy
        presented = read_assertion(text, policy)
        if isinstance(presented, Refused):
            return presented
        return await self._parts.issuers.decide(
            presented.issuer,
            lambda keys: decide_assertion(
                presented, client, keys, policy, proof=proof, now=self._effects.now()
            ),
            unknown=Reason.ASSERTION_KEY_UNKNOWN,
        )

    async def _issue(self, due: AssertedGrant) -> Answer:
        effects, origin = self._effects, due.origin
        user_id = federated_user_id(
            effects.keyring,
            issuer=origin.issuer,
            subject=origin.subject,
            tenant=origin.tenant,
        )
        key = effects.user_key(user_id)
        epoch = await self._parts.clients.enlist(due.client.client_id, key)
        if isinstance(epoch, Refused):
            return epoch
        owner = effects.system.get(UserActor, key)
        runner = self._parts.exchange_callback
        if runner is None:
            answer = await owner.accept_assertion(
                due,
                user_id=user_id,
                client_epoch=epoch,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
        else:
            begun = await owner.begin_assertion(
                due,
                user_id=user_id,
                client_epoch=epoch,
                policy=effects.policy,
                fresh=effects.fresh(),
                now=effects.now(),
            )
            if isinstance(begun, Refused):
                return begun
            answer = await redeem_device_with_callback(
                runner,
                effects,
                owner,
                begun.request,
                begun.grant_number,
                policy=due.policy(effects.policy),
            )
        return answer.response if isinstance(answer, Redeemed) else answer
