"""ID tokens, issued with access tokens (OpenID Connect Core §3.1.3.3).

Like a JWT access token, one is made of what the owner has committed, after the turn:
signing costs more than a turn does, and of a grant that has ended nothing is left to sign.
"""

from dataclasses import replace
from typing import Final

from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.id_tokens import IdToken, render_id_token
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import OPENID
from actor_oauth.oauth.tokens import TokenResponse, parse_token

REFRESH: Final = "refresh_token"
GRANT_TYPES: Final = frozenset(("authorization_code", REFRESH, DEVICE_CODE))
"""Those that a user who has signed in stands behind."""


class IdTokens:
    """Adds an ID token to responses of grants with `openid`.

    Args:
        effects: What to act through.
    """

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    async def add(
        self, response: TokenResponse, known_as: str, client: Client, grant_type: str
    ) -> TokenResponse | Refused:
        """The answer for a client, with an ID token if the access token is for that.

        Args:
            response: As the client would get it without.
            known_as: The access token as its owner knows it.
            client: Who gets it.
            grant_type: What it asked with.
        """
        effects = self._effects
        wanted = OPENID in response.scope and grant_type in GRANT_TYPES
        if not effects.policy.openid_enabled or not wanted:
            return response
        token = parse_token(known_as)
        assert token is not None
        now = effects.now()
        owner = effects.system.get(UserActor, token.actor_key)
        known = await owner.identify(token, now=now)
        if known is None:
            return Refused(Reason.GRANT_REVOKED)
        registered = client.openid or OpenIdClient()
        key = effects.keyring.signing_key(registered.id_token_algorithm, at=now)
        if key is None:
            return Refused(Reason.SIGNING_KEY_MISSING)
        authentication = known.authentication
        if grant_type == REFRESH:
            authentication = authentication.without_nonce()
        said = IdToken(
            user_id=known.user_id,
            client_id=client.client_id,
            authentication=authentication,
            access_token=response.access_token,
            issued_at=now,
            expires_at=now + response.expires_in,
        )
        text = render_id_token(said, issuer=effects.policy.issuer, key=key)
        return replace(response, id_token=text)
