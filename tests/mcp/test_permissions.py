"""Permissions of single tools: who is challenged, who sees what, and that no way leads around."""

import json

import pytest
import trio
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import ListToolsResult

from actor_oauth.mcp import ActorTokenVerifier, CurrentCaller, require, require_scope
from actor_oauth.mcp.gate import read_ahead
from actor_oauth.mcp.permissions import NOT_PERMITTED
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.resource.asgi import Message
from tests.mcp.calls import ACCEPT, MODERN, call_of, post_call
from tests.mcp.protected_server import (
    ISSUER,
    SDK_LEAVES_GENERATORS,
    Authority,
    http_client,
    mcp_client,
    protected_server,
    serving,
    token_info,
)
from tests.mcp.test_demands import RESOURCE, guarded_coroutine, is_admin
from tests.support.challenges import parse_challenge

pytestmark = [SDK_LEAVES_GENERATORS, pytest.mark.usefixtures("quiet_logging")]

METADATA = "http://127.0.0.1/.well-known/oauth-protected-resource/mcp"


def notes_server(cache_hint: CacheHint | None = None) -> MCPServer[object]:
    """A server whose tools each demand something else, and note who called them."""
    with root_logging_kept():
        server: MCPServer[object] = MCPServer(
            "notes", cache_hints={"tools/list": cache_hint or CacheHint()}
        )

    @server.tool()
    def read() -> str:
        return "read"

    @server.tool(name="write-note")
    @require_scope("notes:write")
    async def write(text: str, caller: CurrentCaller) -> str:
        return f"{caller.user_id} wrote {text} by {caller.client_id}"

    @server.tool()
    @require_scope("notes:write", "notes:share")
    def share(caller: CurrentCaller) -> str:
        return f"shared by {caller.subject}"

    @server.tool()
    @require_scope("notes:purge", hide=True)
    def purge() -> str:
        return "purged"

    @server.tool()
    @require(is_admin)
    @require_scope("notes:write")
    def administrate() -> str:
        return "administrated"

    return server


def holder(*scopes: str, props: Json = None) -> Authority:
    """An authority that knows the token `t` with these scopes beside `mcp`."""
    return Authority({"t": token_info("alice", RESOURCE, props, ("mcp", *scopes))})


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("stateless", [True, False])
@pytest.mark.parametrize(
    ("held", "tool", "wanted"),
    [
        ((), "write-note", "mcp notes:write"),
        (("notes:write",), "share", "mcp notes:write notes:share"),
    ],
)
async def test_a_call_without_its_scopes_is_challenged_before_the_server_sees_it(
    modern: bool, stateless: bool, held: tuple[str, ...], tool: str, wanted: str
) -> None:
    async with protected_server(
        holder(*held), notes_server(), stateless=stateless
    ) as url:
        answer = await post_call(url, tool, modern=modern)
    assert answer.status_code == 403
    challenge = parse_challenge(answer.headers["www-authenticate"])
    assert challenge["error"] == "insufficient_scope"
    assert challenge["scope"] == wanted
    assert challenge["resource_metadata"] == METADATA
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_with_its_scopes_a_call_runs_and_knows_its_caller(mode: str) -> None:
    authority = holder("notes:write", "notes:share")
    async with (
        protected_server(authority, notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        wrote = await client.call_tool("write-note", {"text": "milk"})
        assert wrote.structured_content == {"result": "alice wrote milk by client"}
        shared = await client.call_tool("share", {})
        assert shared.structured_content == {"result": "shared by alice"}
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "caller" not in json.dumps(tools["write-note"].input_schema)


@pytest.mark.requirement("G-09")
async def test_a_scope_that_includes_the_wanted_one_is_enough() -> None:
    async with (
        protected_server(
            holder("notes:all"),
            notes_server(),
            implied_scopes={"notes:all": ("notes:write", "notes:share")},
        ) as url,
        mcp_client(url, "t", "auto") as client,
    ):
        assert not (await client.call_tool("share", {})).is_error


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("held", "props", "seen"),
    [
        ((), {"role": "guest"}, {"read", "write-note", "share"}),
        ((), None, {"read", "write-note", "share"}),
        ((), {"role": "admin"}, {"read", "write-note", "share", "administrate"}),
        (("notes:purge",), None, {"read", "write-note", "share", "purge"}),
    ],
)
async def test_each_caller_sees_the_tools_that_they_may_know_of(
    mode: str, held: tuple[str, ...], props: Json, seen: set[str]
) -> None:
    async with (
        protected_server(holder(*held, props=props), notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        assert {tool.name for tool in (await client.list_tools()).tools} == seen


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("tool", ["purge", "administrate"])
async def test_a_hidden_tool_is_answered_like_one_that_does_not_exist(
    mode: str, tool: str
) -> None:
    async with (
        protected_server(holder("notes:write"), notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        hidden = await client.call_tool(tool, {})
        absent = await client.call_tool("absent", {})
    assert hidden.is_error
    assert absent.is_error
    assert str(hidden.content).replace(tool, "absent") == str(absent.content)


async def test_a_role_that_changes_changes_the_list_of_an_open_session() -> None:
    authority = holder(props={"role": "guest"})
    async with (
        protected_server(authority, notes_server()) as url,
        mcp_client(url, "t", "legacy") as client,
    ):
        before = {tool.name for tool in (await client.list_tools()).tools}
        authority.tokens["t"] = token_info("alice", RESOURCE, {"role": "admin"})
        after = {tool.name for tool in (await client.list_tools()).tools}
    assert after - before == {"administrate"}


@pytest.mark.parametrize("props", [None, {"role": "admin"}])
async def test_a_list_of_one_caller_is_never_offered_for_sharing(props: Json) -> None:
    server = notes_server(CacheHint(ttl_ms=60_000, scope="public"))
    authority = holder("notes:purge", props=props)
    async with (
        protected_server(authority, server) as url,
        mcp_client(url, "t", "auto") as client,
    ):
        listed = await client.list_tools()
    assert (listed.ttl_ms, listed.cache_scope) == (60_000, "private")


async def test_a_challenge_names_what_all_calls_of_a_batch_need() -> None:
    batch: list[Json] = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        call_of("write-note", modern=False, number=2),
        call_of("share", modern=False, number=3),
        call_of("administrate", modern=False, number=4),
    ]
    async with (
        protected_server(holder(), notes_server()) as url,
        http_client("t") as http,
    ):
        answer = await http.post(url, json=batch, headers=ACCEPT)
    assert answer.status_code == 403
    challenge = parse_challenge(answer.headers["www-authenticate"])
    assert challenge["scope"] == "mcp notes:write notes:share"


async def test_a_header_cannot_pass_one_tool_off_as_another() -> None:
    headers = {**ACCEPT, **MODERN, "Mcp-Method": "tools/call"}
    read = {**headers, "Mcp-Name": "read"}
    ping = {**headers, "Mcp-Method": "ping"}
    write = {**headers, "Mcp-Name": "write-note"}
    async with (
        protected_server(holder(), notes_server()) as url,
        http_client("t") as http,
    ):
        for lie in (read, ping):
            message = call_of("write-note", modern=True, text="x")
            assert (await http.post(url, json=message, headers=lie)).status_code == 403
        message = call_of("read", modern=True)
        assert (await http.post(url, json=message, headers=write)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"null",
        b"[1, null]",
        b'{"method": "tools/call"}',
        b'{"method": "tools/call", "params": {"name": 7}}',
        b'{"method": "tools/call", "params": ["write-note"]}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "no"}}',
    ],
)
async def test_what_calls_nothing_goes_to_the_server_as_it_came(body: bytes) -> None:
    headers = {**ACCEPT, "Content-Type": "application/json"}
    async with (
        protected_server(holder(), notes_server()) as url,
        http_client("t") as http,
    ):
        answer = await http.post(url, content=body, headers=headers)
    assert answer.status_code == 400


async def test_a_body_beyond_the_servers_limit_is_not_read_for_its_calls() -> None:
    message = call_of("write-note", modern=False, text="x" * (5 * 1024 * 1024))

    async with (
        protected_server(holder(), notes_server()) as url,
        http_client("t") as http,
    ):
        answer = await http.post(url, json=message, headers=ACCEPT)
    assert answer.status_code == 413


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tool_refuses_where_no_endpoint_of_ours_stands_in_front(
    mode: str,
) -> None:
    verifier = ActorTokenVerifier(
        ResourcePolicy(identifier=RESOURCE),
        issuer=ISSUER,
        validate_token=holder().validate_token,
    )
    with root_logging_kept():
        server: MCPServer[object] = MCPServer(
            "own", token_verifier=verifier, auth=verifier.auth_settings()
        )
    server.tool()(guarded_coroutine)
    async with (
        serving(server.streamable_http_app()) as base,
        mcp_client(f"{base}/mcp", "t", mode) as client,
    ):
        with pytest.raises(MCPError) as refused:
            await client.call_tool("guarded_coroutine", {})
    assert refused.value.code == NOT_PERMITTED


async def test_a_middleware_that_answers_with_models_hides_nothing_from_ours() -> None:
    server = notes_server()

    async def listing(
        ctx: ServerRequestContext[object, object], call_next: CallNext
    ) -> HandlerResult:
        if ctx.method != "tools/list":
            return await call_next(ctx)
        return ListToolsResult(tools=await server.list_tools())

    async with protected_server(holder(), server) as url:
        # After the endpoint's own, so within it.
        server.middleware.append(listing)
        async with mcp_client(url, "t", "legacy") as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
    assert listed == {"read", "write-note", "share"}


async def test_a_client_that_goes_away_mid_body_leaves_nothing_behind() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"method":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    arriving = iter(messages)

    async def receive() -> Message:
        await trio.lowlevel.checkpoint()
        return next(arriving)

    body, again = await read_ahead(receive)
    assert body is None
    assert [await again(), await again()] == messages
