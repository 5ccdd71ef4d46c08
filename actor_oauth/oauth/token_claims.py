"""What an access token's claims allow at a resource server, wherever they come from.

The same claims are used in a JWT access token (RFC 9068 §2.2) and in the response of an
introspection endpoint (RFC 7662 §2.2). The caller has already verified where they come
from.
"""

from collections.abc import Mapping
from typing import Final

from actor_oauth.oauth.grant_origin import CLAIM, GrantOrigin
from actor_oauth.oauth.json_values import Json, get_text, render_attached
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.oauth.scopes import parse_scope
from actor_oauth.oauth.signed_jwt import claimed_audiences, claimed_moment
from actor_oauth.oauth.tokens import AccessTokenInfo

LEEWAY: Final = 60
"""Seconds that the clock of the authorization server may be ahead of ours."""


def decide_claims(
    claims: Mapping[str, Json], resource: str, *, now: int
) -> AccessTokenInfo | None:
    """Decide what a token with these claims allows at a resource.

    Args:
        claims: Of the token.
        resource: Identifier of the resource that asks.
        now: In Unix seconds.

    Returns:
        None if it allows nothing there: it is for another resource, expired, not valid
        yet, bound in a way for which nobody here would ask for a proof, or lacks a
        claim.

    Source: RFC 9068 §4, RFC 7662 §2.2, RFC 7800 §3.1.
    """
    times = _times(claims, now=now)
    user_id, client_id = get_text(claims, "sub"), get_text(claims, "client_id")
    scope = parse_scope(get_text(claims, "scope") or "")
    if times is None or not user_id or not client_id or scope is None:
        return None
    bound = claims.get("cnf", {})
    jkt = bound.get("jkt") if isinstance(bound, dict) else None
    if "cnf" in claims and not isinstance(jkt, str):
        return None
    wanted = canonical_resource(resource)
    named = map(canonical_resource, claimed_audiences(claims) or ())
    if wanted is None or wanted not in named:
        return None
    return AccessTokenInfo(
        # Only the authorization server knows its grants.
        grant_id="",
        client_id=client_id,
        user_id=user_id,
        principal="client" if user_id == client_id else "user",
        scope=scope,
        resource=resource,
        issued_at=times[0],
        expires_at=times[1],
        # Only sent to the `props_clients` of a resource.
        props_text=render_attached(claims.get("props")),
        jkt=jkt if isinstance(jkt, str) else None,
        details=render_attached(claims.get("authorization_details")),
        origin=GrantOrigin.from_claim(claims.get(CLAIM)),
    )


def _times(claims: Mapping[str, Json], *, now: int) -> tuple[int, int] | None:
    try:
        issued_at = claimed_moment(claims, "iat")
        expires_at = claimed_moment(claims, "exp")
        not_before = claimed_moment(claims, "nbf")
    except ValueError:
        return None
    if issued_at is None or expires_at is None:
        return None
    if now >= expires_at or max(issued_at, not_before or 0) > now + LEEWAY:
        return None
    return issued_at, expires_at
