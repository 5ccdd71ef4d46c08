"""A real FastMCP server on Trio, with our tokens."""

import pytest
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token

from actor_oauth.mcp import root_logging_kept
from actor_oauth.mcp.fastmcp import fastmcp_auth
from actor_oauth.oauth.policy import ResourcePolicy
from tests.mcp.protected_server import (
    ISSUER,
    SDK_LEAVES_GENERATORS,
    Authority,
    http_client,
    mcp_client,
    serving,
    token_info,
)
from tests.oauth.test_challenge import parse_challenge

pytestmark = SDK_LEAVES_GENERATORS

RESOURCE = "http://127.0.0.1/mcp"


@pytest.mark.requirement("G-03", "G-11", "G-14")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_fastmcp_server_knows_its_caller_and_of_a_revocation(mode: str) -> None:
    authority = Authority({"a": token_info("alice", RESOURCE, {"plan": "gold"})})
    auth = fastmcp_auth(
        ResourcePolicy(identifier=RESOURCE),
        issuer=ISSUER,
        validate_token=authority.validate_token,
    )
    with root_logging_kept():
        server = FastMCP("fast", auth=auth)

    def who() -> str:
        token = get_access_token()
        assert token is not None
        return f"{token.claims['sub']} {token.claims['props']} {token.token}"

    server.tool(who)
    async with serving(server.http_app()) as base:
        url = f"{base}/mcp"
        async with http_client(None) as http:
            stranger = await http.post(url, json={})
            assert stranger.status_code == 401
            challenge = parse_challenge(stranger.headers["www-authenticate"])
            assert challenge["scope"] == "mcp"
            path = "/.well-known/oauth-protected-resource/mcp"
            assert challenge["resource_metadata"] == f"http://127.0.0.1{path}"
            document = (await http.get(base + path)).json()
            assert document["authorization_servers"] == [ISSUER]
        async with mcp_client(url, "a", mode) as client:
            result = await client.call_tool("who", {})
            expected = "alice {'plan': 'gold'} withheld"
            assert result.structured_content == {"result": expected}
        del authority.tokens["a"]
        async with http_client("a") as http:
            assert (await http.post(url, json={})).status_code == 401
