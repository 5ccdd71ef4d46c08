"""An identity provider, and what it asserts."""

from dataclasses import dataclass, field, replace

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.trusted_issuers import TrustedIssuer, TrustPolicy
from tests.support.signing import Signer, signer

IDP = "https://idp.example"
ID_JAG = "oauth-id-jag+jwt"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Idp:
    """Signs assertions about `alice` for one client of one server."""

    audience: str
    client_id: str
    now: int
    issuer: str = IDP
    key: Signer = field(default_factory=signer)
    made: int = 0

    def claims(self, **changes: Json) -> dict[str, Json]:
        """Good claims, of an assertion that is new; None takes one away."""
        self.made += 1
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "sub": "00u1-alice",
            "aud": self.audience,
            "client_id": self.client_id,
            "jti": f"jti-{self.made}",
            "iat": self.now,
            "exp": self.now + 300,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, typ: str | None = ID_JAG, /, **changes: Json) -> str:
        """An assertion; `typ` None leaves the header out."""
        header: dict[str, Json] = {} if typ is None else {"typ": typ}
        return self.key.sign(self.claims(**changes), **header)


def an_issuer(
    *, issuer: str = IDP, key: Signer | None = None, **changes: object
) -> TrustedIssuer:
    """An issuer whose keys the operator has given."""
    jwks = (key or signer()).jwks()
    return replace(TrustedIssuer(issuer=issuer, jwks=jwks), **changes)  # type: ignore[arg-type]  # a test's own words


def trusting(policy: Policy, *issuers: TrustedIssuer, required: bool = False) -> Policy:
    """A policy that trusts these."""
    return replace(
        policy, trust=TrustPolicy(issuers=issuers, statement_required=required)
    )
