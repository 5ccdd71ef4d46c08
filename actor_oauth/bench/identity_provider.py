"""An identity provider that a measured provider of this package trusts."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actor_oauth.config.settings.trust import TrustedIssuerSettings
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwt_bearer import ID_JAG_TYPE
from actor_oauth.oauth.own_jwt import sign_jwt
from actor_oauth.oauth.signing_keys import SigningKey, key_set, signing_key
from actor_oauth.runtime import Clock, Entropy, SystemClock, SystemEntropy

_ISSUER: Final = "https://idp.invalid"
_LIFE: Final = 300


def _new_key() -> SigningKey:
    return signing_key(Ed25519PrivateKey.generate(), active_from=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """Signs identity assertions, each about a different user.

    Attributes:
        key: What with.
        clock: For their lives.
        entropy: For their names.
    """

    key: SigningKey = field(default_factory=_new_key)
    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)

    def trusted(self) -> TrustedIssuerSettings:
        """Give the setting that has a server trust it."""
        return TrustedIssuerSettings(issuer=_ISSUER, jwks=key_set([self.key]))

    def assertion(self, audience: str, client_id: str) -> str:
        """Sign an assertion that counts once.

        Args:
            audience: The server's issuer identifier.
            client_id: The client that may present it there.

        Source: draft-ietf-oauth-identity-assertion-authz-grant §4.
        """
        now = self.clock.now()
        name = urlsafe_b64encode(self.entropy.token_bytes(18)).decode()
        claims: dict[str, Json] = {
            "iss": _ISSUER,
            "sub": f"person-{name}",
            "aud": audience,
            "client_id": client_id,
            "jti": name,
            "iat": now,
            "exp": now + _LIFE,
        }
        return sign_jwt(claims, typ=ID_JAG_TYPE, key=self.key)
