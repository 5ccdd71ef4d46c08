"""Revoking a token at its client's request (RFC 7009)."""

from enum import Enum

from actor_oauth.oauth.grants import Grant, is_final
from actor_oauth.oauth.tokens import TokenKind


class Revoked(Enum):
    """What a revocation ends."""

    NOTHING = "nothing"
    ACCESS_TOKEN = "access_token"  # noqa: S105 a word of RFC 7009
    GRANT = "grant"


def decide_revocation(
    kind: TokenKind,
    grant: Grant | None,
    *,
    client_id: str,
    matches: bool,
    holder: str | None = None,
) -> Revoked:
    """Decide what ends if a client presents this token for revocation.

    The client gets the same answer in every case (H-03, H-04).

    Args:
        kind: Of the presented token.
        grant: The grant that the token names, or None if there is none.
        client_id: Who authenticated.
        matches: Whether the token is one of the grant's, current or superseded.
        holder: The client that got the token by exchange; None for the grant's own.

    Returns:
        A refresh token represents the whole grant, an access token only itself (H-05).
        Nothing ends for a token of another client, or of a grant that has ended.

    Source: RFC 7009 §2.1.
    """
    if grant is None or not matches or is_final(grant.state):
        return Revoked.NOTHING
    if client_id != (holder or grant.client_id):
        return Revoked.NOTHING
    if kind is TokenKind.REFRESH:
        return Revoked.GRANT
    if kind is TokenKind.ACCESS:
        return Revoked.ACCESS_TOKEN
    return Revoked.NOTHING
