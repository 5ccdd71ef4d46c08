"""The two forms of an access token: opaque, or a JWT for resources that want one.

Owners know opaque tokens only. What a client gets for a JWT resource is made here, of
what the owner has committed, and what is presented is turned back before anybody is
asked. Signing costs more than a turn does, so it is never part of one.
"""

from dataclasses import replace

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.effects import Effects
from actor_oauth.actors.user import UserActor
from actor_oauth.oauth.jwt_access_tokens import (
    OwnTokens,
    is_jwt,
    parse_access_token,
    render_access_token,
)
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import Token, TokenKind, TokenResponse, parse_token


class TokenFormat:
    """Parses access tokens in either form, and writes the form that the resource uses.

    Raises:
        ValueError: There are tokens to be signed, and the keyring lacks a key for it.
    """

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._known = OwnTokens()
        self._algorithms = {
            resource.identifier: resource.signing_algorithm
            for resource in effects.policy.resources
            if resource.has_jwt_tokens
        }
        known = {key.algorithm for key in effects.keyring.signing_keys}
        missing = sorted(effects.policy.signing_algorithms - known)
        if missing:
            raise ValueError(f"the keyring has no signing key for {', '.join(missing)}")

    def read(self, text: str) -> Token | None:
        """The token that a text is, or represents; None if it is not one of ours."""
        if not is_jwt(text):
            return parse_token(text)
        effects = self._effects
        return parse_access_token(
            text,
            keyring=effects.keyring,
            issuer=effects.policy.issuer,
            known=self._known,
        )

    def read_subject(self, form: Parameters) -> Parameters:
        """The form of a token exchange, with an opaque subject token if we know it."""
        text = form.get("subject_token")
        token = None if text is None or not is_jwt(text) else self.read(text)
        return (
            form if token is None else form.with_value("subject_token", token.render())
        )

    def holder(self, token: Token) -> UserActor | ClientActor:
        """The actor that knows a token: the kind says whose it is, without a lookup."""
        if token.kind is TokenKind.CLIENT_ACCESS:
            return self._effects.system.get(ClientActor, token.actor_key)
        return self._effects.system.get(UserActor, token.actor_key)

    async def write(self, response: TokenResponse) -> TokenResponse | Refused:
        """The answer for a client, with the access token in the form of its resource.

        Claims are what the owner has committed: of a token that was revoked since,
        nothing is left to sign.
        """
        algorithm = self._algorithms.get(response.resource)
        token = None if algorithm is None else parse_token(response.access_token)
        if algorithm is None or token is None:
            return response
        effects = self._effects
        access = await self.holder(token).access(token)
        info = None if access is None else access.at(effects.now())
        if info is None:
            return Refused(Reason.GRANT_REVOKED)
        key = effects.keyring.signing_key(algorithm, at=info.issued_at)
        if key is None:
            # Only if every clock stood before the first key's time.
            return Refused(Reason.SIGNING_KEY_MISSING)
        text = render_access_token(token, info, issuer=effects.policy.issuer, key=key)
        return replace(response, access_token=text)
