"""Services to sign in with, as faithful as their documentation is, on the tests' web."""

import json
from dataclasses import dataclass, field
from typing import Final

from actor_oauth.oauth.json_values import Json
from tests.support.signing import Signer, signer
from tests.support.web import Web, reply

CLIENT_ID: Final = "our-client"


def page(value: object, *, status: str = "200 OK") -> bytes:
    """A JSON answer."""
    return reply(json.dumps(value).encode(), status=status)


@dataclass
class OpenIDService:
    """An OpenID provider that publishes its documents and answers as it is told.

    Attributes:
        web: Where it is.
        host: Its name.
        signer: What it signs with.
        claims: What its ID tokens say beyond the necessary.
    """

    web: Web
    host: str
    signer: Signer = field(default_factory=lambda: signer("RS256"))
    claims: dict[str, Json] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its identifier."""
        return f"https://{self.host}"

    def publish(self, **members: Json) -> None:
        """Put its documents on the web."""
        self.web.pages[f"{self.host}/.well-known/openid-configuration"] = page(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                **members,
            }
        )
        self.web.pages[f"{self.host}/jwks"] = page(self.signer.jwks())

    def id_token(self, nonce: str, /, *, now: int, **claims: Json) -> str:
        """Sign an ID token; a claim that is None is left out."""
        said: dict[str, Json] = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
            **claims,
        }
        given = {name: value for name, value in said.items() if value is not None}
        return self.signer.sign(given)

    def answer_with(self, id_token: str | None) -> None:
        """Answer the next codes with this ID token."""
        tokens: dict[str, Json] = {
            "access_token": "upstream-access",
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        if id_token is not None:
            tokens["id_token"] = id_token
        self.web.pages[f"{self.host}/token"] = page(tokens)


GITHUB_WEB: Final = "github.example"
GITHUB_API: Final = "api.github.example"


def publish_github(
    web: Web,
    *,
    number: int = 583231,
    login: str = "octocat",
    orgs: tuple[str, ...] = (),
) -> None:
    """Put a stand-in of the endpoints of GitHub on the web that a sign-in uses."""
    web.pages[f"{GITHUB_WEB}/login/oauth/access_token"] = page(
        {"access_token": "gho_secret", "token_type": "bearer", "scope": "read:user"}
    )
    web.pages[f"{GITHUB_API}/user"] = page({"id": number, "login": login, "name": "O."})
    web.pages[f"{GITHUB_API}/user/emails"] = page(
        [
            {"email": "old@example.net", "primary": False, "verified": True},
            {"email": "Octo@Example.org", "primary": True, "verified": True},
        ]
    )
    web.pages[f"{GITHUB_API}/user/orgs"] = page([{"login": org} for org in orgs])
