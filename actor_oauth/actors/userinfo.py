"""The userinfo endpoint: what a client may know about the user who signed in."""

from collections.abc import Mapping

from actor_oauth.actors.access_tokens import AccessTokens
from actor_oauth.actors.callbacks import CallbackRunner
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.refusals import Refusals
from actor_oauth.oauth.bearer import BearerToken, BoundToken
from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid import userinfo_url
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.oauth.userinfo import (
    UserInfoRequest,
    decide_holder,
    decide_userinfo,
    find_token,
    refused_holder,
    userinfo_claims,
)


class UserInfo:
    """Answers the userinfo endpoint.

    Every request asks the token's owner for its committed state, so a revocation holds at
    once.

    Args:
        effects: What to act through.
        access_tokens: Knows what tokens are good for.
        refusals: Where refusals are reported.
        callbacks: Ask the application for claims; None if it has none.
    """

    def __init__(
        self,
        effects: Effects,
        access_tokens: AccessTokens,
        refusals: Refusals,
        callbacks: CallbackRunner | None,
    ) -> None:
        self._effects = effects
        self._access_tokens = access_tokens
        self._refusals = refusals
        self._callbacks = callbacks
        self._url = userinfo_url(effects.policy)

    async def answer(
        self, request: UserInfoRequest
    ) -> Mapping[str, Json] | Challenge | Refused:
        """Answer a request; a mapping is the 200's JSON (OpenID Connect Core §5.3)."""
        answer = await self._answer(request)
        if isinstance(answer, Challenge) and answer.reason is not None:
            refused = Refused(answer.reason)
            self._refusals.note(refused, "userinfo", status=answer.status)
        if isinstance(answer, Refused):
            self._refusals.note(answer, "userinfo")
        return answer

    async def _answer(
        self, request: UserInfoRequest
    ) -> Mapping[str, Json] | Challenge | Refused:
        token = find_token(request)
        if isinstance(token, Challenge):
            return token
        found = await self._access_tokens.unwrap(token.value)
        info = decide_userinfo(token, found)
        if isinstance(info, Challenge):
            return info
        refused = await self._check_holder(request, token, info)
        if refused is not None:
            return refused
        supplied: Mapping[str, Json] | Refused = {}
        if self._callbacks is not None:
            supplied = await self._callbacks.claims(info.user_id, info.scope)
        if isinstance(supplied, Refused):
            return supplied
        return userinfo_claims(info.user_id, info.scope, supplied)

    async def _check_holder(
        self,
        request: UserInfoRequest,
        token: BearerToken | BoundToken,
        info: AccessTokenInfo,
    ) -> Challenge | Refused | None:
        if isinstance(token, BearerToken):
            return None
        nonces = self._access_tokens.proof_nonces()
        proof = decide_holder(
            request,
            token,
            info,
            url=self._url,
            nonces=nonces,
            now=self._effects.now(),
        )
        if isinstance(proof, Challenge):
            return proof
        refused = await self._access_tokens.accept_proof(token.value, proof)
        if refused is None or refused.reason is Reason.DPOP_PROOFS_TOO_MANY:
            return refused
        return refused_holder(refused, nonces=nonces)
