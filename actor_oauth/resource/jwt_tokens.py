"""`JwtTokens`: a resource server that verifies JWT access tokens by itself (RFC 9068 §4).

For resource servers that cannot ask the authorization server about every token. The
price: a revoked token is refused only once it has expired. Where that is too late, ask
(`AuthorizationServer.validate_token`, or introspection), or let tokens live shorter.
"""

from collections.abc import Collection
from typing import Final

from actor_oauth.oauth.json_values import get_text
from actor_oauth.oauth.resources import canonical_resource
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.signed_jwt import (
    Jwt,
    audiences,
    fitting_keys,
    moment,
    parse_jwt,
    verifies,
)
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.remote_keys import RemoteKeys
from actor_oauth.runtime import Clock, SystemClock

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")

LEEWAY: Final = 60
"""Seconds that the clock of the authorization server may be ahead of ours."""


class JwtTokens:
    """Says what JWT access tokens of one issuer are good for.

    Args:
        issuer: The authorization server, character for character.
        keys: Its public keys.
        algorithms: Those that are accepted, whatever a token or a key set says.
        clock: Wall time.
    """

    def __init__(
        self,
        issuer: str,
        keys: RemoteKeys,
        *,
        algorithms: Collection[str] = ALGORITHMS,
        clock: Clock | None = None,
    ) -> None:
        self._issuer = issuer
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._clock = clock or SystemClock()

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """What a token is good for at a resource; None if for nothing (G-12).

        Fit to be given to `ResourceServer`.

        Raises:
            KeysUnavailableError: The token cannot be judged now.
        """
        jwt = parse_jwt(token)
        if jwt is None or jwt.typ != "at+jwt" or jwt.algorithm not in self._algorithms:
            return None
        # Before any key is asked for: nobody makes us ask with a token of elsewhere.
        if get_text(jwt.claims, "iss") != self._issuer or jwt.kid is None:
            return None
        keys = fitting_keys(jwt, await self._keys.named(jwt.kid))
        if not verifies(jwt, keys, algorithms=self._algorithms):
            return None
        return self._judge(jwt, resource)

    def _judge(self, jwt: Jwt, resource: str) -> AccessTokenInfo | None:
        wanted = canonical_resource(resource)
        mine = any(
            canonical_resource(audience) == wanted for audience in audiences(jwt) or ()
        )
        times = self._times(jwt)
        user_id = get_text(jwt.claims, "sub")
        client_id = get_text(jwt.claims, "client_id")
        scope = parse_scope(get_text(jwt.claims, "scope") or "")
        if not mine or times is None or not user_id or not client_id or scope is None:
            return None
        # Bound in a way that nobody here would ask a proof of (RFC 7800 §3.1).
        bound = jwt.claims.get("cnf", {})
        jkt = bound.get("jkt") if isinstance(bound, dict) else None
        if "cnf" in jwt.claims and not isinstance(jkt, str):
            return None
        return AccessTokenInfo(
            # Only the authorization server knows its grants.
            grant_id="",
            client_id=client_id,
            user_id=user_id,
            principal="client" if user_id == client_id else "user",
            scope=scope or Scope(),
            resource=resource,
            issued_at=times[0],
            expires_at=times[1],
            jkt=jkt if isinstance(jkt, str) else None,
        )

    def _times(self, jwt: Jwt) -> tuple[int, int] | None:
        now = self._clock.now()
        try:
            issued_at, expires_at = moment(jwt, "iat"), moment(jwt, "exp")
            not_before = moment(jwt, "nbf")
        except ValueError:
            return None
        if issued_at is None or expires_at is None:
            return None
        if now >= expires_at or max(issued_at, not_before or 0) > now + LEEWAY:
            return None
        return issued_at, expires_at
