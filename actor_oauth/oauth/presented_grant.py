"""Which grant a request is about: what an operator needs to find it again.

A token contains its route. That is not secret and contains no name, but the sender may
have made it up: it is for logs, and decides nothing.
"""

from typing import Final

from actor_oauth.oauth.grants import grant_id, parse_record
from actor_oauth.oauth.parameters import Parameters
from actor_oauth.oauth.tokens import TokenKind, parse_token

_OF_A_GRANT: Final = frozenset((TokenKind.ACCESS, TokenKind.CODE, TokenKind.REFRESH))
_MEMBERS: Final = ("refresh_token", "code", "token", "subject_token")


def grant_of_token(text: str) -> str | None:
    """Give `user/KEY/GRANT`: the actor of the user, and the grant among the user's.

    Args:
        text: Anything that was presented as a token or code.

    Returns:
        None if it is no opaque token of a grant.
    """
    token = parse_token(text)
    if token is None or token.kind not in _OF_A_GRANT:
        return None
    number, _ = parse_record(token)
    return f"user/{token.actor_key}/{grant_id(number)}"


def grant_of_form(form: Parameters) -> str | None:
    """Give the same for a request to an endpoint that takes tokens."""
    presented = (form.get(name) for name in _MEMBERS)
    return next((grant_of_token(text) for text in presented if text), None)
