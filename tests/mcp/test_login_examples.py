"""The examples of signing in with other services, as the programs that they are."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from tests.http.deployment import CHALLENGE, VERIFIER, query_of
from tests.mcp.examples import running
from tests.mcp.form_browser import FormBrowser
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS
from tests.mcp.sdk_client import REDIRECT_URI, McpUser
from tests.support.github import GitHub, open_github
from tests.support.openid_provider import openid_provider, pass_its_pages
from tests.support.ports import free_port

pytestmark = SDK_LEAVES_GENERATORS


def person(
    issuer: str, at_the_service: Callable[[str], Awaitable[str]], *, asked_first: bool
) -> Callable[[str], Awaitable[str]]:
    """Somebody who presses the service's button, and says yes before or after."""

    async def authorize(url: str) -> str:
        async with httpx2.AsyncClient(timeout=60) as http:
            browser = FormBrowser(http, issuer)
            await browser.open(url)
            await browser.submit({"answer": "yes"} if asked_first else {})
            assert browser.left_for is not None
            back = await at_the_service(browser.left_for)
            returned = FormBrowser(http, issuer)
            await returned.open(back)
            if not asked_first:
                await returned.submit({"decision": "approve"})
        assert returned.left_for is not None
        return returned.left_for

    return authorize


async def at_github(url: str) -> str:
    """Be signed in at GitHub, and have agreed there before."""
    async with httpx2.AsyncClient(timeout=60) as browser:
        location: str = (await browser.get(url)).headers["location"]
        return location


async def said_by(user: McpUser, tool: str) -> object:
    """What a tool answers."""
    async with user.connect("auto") as client:
        return ((await client.call_tool(tool, {})).structured_content or {})["result"]


async def test_a_tool_asks_github_on_behalf_of_whoever_signed_in_with_it(
    tmp_path: Path,
) -> None:
    async with open_github() as github:
        with running(
            "github_login.py", tmp_path, free_port(), **github.variables
        ) as issuer:
            user = McpUser(
                f"{issuer}/mcp", person(issuer, at_github, asked_first=False)
            )
            assert await said_by(user, "my_login") == "octocat"


async def test_githubs_tokens_are_in_the_props_and_refreshed_with_the_grant(
    tmp_path: Path,
) -> None:
    async with open_github() as github:
        with running(
            "upstream_pages.py", tmp_path, free_port(), **github.variables
        ) as issuer:
            yes = person(issuer, at_github, asked_first=True)
            assert await said_by(McpUser(f"{issuer}/mcp", yes), "my_login") == "octocat"
            # Due at once: each refresh of the grant is one of GitHub's tokens too.
            github.life = 1
            async with httpx2.AsyncClient(base_url=issuer, timeout=60) as http:
                await refresh_until_it_ends(http, github, yes)


async def refresh_until_it_ends(
    http: httpx2.AsyncClient, github: GitHub, yes: Callable[[str], Awaitable[str]]
) -> None:
    """Be a client that refreshes, until GitHub says that it is over."""
    registration = {
        "client_name": "c",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    }
    client = (await http.post("/register", json=registration)).json()
    own = {"client_id": client["client_id"]}
    wish = {
        "client_id": client["client_id"],
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    question = f"{str(http.base_url).rstrip('/')}/authorize?{urlencode(wish)}"
    denying = FormBrowser(http, str(http.base_url).rstrip("/"))
    await denying.open(question)
    await denying.submit({})
    assert query_of(denying.left_for or "")["error"] == "access_denied"
    back = await yes(question)
    trade = {
        "grant_type": "authorization_code",
        "code": query_of(back)["code"],
        "code_verifier": VERIFIER,
        "redirect_uri": REDIRECT_URI,
    }
    tokens = (await http.post("/token", data={**own, **trade})).json()
    for _ in range(2):
        before = github.refreshes
        again = {
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
        }
        answer = await http.post("/token", data={**own, **again})
        assert answer.status_code == 200, answer.text
        assert github.refreshes == before + 1
        tokens = answer.json()
    github.refresh_tokens.clear()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    over = await http.post("/token", data={**own, **again})
    assert (over.status_code, over.json()["error"]) == (400, "invalid_grant")


@pytest.mark.needs("node22", "oidc-provider")
async def test_people_sign_in_with_an_openid_provider(tmp_path: Path) -> None:
    port = free_port()
    callback = f"http://127.0.0.1:{port}/login/callback/oidc"

    async def at_the_provider(url: str) -> str:
        return await pass_its_pages(url, "ann", callback=callback)

    async with openid_provider(callback) as upstream:
        variables = {
            "OIDC_ISSUER": upstream,
            "OIDC_CLIENT_ID": "us",
            "OIDC_CLIENT_SECRET": "secret",
            "ACTOR_OAUTH_LOOPBACK_UPSTREAMS": "true",
        }
        with running("oidc_login.py", tmp_path, port, **variables) as issuer:
            user = McpUser(
                f"{issuer}/mcp", person(issuer, at_the_provider, asked_first=False)
            )
            (said,) = [await said_by(user, "who_am_i")]
    assert said == [f"ann@people.example at {upstream}"]
