"""The part of a user's actor that says who its user is."""

from dataclasses import dataclass

from actor_oauth.actors.user.grants import load_authentication
from actor_oauth.actors.user.tokens import find_access_token
from actor_oauth.actors.user.turns import UserTurns
from actor_oauth.oauth.grants import parse_record
from actor_oauth.oauth.introspect import decide_access
from actor_oauth.oauth.openid import Authentication
from actor_oauth.oauth.scopes import OPENID
from actor_oauth.oauth.tokens import Token
from actor_oauth.runtime import view


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Who stands behind an access token, and how that is known.

    Attributes:
        user_id: The user.
        authentication: When and how they had signed in.
    """

    user_id: str
    authentication: Authentication


class OpenIdTurns(UserTurns, kind="user"):
    """Turns of a user's actor; see `UserActor`."""

    @view
    def identify(self, token: Token, *, now: int) -> Identified | None:
        """Say who a live access token is about; None if it was not granted for that."""
        info = decide_access(
            token, find_access_token(self.db, token), now=now, with_props=False
        )
        if info is None or OPENID not in info.scope:
            return None
        number, _ = parse_record(token)
        return Identified(
            user_id=info.user_id, authentication=load_authentication(self.db, number)
        )
