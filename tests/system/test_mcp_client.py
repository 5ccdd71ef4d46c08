"""The whole way, with real parts: the official SDK's client against the real process.

401, discovery, registration, authorization, tokens, tool call, refresh after expiry,
revocation, 401 again, over real HTTP, in both eras of the protocol.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import trio
from mcp import Client

from actor_oauth.bench.own_server import started
from actor_oauth.config import Settings
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.json_values import Json
from actor_oauth.provider import Provider
from tests.mcp.form_browser import FormBrowser
from tests.mcp.people import add_user
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS
from tests.mcp.sdk_client import McpUser
from tests.support.server_process import COMMAND

pytestmark = SDK_LEAVES_GENERATORS

PASSWORD = "correct horse battery staple"
# Long enough for a tool call, short enough to be waited for.
ACCESS_TOKEN_SECONDS = 6


@dataclass(frozen=True)
class Server:
    """A running `actor-oauth serve`."""

    issuer: str
    data: Path

    @property
    def mcp_url(self) -> str:
        """Where the example MCP server is."""
        return f"{self.issuer}/mcp"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty data directory."""
    return tmp_path / "data"


@pytest.fixture
def approving_server(data: Path) -> Iterator[Server]:
    """A server that approves at once, for alice, and whose access tokens are short."""
    arguments = ["serve", "--port", "0", "--data", str(data), "--auto-approve", "alice"]
    environment = {
        "ACTOR_OAUTH_ACCESS_TOKEN_SECONDS": str(ACCESS_TOKEN_SECONDS),
        "ACTOR_OAUTH_REFRESH_GRACE_SECONDS": "1",
    }
    with started([*COMMAND, *arguments], environment=environment) as (url, _):
        yield Server(url, data)


@pytest.fixture
def asking_server(data: Path) -> Iterator[Server]:
    """A server as people run it."""
    arguments = ["serve", "--port", "0", "--data", str(data)]
    with started([*COMMAND, *arguments]) as (url, _):
        yield Server(url, data)


async def approve_at_once(url: str) -> str:
    """Open the authorization URL; nobody is asked."""
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.get(url)
    assert answer.is_redirect, answer.text
    return str(answer.headers["location"])


async def whoami(client: Client) -> dict[str, object]:
    """Call the example server's tool."""
    result = await client.call_tool("whoami", {})
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def status_with(url: str, token: str) -> tuple[int, str]:
    """Status and challenge for a request with this access token."""
    async with httpx2.AsyncClient(timeout=60) as http:
        answer = await http.post(url, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.headers.get("www-authenticate", "")


async def expire(user: McpUser) -> None:
    """Wait until the access token has expired, for the server and for the client.

    The server counts whole seconds. A client that trusted its token for longer would be
    answered 401, and this one asks its user again then, instead of refreshing.
    """
    token = user.storage.access_token
    with trio.fail_after(ACCESS_TOKEN_SECONDS + 10):
        # The clock of another process has no event to wait for.
        while (  # noqa: ASYNC110
            user.trusts_its_token or (await status_with(user.url, token))[0] != 401
        ):
            await trio.sleep(0.1)


async def revoke(server: Server, user: McpUser) -> None:
    """Revoke the client's grant, at the endpoint that discovery names."""
    parts = urlsplit(server.issuer)
    well_known = (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server"
    )
    async with httpx2.AsyncClient(timeout=60) as http:
        metadata = (await http.get(well_known + parts.path)).json()
        client = user.storage.client
        assert client is not None
        form = {
            "client_id": user.storage.client_id,
            "token": user.storage.refresh_token,
        }
        if client.client_secret:
            form["client_secret"] = client.client_secret
        answer = await http.post(metadata["revocation_endpoint"], data=form)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.requirement("G-03", "G-04", "G-07", "G-14", "H-05", "D-25")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_logs_in_refreshes_is_revoked_and_logs_in_again(
    mode: str, approving_server: Server
) -> None:
    url = approving_server.mcp_url
    user = McpUser(url, approve_at_once)
    async with user.connect(mode) as client:
        caller = await whoami(client)
        assert caller["user"] == "alice"
        assert caller["client"] == user.storage.client_id
        # The client adds `offline_access`, since the server says that it knows it.
        assert caller["scopes"] == ["mcp", "offline_access"]
        assert user.asked == 1

        first = user.storage.access_token, user.storage.refresh_token
        await expire(user)
        assert (await whoami(client))["user"] == "alice"
        assert user.asked == 1
        assert user.storage.access_token != first[0]
        assert user.storage.refresh_token != first[1]

        assert (await status_with(url, user.storage.access_token))[0] != 401
        await revoke(approving_server, user)
        status, challenge = await status_with(url, user.storage.access_token)
        assert status == 401
        assert 'error="invalid_token"' in challenge

    # Everything anew, as the client would find it after a restart.
    async with user.connect(mode) as client:
        assert (await whoami(client))["user"] == "alice"
    assert user.asked == 2


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_person_signs_in_and_consents_before_the_client_gets_anything(
    mode: str, asking_server: Server
) -> None:
    await trio.to_thread.run_sync(add_user, asking_server.data, "bob", PASSWORD)
    headings: list[str] = []

    async def sign_in_and_consent(url: str) -> str:
        async with httpx2.AsyncClient(timeout=60) as http:
            browser = FormBrowser(http, asking_server.issuer)
            await browser.open(url)
            await browser.submit({"username": "bob", "password": PASSWORD})
            await browser.submit({"decision": "approve"})
            headings.extend(browser.headings)
            assert browser.left_for is not None
            return browser.left_for

    user = McpUser(asking_server.mcp_url, sign_in_and_consent)
    async with user.connect(mode) as client:
        assert (await whoami(client))["user"] == "bob"
        total = await client.call_tool("add", {"a": 20, "b": 22})
        assert total.structured_content == {"result": 42}
    assert user.asked == 1
    assert headings[0] == "Sign in"
    assert "test client" in headings[1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tool_sees_the_props_that_an_application_gave_its_user(
    mode: str, asking_server: Server
) -> None:
    props: Json = {"plan": "gold", "teams": [1, 2]}

    async def approve_by_helper_api(url: str) -> str:
        settings = Settings(data=asking_server.data, issuer=asking_server.issuer)
        async with Provider(settings).open() as running:
            request = await running.server.parse_auth_request(urlsplit(url).query)
            assert isinstance(request, AuthorizationRequest)
            answer = await running.server.complete_authorization(
                request, user_id="carol", props=props
            )
            assert isinstance(answer, Redirect)
            return answer.url

    user = McpUser(asking_server.mcp_url, approve_by_helper_api)
    async with user.connect(mode) as client:
        caller = await whoami(client)
    assert (caller["user"], caller["props"]) == ("carol", props)
