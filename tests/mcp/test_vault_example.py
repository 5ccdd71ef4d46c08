"""The example of the vault, as the program that it is, between two real servers."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.provider import Provider
from actor_oauth.upstream.vault import Connected, LoginRedirect, Vault
from tests.mcp.examples import running
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.support.made_grants import make_grants
from tests.support.ports import free_port
from tests.support.server_process import serving

pytestmark = SDK_LEAVES_GENERATORS

USER = "user0"


async def connect(vault: Vault, url: str) -> None:
    """Be the user and connect a server at which somebody is signed in already."""
    begun = await vault.begin_login(USER, url, browser="theirs")
    assert isinstance(begun, LoginRedirect), begun
    async with httpx2.AsyncClient(timeout=60) as browser:
        back = urlsplit((await browser.get(begun.url)).headers["location"])
    answer = parse_form(back.query.encode())
    assert isinstance(answer, Parameters)
    finished = await vault.finish_login(
        USER,
        answer,
        browser="theirs",
        redirect_uri=f"{back.scheme}://{back.netloc}{back.path}",
    )
    assert isinstance(finished, Connected), finished


@pytest.mark.requirement("I-33", "I-35")
def test_a_tool_calls_a_second_server_on_its_callers_behalf(tmp_path: Path) -> None:
    async def use(issuer: str, other: str) -> tuple[object, object]:
        settings = Settings(
            data=tmp_path / "first",
            issuer=issuer,
            vault_enabled=True,
            loopback_upstreams=True,
        )
        _, tokens = await make_grants(settings, 1)

        async def ask() -> object:
            url = f"{issuer}/mcp"
            async with mcp_client(url, tokens[0].access_token, "auto") as client:
                answer = await client.call_tool("tools_at", {"url": other})
                return answer.structured_content or answer.content

        before = await ask()
        # A second process of the same deployment, as far as the first one can tell.
        async with Provider(settings).open() as opened:
            assert opened.vault is not None
            await connect(opened.vault, other)
        return before, await ask()

    environment = {
        "ACTOR_OAUTH_AUTO_APPROVE": "grace",
        "ACTOR_OAUTH_CLIENT_METADATA_DOCUMENTS_ENABLED": "false",
    }
    variables = {
        "ACTOR_OAUTH_VAULT_ENABLED": "true",
        "ACTOR_OAUTH_LOOPBACK_UPSTREAMS": "true",
    }
    with (
        serving(tmp_path / "second", environment=environment) as second,
        running("vault.py", tmp_path / "first", free_port(), **variables) as issuer,
    ):
        other = f"{second.url}/mcp"
        before, after = trio.run(use, issuer, other)

    assert "/oauth/login?url=http" in str(before)
    assert "login" not in str(after)
    assert after
