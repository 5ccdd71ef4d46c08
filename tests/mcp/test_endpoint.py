"""The SDK's server behind our guard: both protocol eras, over real HTTP."""

import logging
from dataclasses import dataclass

import pytest
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer

from actor_oauth.mcp import (
    ActorTokenVerifier,
    MCPEndpoint,
    current_props,
    current_token,
)
from actor_oauth.mcp.demo import add, demo_server
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.oauth.policy import ResourcePolicy
from tests.mcp.protected_server import (
    ISSUER,
    SDK_LEAVES_GENERATORS,
    Authority,
    http_client,
    mcp_client,
    protected_server,
    token_info,
)
from tests.resource.asgi_calls import call, http_scope

pytestmark = [SDK_LEAVES_GENERATORS, pytest.mark.usefixtures("quiet_logging")]

RESOURCE = "http://127.0.0.1/mcp"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def authority() -> Authority:
    """Knows a token of alice and one of bob."""
    return Authority(
        {
            "a": token_info("alice", RESOURCE, {"tier": "gold"}),
            "b": token_info("bob", RESOURCE, {"tier": "lead"}),
        }
    )


@pytest.mark.requirement("G-01")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tool_sees_user_client_scopes_and_props(
    mode: str, authority: Authority
) -> None:
    async with protected_server(authority) as url:
        for token, user, tier in (("a", "alice", "gold"), ("b", "bob", "lead")):
            async with mcp_client(url, token, mode) as client:
                result = await client.call_tool("whoami", {})
                assert result.structured_content == {
                    "user": user,
                    "client": "client",
                    "scopes": ["mcp"],
                    "props": {"tier": tier},
                }
                total = await client.call_tool("add", {"a": 2, "b": 3})
                assert total.structured_content == {"result": 5}


@dataclass
class Tier:
    """Props as an application types them."""

    tier: str


@pytest.mark.requirement("G-11")
async def test_tools_read_typed_props_and_the_sdks_own_token_but_never_the_secret(
    authority: Authority,
) -> None:
    with root_logging_kept():
        server: MCPServer[object] = MCPServer("typed")
    seen: list[str] = []

    def tier() -> str:
        token = get_access_token()
        assert token is not None
        seen.extend((token.token, token.subject or "", str(token.resource)))
        return current_props(Tier).tier

    def broken() -> str:
        return str(current_props(int))

    def untyped() -> str:
        return str(current_props())

    for tool in (tier, broken, untyped):
        server.add_tool(tool)
    async with (
        protected_server(authority, server) as url,
        mcp_client(url, "a", "auto") as client,
    ):
        result = await client.call_tool("tier", {})
        assert result.structured_content == {"result": "gold"}
        assert seen == ["withheld", "alice", RESOURCE]
        assert (await client.call_tool("broken", {})).is_error
        plain = await client.call_tool("untyped", {})
        assert plain.structured_content == {"result": "{'tier': 'gold'}"}


@pytest.mark.requirement("G-14")
async def test_a_revoked_token_ends_a_session_with_401(authority: Authority) -> None:
    async with protected_server(authority) as url, http_client("a") as http:
        opened = await http.post(url, json=INITIALIZE, headers=ACCEPT)
        assert opened.status_code == 200
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], **ACCEPT}
        assert (await http.post(url, json=PING, headers=session)).status_code == 200
        del authority.tokens["a"]
        refused = await http.post(url, json=PING, headers=session)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]


@pytest.mark.requirement("G-15")
async def test_a_session_of_one_user_does_not_exist_for_another(
    authority: Authority,
) -> None:
    async with (
        protected_server(authority) as url,
        http_client("a") as alice,
        http_client("b") as bob,
    ):
        opened = await alice.post(url, json=INITIALIZE, headers=ACCEPT)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], **ACCEPT}
        assert (await bob.post(url, json=PING, headers=session)).status_code == 404
        assert (await alice.post(url, json=PING, headers=session)).status_code == 200


@pytest.mark.requirement("G-05")
async def test_a_call_in_an_old_session_sees_the_token_of_the_call_not_of_the_opening(
    authority: Authority,
) -> None:
    authority.tokens["a2"] = token_info("alice", RESOURCE, {"tier": "newer"})
    whoami = {"method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    async with protected_server(authority) as url:
        async with http_client("a") as http:
            opened = await http.post(url, json=INITIALIZE, headers=ACCEPT)
            session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], **ACCEPT}
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            assert (
                await http.post(url, json=ready, headers=session)
            ).status_code == 202
        async with http_client("a2") as http:
            called = await http.post(url, json={**PING, **whoami}, headers=session)
        assert "newer" in called.text
        assert "gold" not in called.text


@pytest.mark.requirement("G-03", "J-16")
async def test_without_a_token_the_endpoint_is_a_challenge(
    authority: Authority,
) -> None:
    async with protected_server(authority) as url, http_client(None) as http:
        answer = await http.post(url, json=INITIALIZE, headers=ACCEPT)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer scope=")
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_endpoint_without_a_guard_in_front_serves_nobody() -> None:
    endpoint = MCPEndpoint(demo_server(), path="/mcp", issuer=ISSUER)

    async with endpoint.run():
        with pytest.raises(KeyError):
            await call(endpoint, http_scope(method="POST"))


def test_a_server_that_authenticates_by_itself_is_not_guarded_twice() -> None:
    verifier = ActorTokenVerifier(
        ResourcePolicy(identifier=RESOURCE),
        issuer=ISSUER,
        validate_token=Authority().validate_token,
    )
    server: MCPServer[object] = MCPServer(
        "own", token_verifier=verifier, auth=verifier.auth_settings()
    )
    with pytest.raises(ValueError, match="auth settings"):
        MCPEndpoint(server, path="/mcp", issuer=ISSUER)


def test_outside_of_a_request_there_is_no_caller() -> None:
    with pytest.raises(LookupError):
        current_token()
    with pytest.raises(LookupError):
        current_props()


def test_making_the_demo_server_leaves_the_programs_logging_alone() -> None:
    root = logging.getLogger()
    kept = list(root.handlers), root.level
    root.handlers[:] = []
    try:
        demo_server()
        assert root.handlers == []
    finally:
        root.handlers[:], _ = kept
        root.setLevel(kept[1])


def test_the_demo_adds() -> None:
    assert add(2, 3) == 5


async def test_the_sdks_verifier_says_what_the_guard_says(authority: Authority) -> None:
    verifier = ActorTokenVerifier(
        ResourcePolicy(identifier=RESOURCE, default_scopes=("mcp",)),
        issuer=ISSUER,
        validate_token=authority.validate_token,
    )
    token = await verifier.verify_token("a")
    assert token is not None
    assert (token.subject, token.scopes, token.resource) == ("alice", ["mcp"], RESOURCE)
    assert token.claims == {"iss": ISSUER}
    assert await verifier.verify_token("unknown") is None
    settings = verifier.auth_settings()
    assert settings.required_scopes == ["mcp"]
    # Clients compare both as texts: no slash may be added.
    assert str(settings.issuer_url) == ISSUER
    assert str(settings.resource_server_url) == RESOURCE
    assert settings.validate_token_resource
    assert verifier.auth_settings(required_scopes=["x"]).required_scopes == ["x"]
