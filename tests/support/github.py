"""The endpoints of GitHub that a sign-in uses, on this machine, over HTTP.

As they are documented: errors of the token endpoint come with status 200, the answer is
JSON only for who asks for it, codes work once, and the user tokens of a GitHub App expire.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from actor_oauth.oauth.pkce import verify_s256
from tests.support.standin import Asked, Said, StandIn, serving_standin

CLIENT_ID: Final = "Iv1.0123456789abcdef"
CLIENT_SECRET: Final = "github-secret"
TOKEN_PATH: Final = "/login/oauth/access_token"


@dataclass
class GitHub:
    """GitHub, with one person who is signed in there and says yes to everything.

    Attributes:
        server: The web site, with the API below `/api/v3`.
        login: Whose browser it is.
        life: Seconds that tokens live; None for tokens of an OAuth app, which do not end.
        tokens: The access tokens that work.
        refresh_tokens: The refresh tokens that work.
        refreshes: How many refreshes there were.
    """

    server: StandIn = field(default_factory=StandIn)
    login: str = "octocat"
    life: int | None = None
    tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    refreshes: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _numbers: int = 0

    @property
    def variables(self) -> dict[str, str]:
        """What the examples read from the environment."""
        return {
            "GITHUB_URL": self.server.url,
            "GITHUB_API": self.server.url + "/api/v3",
            "GITHUB_CLIENT_ID": CLIENT_ID,
            "GITHUB_CLIENT_SECRET": CLIENT_SECRET,
            "ACTOR_OAUTH_LOOPBACK_UPSTREAMS": "true",
        }

    def set_up(self) -> None:
        """Fill in the pages."""
        person = {"id": 583231, "login": self.login, "name": "The Octocat"}
        email = {"email": "octo@example.org", "primary": True, "verified": True}
        self.server.pages = {
            "/login/oauth/authorize": self._authorize,
            TOKEN_PATH: self._token,
            "/api/v3/user": lambda asked: self._api(asked, person),
            "/api/v3/user/emails": lambda asked: self._api(asked, [email]),
            "/api/v3/user/orgs": lambda asked: self._api(asked, []),
        }

    def _authorize(self, asked: Asked) -> Said:
        query = asked.query
        assert query["client_id"] == CLIENT_ID
        code = f"code{self._next()}"
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return Said(302, {}, (f"Location: {query['redirect_uri']}?{back}",))

    def _token(self, asked: Asked) -> Said:
        form = asked.form
        if asked.headers.get("accept") != "application/json":
            return Said(body=b"error=x", media_type="application/x-www-form-urlencoded")
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return Said(members={"error": "incorrect_client_credentials"})
        if form["grant_type"] == "refresh_token":
            self.refreshes += 1
            if form["refresh_token"] not in self.refresh_tokens:
                return Said(members={"error": "bad_refresh_token"})
            self.refresh_tokens.discard(form["refresh_token"])
            return self._issue()
        begun = self._codes.pop(form["code"], None)
        if begun is None or not verify_s256(
            form["code_verifier"], begun["code_challenge"]
        ):
            return Said(members={"error": "bad_verification_code"})
        return self._issue()

    def _issue(self) -> Said:
        number = self._next()
        access, refresh = f"gho_{number}", f"ghr_{number}"
        self.tokens.add(access)
        members: dict[str, object] = {
            "access_token": access,
            "scope": "read:user,user:email",
            "token_type": "bearer",
        }
        if self.life is not None:
            self.refresh_tokens.add(refresh)
            members |= {
                "expires_in": self.life,
                "refresh_token": refresh,
                "refresh_token_expires_in": 15897600,
            }
        return Said(members=members)

    def _api(self, asked: Asked, document: object) -> Said:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return Said(401, {"message": "Bad credentials"})
        return Said(body=json.dumps(document).encode())

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


@asynccontextmanager
async def open_github() -> AsyncIterator[GitHub]:
    """Serve it for as long as the block lasts."""
    github = GitHub()
    async with serving_standin(github.server):
        github.set_up()
        yield github
