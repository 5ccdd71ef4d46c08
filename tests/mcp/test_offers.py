"""Permissions of prompts and resources: as those of tools, in both protocol eras."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import pytest
from mcp import Client
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import TextResource
from mcp.shared.exceptions import MCPError
from mcp_types import GetPromptResult, ReadResourceResult, TextContent
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from actor_oauth.mcp import (
    ActorTokenVerifier,
    Caller,
    CurrentCaller,
    current_caller,
    require,
    require_scope,
)
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import ResourcePolicy
from tests.mcp.calls import post
from tests.mcp.protected_server import (
    ISSUER,
    SDK_LEAVES_GENERATORS,
    Authority,
    mcp_client,
    protected_server,
    serving,
    token_info,
)
from tests.support.challenges import parse_challenge

pytestmark = [SDK_LEAVES_GENERATORS, pytest.mark.usefixtures("quiet_logging")]

RESOURCE = "http://127.0.0.1/mcp"
METADATA = "http://127.0.0.1/.well-known/oauth-protected-resource/mcp"

Ask = Callable[[Client], Awaitable[object]]


def is_admin(caller: Caller) -> bool:
    return caller.props == "admin"


def notes_server() -> MCPServer[object]:
    """A server with an open, a challenging and a hidden one of each kind."""
    shared = CacheHint(ttl_ms=60_000, scope="public")
    with root_logging_kept():
        server: MCPServer[object] = MCPServer(
            "notes",
            cache_hints={
                "prompts/list": shared,
                "resources/list": shared,
                "resources/read": shared,
                "resources/templates/list": shared,
            },
        )

    @server.prompt()
    def greet() -> str:
        return "greet"

    @server.prompt()
    @require_scope("notes:write")
    async def rewrite(text: str) -> str:
        return f"rewrite {text} for {current_caller().user_id}"

    @server.prompt()
    @require(is_admin)
    def purge() -> str:
        return "purge"

    server.add_resource(TextResource(uri="notes://help", name="help", text="help"))

    @server.resource("notes://mine")
    @require_scope("notes:read")
    def mine() -> str:
        return f"the notes of {current_caller().user_id}"

    @server.resource("notes://log")
    @require(is_admin)
    def log() -> str:
        return "log"

    @server.resource("notes://by-name/{name}")
    @require_scope("notes:read")
    async def by_name(name: str) -> str:
        return f"note {name}"

    @server.resource("notes://of/{user}")
    @require_scope("notes:spy", hide=True)
    def of_user(user: str) -> str:
        return f"the notes of {user}"

    return server


def holder(*scopes: str, props: Json = None) -> Authority:
    """An authority that knows the token `t` with these scopes beside `mcp`."""
    return Authority({"t": token_info("alice", RESOURCE, props, ("mcp", *scopes))})


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize("modern", [True, False])
async def test_what_lacks_its_scope_is_challenged_before_the_server_sees_it(
    modern: bool,
) -> None:
    cases: list[tuple[str, dict[str, Json], str]] = [
        ("prompts/get", {"name": "rewrite"}, "mcp notes:write"),
        ("resources/read", {"uri": "notes://mine"}, "mcp notes:read"),
        ("resources/read", {"uri": "notes://by-name/a"}, "mcp notes:read"),
    ]
    async with protected_server(holder(), notes_server()) as url:
        for method, params, wanted in cases:
            answer = await post(url, method, params, modern=modern)
            assert answer.status_code == 403
            challenge = parse_challenge(answer.headers["www-authenticate"])
            assert challenge["error"] == "insufficient_scope"
            assert challenge["scope"] == wanted
            assert challenge["resource_metadata"] == METADATA


def text_of(result: object) -> str:
    """The text that a prompt or resource gave."""
    if isinstance(result, GetPromptResult):
        content = result.messages[0].content
        assert isinstance(content, TextContent)
        return content.text
    assert isinstance(result, ReadResourceResult)
    return str(getattr(result.contents[0], "text", None))


@pytest.mark.requirement("G-08")
async def test_a_server_with_the_sdks_own_authentication_challenges_and_hides_too() -> (
    None
):
    authority = holder()
    verifier = ActorTokenVerifier(
        ResourcePolicy(identifier=RESOURCE),
        issuer=ISSUER,
        validate_token=authority.validate_token,
    )
    with root_logging_kept():
        server: MCPServer[object] = MCPServer(
            "own", token_verifier=verifier, auth=verifier.auth_settings()
        )
    server.tool(name="write")(require_scope("notes:write")(lambda: "written"))
    server.tool(name="purge")(require(is_admin)(lambda: "purged"))
    app = verifier.with_permissions(server, server.streamable_http_app())
    async with serving(app) as base:
        url = f"{base}/mcp"
        for modern in (True, False):
            answer = await post(url, "tools/call", {"name": "write"}, modern=modern)
            assert answer.status_code == 403
            challenge = parse_challenge(answer.headers["www-authenticate"])
            assert challenge["scope"] == "mcp notes:write"
            assert challenge["resource_metadata"] == METADATA
        async with mcp_client(url, "t", "auto") as client:
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == {"write"}


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize("path", ["/mcp", "/api/mcp", "/"])
async def test_calls_are_challenged_where_the_server_is_and_nowhere_else(
    path: str,
) -> None:
    """Wherever clients see it: a proxy may take some of the path away, or add to it."""
    resource = f"http://127.0.0.1{path}"
    authority = Authority({"t": token_info("alice", resource, None, ("mcp",))})
    verifier = ActorTokenVerifier(
        ResourcePolicy(identifier=resource),
        issuer=ISSUER,
        validate_token=authority.validate_token,
    )
    with root_logging_kept():
        server: MCPServer[object] = MCPServer(
            "own", token_verifier=verifier, auth=verifier.auth_settings()
        )
    server.tool(name="write")(require_scope("notes:write")(lambda: "written"))

    async def hook(request: Request) -> Response:
        return Response(await request.body())

    server.custom_route("/hooks/mcp", methods=["POST"])(hook)
    app = verifier.with_permissions(server, server.streamable_http_app())
    call = partial(post, method="tools/call", params={"name": "write"}, modern=True)
    async with serving(app) as base:
        assert (await call(f"{base}/mcp")).status_code == 403
        assert (await call(f"{base}/hooks/mcp")).status_code == 200
        assert (await call(f"{base}/nowhere")).status_code == 404


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_with_its_scopes_a_caller_gets_them_and_they_know_the_caller(
    mode: str,
) -> None:
    authority = holder("notes:read", "notes:write", "notes:spy")
    async with (
        protected_server(authority, notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        answers = [
            await client.get_prompt("rewrite", {"text": "milk"}),
            await client.read_resource("notes://mine"),
            await client.read_resource("notes://by-name/a"),
            await client.read_resource("notes://of/bob"),
            await client.read_resource("notes://help"),
        ]
    assert [text_of(answer) for answer in answers] == [
        "rewrite milk for alice",
        "the notes of alice",
        "note a",
        "the notes of bob",
        "help",
    ]


@pytest.mark.parametrize(
    ("mode", "held", "props", "more"),
    [
        ("auto", (), None, ()),
        ("legacy", ("notes:spy",), None, ("of_user",)),
        ("auto", (), "admin", ("purge", "log")),
    ],
)
async def test_each_caller_sees_what_they_may_know_of_in_lists_of_their_own(
    mode: str, held: tuple[str, ...], props: Json, more: tuple[str, ...]
) -> None:
    async with (
        protected_server(holder(*held, props=props), notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        prompts = await client.list_prompts()
        resources = await client.list_resources()
        templates = await client.list_resource_templates()
    listed = (*prompts.prompts, *resources.resources, *templates.resource_templates)
    everybody = {"greet", "rewrite", "help", "mine", "by_name"}
    assert {offer.name for offer in listed} == everybody.union(more)
    if mode == "auto":
        # Also the list of a caller who sees everything: another must not get it.
        scopes = {each.cache_scope for each in (prompts, resources, templates)}
        assert scopes == {"private"}


@pytest.mark.parametrize(
    ("uri", "scope"), [("notes://mine", "private"), ("notes://help", "public")]
)
async def test_no_cache_may_give_what_was_demanded_for_to_another(
    uri: str, scope: str
) -> None:
    async with (
        protected_server(holder("notes:read"), notes_server()) as url,
        mcp_client(url, "t", "auto") as client,
    ):
        assert (await client.read_resource(uri)).cache_scope == scope


async def prompt(name: str, client: Client) -> object:
    return await client.get_prompt(name)


async def read(uri: str, client: Client) -> object:
    return await client.read_resource(uri)


async def refusal_of(ask: Ask, client: Client) -> tuple[int, str, object]:
    """What the server says to a request that it refuses."""
    with pytest.raises(MCPError) as refused:
        await ask(client)
    error = refused.value.error
    return error.code, error.message, error.data


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_is_hidden_is_answered_like_what_does_not_exist(mode: str) -> None:
    cases = [
        (prompt, "purge", "purgf"),
        (read, "notes://log", "notes://lof"),
        (read, "notes://of/bob", "notes://og/bob"),
    ]
    async with (
        protected_server(holder(), notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        for ask_for, hidden, absent in cases:
            said = await refusal_of(partial(ask_for, hidden), client)
            of_absent = await refusal_of(partial(ask_for, absent), client)
            assert repr(said).replace(hidden, absent) == repr(of_absent)


async def test_a_hidden_tool_does_not_show_by_the_headers_that_its_schema_wants() -> (
    None
):
    server = notes_server()

    @server.tool()
    @require(is_admin)
    def regional(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    ) -> str:
        return region

    # Also what the SDK would be asked for in place of the hidden one is there.
    server.tool("regional_")(lambda: "other")
    arguments: Json = {"region": "north"}
    authority = holder()
    async with protected_server(authority, server) as url:
        hidden, absent = [
            await post(
                url, "tools/call", {"name": name, "arguments": arguments}, modern=True
            )
            for name in ("regional", "regionam")
        ]
        assert hidden.status_code == absent.status_code == 200
        assert hidden.text.replace("regional", "regionam") == absent.text
        # Who may know of it is told what is missing.
        authority.tokens["t"] = token_info("alice", RESOURCE, "admin")
        params: dict[str, Json] = {"name": "regional", "arguments": arguments}
        assert (await post(url, "tools/call", params, modern=True)).status_code == 400


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_uri_that_the_sdk_refuses_to_read_is_for_it_to_refuse(
    mode: str,
) -> None:
    async with (
        protected_server(holder("notes:read"), notes_server()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        for uri in ("notes://by-name/%2Fetc", "notes://absent"):
            code, message, _ = await refusal_of(partial(read, uri), client)
            assert (code, message) == (-32602, f"Unknown resource: {uri}")


def test_nobody_can_be_told_by_a_client_who_calls() -> None:
    with root_logging_kept():
        server: MCPServer[object] = MCPServer("notes")

    def forged(caller: CurrentCaller) -> str:
        return caller.user_id

    with pytest.raises(TypeError, match="a client cannot say who calls"):
        server.prompt()(forged)
    with pytest.raises(TypeError, match="a client cannot say who calls"):
        server.resource("notes://{caller}")(forged)
