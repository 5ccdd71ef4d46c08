"""Revocation and introspection: requests of clients about existing tokens."""

from collections.abc import Mapping
from typing import Final

from actor_oauth.actors.access_tokens import AccessTokens
from actor_oauth.actors.clients import Clients
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.refusals import Refusals
from actor_oauth.actors.token_format import TokenFormat
from actor_oauth.oauth.grant_origin import CLAIM
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.oauth.wire import WireError

INACTIVE: Final[Mapping[str, Json]] = {"active": False}


class TokenStatus:
    """Answers the revocation and the introspection endpoint.

    Args:
        effects: What to act through.
        clients: Authenticates clients.
        token_format: Reads tokens.
        access_tokens: Knows what they are good for.
        refusals: Where refusals are reported.
    """

    def __init__(
        self,
        effects: Effects,
        clients: Clients,
        *,
        token_format: TokenFormat,
        access_tokens: AccessTokens,
        refusals: Refusals,
    ) -> None:
        self._effects = effects
        self._clients = clients
        self._format = token_format
        self._access_tokens = access_tokens
        self._refusals = refusals

    async def revoke(
        self, form: Parameters, authorization: str | None
    ) -> WireError | None:
        """Answer a revocation request; None is success, whatever the token was.

        Source: RFC 7009 §2 (H-01 to H-05).
        """
        refused = await self._revoke(form, authorization)
        if refused is None:
            return None
        return self._refusals.tell(refused, "revoke", form, authorization)

    async def introspect(
        self, form: Parameters, authorization: str | None
    ) -> Mapping[str, Json] | WireError:
        """Answer an introspection request (RFC 7662 §2).

        Only confidential clients may ask. About other clients' tokens only those that the
        operator registered are answered, as resource servers are: anybody can register
        itself, and would else test whatever token it found (H-09).
        """
        answer = await self._introspect(form, authorization)
        if not isinstance(answer, Refused):
            return answer
        return self._refusals.tell(answer, "introspect", form, authorization)

    async def _revoke(
        self, form: Parameters, authorization: str | None
    ) -> Refused | None:
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return client
        text = form.get("token")
        if text is None:
            return Refused(Reason.TOKEN_MISSING)
        # The hint is not needed: a token says itself what it is (H-01).
        token = self._format.read(text)
        if token is not None:
            await self._format.holder(token).revoke_token(
                token, client_id=client.client_id, now=self._effects.now()
            )
        return None

    async def _introspect(
        self, form: Parameters, authorization: str | None
    ) -> Mapping[str, Json] | Refused:
        client = await self._clients.authenticate(form, authorization)
        if isinstance(client, Refused):
            return client
        if not client.is_confidential:
            return Refused(Reason.CLIENT_METHOD_WRONG)
        text = form.get("token")
        if text is None:
            return Refused(Reason.TOKEN_MISSING)
        info = await self._access_tokens.unwrap(text)
        is_vetted = client.origin == "pre-registered"
        if info is None or not (is_vetted or info.client_id == client.client_id):
            return INACTIVE
        answer = self._active(info)
        if is_vetted and client.client_id in self._props_clients(info.resource):
            answer["props"] = info.props
        return answer

    def _props_clients(self, identifier: str) -> tuple[str, ...]:
        resources = self._effects.policy.resources
        found = (each for each in resources if each.identifier == identifier)
        return next((each.props_clients for each in found), ())

    def _active(self, info: AccessTokenInfo) -> dict[str, Json]:
        return {
            "active": True,
            "scope": str(info.scope),
            "client_id": info.client_id,
            "sub": info.user_id,
            "aud": info.resource,
            "iss": self._effects.policy.issuer,
            "exp": info.expires_at,
            "iat": info.issued_at,
            "token_type": info.token_type,
            **({} if info.jkt is None else {"cnf": {"jkt": info.jkt}}),
            **(
                {}
                if info.authorization_details is None
                else {"authorization_details": info.authorization_details}
            ),
            **({} if info.origin is None else {CLAIM: info.origin.to_json()}),
        }
