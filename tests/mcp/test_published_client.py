"""The SDK's client that is known by its document, whole: sign-in to revocation."""

import json
from pathlib import Path

import httpx2
import pytest
import trio
from argon2 import profiles
from mcp import Client

from actor_oauth.config import Settings
from actor_oauth.mcp.demo import demo_server
from actor_oauth.provider import Provider
from actor_oauth.provider.listening import bind
from tests.mcp.people import person
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS
from tests.mcp.sdk_client import REDIRECT_URI, McpUser
from tests.support.web import open_web, reply

pytestmark = SDK_LEAVES_GENERATORS

DOCUMENT_URL = "https://c.example/client.json"
PASSWORD = "correct horse battery staple"


async def whoami(client: Client) -> dict[str, object]:
    result = await client.call_tool("whoami", {})
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@pytest.mark.requirement("B-06", "B-08", "D-25", "G-14")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_publishes_its_metadata_goes_the_whole_way(
    mode: str,
    tmp_path: Path,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(profiles, "RFC_9106_LOW_MEMORY", profiles.CHEAPEST)
    fd, settings = bind(Settings(data=tmp_path, port=0))
    document = {
        "client_id": DOCUMENT_URL,
        "client_name": "Published",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    }
    async with open_web("c.example") as web:
        web.pages["c.example/client.json"] = reply(json.dumps(document).encode())
        provider = Provider(settings, fetcher=web.fetcher())
        provider.protect_mcp(demo_server())
        listening, stopping = trio.Event(), trio.Event()

        async def serve() -> None:
            await provider.serve(
                fd=fd, announce=lambda _: listening.set(), stopping=stopping
            )

        nursery.start_soon(serve)
        await listening.wait()
        issuer = str(settings.issuer)
        await provider.server.create_user("alice", PASSWORD)
        user = McpUser(
            f"{issuer}/mcp",
            person(issuer, "alice", PASSWORD),
            document_url=DOCUMENT_URL,
        )
        async with user.connect(mode) as client:
            caller = await whoami(client)
            assert (caller["user"], caller["client"]) == ("alice", DOCUMENT_URL)
            assert web.count("c.example/client.json") == 1

            # The client's own belief that the token has expired makes it refresh.
            assert user.storage.tokens is not None
            first = user.storage.refresh_token
            user.forget_expiry()
            assert (await whoami(client))["user"] == "alice"
            assert user.storage.refresh_token != first
            assert user.asked == 1

            async with httpx2.AsyncClient(timeout=60) as http:
                form = {
                    "client_id": DOCUMENT_URL,
                    "token": user.storage.refresh_token,
                }
                answer = await http.post(f"{issuer}/revoke", data=form)
                assert answer.status_code == 200
            assert (await whoami(client))["user"] == "alice"
            assert user.asked == 2
        stopping.set()
