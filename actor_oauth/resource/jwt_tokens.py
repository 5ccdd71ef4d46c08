"""`JwtTokens`: a resource server that verifies JWT access tokens by itself (RFC 9068 §4).

For resource servers that cannot ask the authorization server about every token. The
price: a revoked token is refused only once it has expired. Where that is too late, ask
(`AuthorizationServer.validate_token`, or introspection), or let tokens live shorter.
"""

from collections.abc import Collection, Sequence
from typing import Final

from actor_oauth.oauth.json_values import get_text
from actor_oauth.oauth.jwks import VerificationKey
from actor_oauth.oauth.signed_jwt import Jwt, fitting_keys, parse_jwt, verifies
from actor_oauth.oauth.token_claims import decide_claims
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.oauth.verified_tokens import VerifiedTokens
from actor_oauth.resource.remote_keys import RemoteKeys
from actor_oauth.runtime import Clock, SystemClock

ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")


class JwtTokens:
    """Checks JWT access tokens of one issuer.

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
        # Claims are read anew each time: whoever gets them may change them.
        self._known: VerifiedTokens[VerificationKey, None] = VerifiedTokens()

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """What a token is good for at a resource; None if for nothing (G-12).

        Fit to be given to `ResourceServer`.

        Raises:
            AuthorityUnavailableError: The token cannot be judged now.
        """
        jwt = parse_jwt(token)
        if jwt is None or jwt.typ != "at+jwt" or jwt.algorithm not in self._algorithms:
            return None
        # Before any key is asked for: nobody makes us ask with a token of elsewhere.
        if get_text(jwt.claims, "iss") != self._issuer or jwt.kid is None:
            return None
        keys = fitting_keys(jwt, await self._keys.named(jwt.kid))
        if not self._is_signed(jwt, keys):
            return None
        return decide_claims(jwt.claims, resource, now=self._clock.now())

    def _is_signed(self, jwt: Jwt, keys: Sequence[VerificationKey]) -> bool:
        known = self._known.recall(jwt.text)
        if known is not None and known[0] in keys:
            return True
        for key in keys:
            if verifies(jwt, (key,), algorithms=self._algorithms):
                self._known.keep(jwt.text, key, None)
                return True
        return False
