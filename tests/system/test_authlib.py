"""Authlib's clients against the real process: plain OAuth, and a relying party.

Authlib finds the server by its discovery document, makes state, nonce and verifier,
verifies the ID token by the published keys, and refreshes, all by itself. The test is the
person and the browser.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.requests import Request

from actor_oauth.oauth.signing_keys import SIGNING_ALGORITHMS
from tests.mcp.form_browser import FormBrowser
from tests.mcp.people import add_user
from tests.support.server_process import serving

NAME, PASSWORD = "ada", "correct horse battery staple"
CALLBACK = "https://wiki.example/callback"
BYE = "https://wiki.example/"

# Each algorithm has a deprecated name that most clients still use.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@dataclass(frozen=True)
class Server:
    """A running `actor-oauth serve`, and where it keeps its data."""

    issuer: str
    data: Path

    @property
    def discovery(self) -> str:
        """Where the OpenID Connect document is."""
        return f"{self.issuer}/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with OpenID Connect, and one user."""
    data = tmp_path_factory.mktemp("server") / "data"
    environment = {"ACTOR_OAUTH_OPENID_ENABLED": "true"}
    with serving(data, environment=environment) as process:
        add_user(data, NAME, PASSWORD)
        yield Server(process.url, data)


async def registered(server: Server, **metadata: object) -> dict[str, str]:
    """Register a client; gives the members of the answer."""
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.post(
            f"{server.issuer}/register",
            json={
                "client_name": "Wiki",
                "redirect_uris": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token"],
                **metadata,
            },
        )
    assert answer.status_code == 201, answer.text
    members: dict[str, str] = answer.json()
    return members


def visit(url: str, session: dict[str, object]) -> Request:
    """A browser's request for a page of the client, with its session there."""
    parts = urlsplit(url)
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [],
            "session": session,
        }
    )


async def arrive(browser: FormBrowser, url: str) -> str:
    """Go where the client sends the browser, sign in and allow it; where it ends."""
    await browser.open(url)
    if browser.headings[-1].startswith("Sign in"):
        await browser.submit({"username": NAME, "password": PASSWORD})
    await browser.submit({"decision": "approve"})
    assert browser.left_for is not None
    return browser.left_for


@pytest.mark.requirement("C-18", "D-04", "D-12", "D-25", "H-05")
async def test_a_plain_oauth_client(server: Server) -> None:
    client = await registered(server, token_endpoint_auth_method="none")
    verifier = generate_token(48)
    async with (
        AsyncOAuth2Client(
            client["client_id"],
            token_endpoint_auth_method="none",
            redirect_uri=CALLBACK,
            scope="mcp offline_access",
            code_challenge_method="S256",
            timeout=60,
        ) as oauth,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        url, state = oauth.create_authorization_url(
            f"{server.issuer}/authorize", code_verifier=verifier
        )
        landed = await arrive(FormBrowser(http, server.issuer), url)
        first = await oauth.fetch_token(
            f"{server.issuer}/token",
            authorization_response=landed,
            code_verifier=verifier,
            state=state,
        )
        assert parse_qs(urlsplit(landed).query)["iss"] == [server.issuer]
        assert "id_token" not in first
        second = dict(await oauth.refresh_token(f"{server.issuer}/token"))
        assert second["refresh_token"] != first["refresh_token"]
        assert (await oauth.get(f"{server.issuer}/mcp")).status_code != 401
        await http.post(
            f"{server.issuer}/revoke",
            data={
                "client_id": client["client_id"],
                "token": second["refresh_token"],
            },
        )
        assert (await oauth.get(f"{server.issuer}/mcp")).status_code == 401


@pytest.mark.requirement("A-03", "D-11", "D-25")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
async def test_a_relying_party(server: Server, algorithm: str) -> None:
    client = await registered(
        server,
        id_token_signed_response_alg=algorithm,
        post_logout_redirect_uris=[BYE],
    )
    party = OAuth().register(
        "wiki",
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        server_metadata_url=server.discovery,
        client_kwargs={
            "scope": "openid profile offline_access",
            "code_challenge_method": "S256",
        },
    )
    session: dict[str, object] = {}
    async with httpx2.AsyncClient(timeout=60) as http:
        browser = FormBrowser(http, server.issuer)
        sent = await party.authorize_redirect(visit("/login", session), CALLBACK)
        landed = await arrive(browser, sent.headers["location"])

        token = await party.authorize_access_token(visit(landed, dict(session)))

        # It has verified the ID token: keys, issuer, audience, times, nonce, at_hash.
        assert token["userinfo"]["sub"] == NAME
        assert token["userinfo"]["amr"] == ["pwd"]
        who = await party.userinfo(token=token)
        assert dict(who) == {"sub": NAME, "preferred_username": NAME}

        async with AsyncOAuth2Client(
            client["client_id"], client["client_secret"], token=token
        ) as oauth:
            again = dict(await oauth.refresh_token(f"{server.issuer}/token"))
        later = await party.parse_id_token(again, nonce=None)
        assert later["sub"] == NAME
        assert later["auth_time"] == token["userinfo"]["auth_time"]

        # A second answer with the nonce of the first is no answer to another request.
        with pytest.raises(Exception, match="nonce"):
            await party.parse_id_token(token, nonce="of another request")
        with pytest.raises(OAuthError, match="invalid_grant"):
            await party.authorize_access_token(visit(landed, dict(session)))

        leaving = await party.logout_redirect(
            visit("/logout", session),
            post_logout_redirect_uri=BYE,
            id_token_hint=again["id_token"],
        )
        await browser.open(leaving.headers["location"])
        assert (browser.left_for or "").startswith(BYE + "?state=")
        await browser.open(f"{server.issuer}/account")
        assert browser.headings[-1].startswith("Sign in")


@pytest.mark.requirement("E-10")
async def test_a_relying_party_takes_no_id_token_of_another_client(
    server: Server,
) -> None:
    """The ID token that one client got is presented to another by an attacker."""
    tokens = []
    parties = []
    async with httpx2.AsyncClient(timeout=60) as http:
        browser = FormBrowser(http, server.issuer)
        for name in ("one", "two"):
            client = await registered(server)
            party = OAuth().register(
                name,
                client_id=client["client_id"],
                client_secret=client["client_secret"],
                server_metadata_url=server.discovery,
                client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
            )
            session: dict[str, object] = {}
            sent = await party.authorize_redirect(
                visit("/login", session), CALLBACK, nonce="the same nonce"
            )
            landed = await arrive(browser, sent.headers["location"])
            token = await party.authorize_access_token(visit(landed, session))
            tokens.append(token)
            parties.append(party)

    with pytest.raises(Exception, match="azp"):
        await parties[1].parse_id_token(tokens[0], nonce="the same nonce")
