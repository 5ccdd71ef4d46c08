"""OpenID Connect: who has signed in, and sign-out at a client's request."""

from collections.abc import Mapping

from actor_oauth.actors.authorization_server.parts import ServerParts
from actor_oauth.oauth.challenge import Challenge
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.logout import (
    LogoutRequest,
    asking_client,
    decide_logout,
    read_hint,
)
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Refused
from actor_oauth.oauth.userinfo import UserInfoRequest


class OpenIdMethods(ServerParts):
    """Part of `AuthorizationServer`."""

    async def userinfo(
        self, request: UserInfoRequest
    ) -> Mapping[str, Json] | Challenge | Refused:
        """Answer a userinfo request; a mapping is the 200's JSON."""
        return await self._userinfo.answer(request)

    async def parse_logout_request(
        self, parameters: Parameters
    ) -> LogoutRequest | Refused:
        """Parse a client's request to sign a user out, and decide where it may lead.

        `oauth.logout.ends_at_once` then tells whether the person must be asked.

        Args:
            parameters: Of the query or the form (OpenID Connect RP-Initiated Logout §2).

        Returns:
            A refusal is for a page of your own: it never redirects.
        """
        decision = await self._parse_logout(parameters)
        if isinstance(decision, Refused):
            client_id = parameters.get("client_id")
            self.refusals.note(decision, "end_session", client_id=client_id)
        return decision

    async def _parse_logout(self, parameters: Parameters) -> LogoutRequest | Refused:
        effects = self._effects
        hint = read_hint(
            parameters, issuer=effects.policy.issuer, keyring=effects.keyring
        )
        if isinstance(hint, Refused):
            return hint
        named = asking_client(parameters, hint)
        client = None if named is None else await self._clients.lookup(named)
        return decide_logout(parameters, hint, client)
