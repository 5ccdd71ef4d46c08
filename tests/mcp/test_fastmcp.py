"""Real FastMCP servers on Trio, with our tokens: by its own hooks, and behind our guard."""

from functools import partial
from typing import cast

import anyio
import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.server.transforms import Namespace
from fastmcp.tools import Tool, forward
from mcp import Client
from starlette.requests import Request
from starlette.responses import Response

from actor_oauth.mcp import CurrentCaller as CurrentCallerOfTheSDK
from actor_oauth.mcp import require_scope
from actor_oauth.mcp.fastmcp import FastMCPEndpoint, Permissions, fastmcp_auth
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.tokens import AccessTokenInfo
from tests.mcp.calls import call_of, headers_of, post, post_call
from tests.mcp.fastmcp_servers import (
    ERAS,
    METADATA,
    RESOURCE,
    WAYS,
    Serve,
    behind_the_guard,
    by_its_own_hooks,
    holder,
    names_seen,
    notes_server,
)
from tests.mcp.protected_server import (
    ISSUER,
    SDK_LEAVES_GENERATORS,
    Authority,
    http_client,
    mcp_client,
    token_info,
)
from tests.mcp.test_offers import refusal_of
from tests.support.challenges import parse_challenge

pytestmark = [SDK_LEAVES_GENERATORS, pytest.mark.usefixtures("quiet_logging")]


@pytest.mark.requirement("G-03", "G-11", "G-14")
@ERAS
async def test_a_fastmcp_server_knows_its_caller_and_of_a_revocation(
    serve: Serve, mode: str
) -> None:
    authority = holder(props="guest")
    async with serve(notes_server(), authority) as url:
        async with http_client(None) as http:
            stranger = await http.post(url, json={})
            assert stranger.status_code == 401
            challenge = parse_challenge(
                stranger.headers.get_list("www-authenticate")[0]
            )
            assert "error" not in challenge
            assert challenge["scope"] == "mcp"
            assert challenge["resource_metadata"] == METADATA
        async with mcp_client(url, "t", mode) as client:
            result = await client.call_tool("who", {})
            expected = {"result": "alice alice guest withheld"}
            assert result.structured_content == expected
        del authority.tokens["t"]
        async with http_client("t") as http:
            assert (await http.post(url, json={})).status_code == 401


async def test_fastmcps_own_hooks_serve_the_metadata_too() -> None:
    async with (
        by_its_own_hooks(notes_server(), holder()) as url,
        http_client(None) as http,
    ):
        path = httpx2.URL(METADATA).path
        document = (await http.get(url.removesuffix("/mcp") + path)).json()
    assert document["authorization_servers"] == [ISSUER]
    assert document["resource"] == RESOURCE.identifier


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize(
    ("serve", "modern"), [(by_its_own_hooks, False), (behind_the_guard, True)]
)
async def test_a_call_without_its_scope_is_challenged_before_the_server_sees_it(
    serve: Serve, modern: bool
) -> None:
    async with serve(notes_server(), holder()) as url:
        answers = [
            await post_call(url, "write-note", modern=modern),
            await post(url, "prompts/get", {"name": "rewrite"}, modern=modern),
            await post(url, "resources/read", {"uri": "notes://mine"}, modern=modern),
        ]
    for answer in answers:
        assert answer.status_code == 403, answer.text
        challenge = parse_challenge(answer.headers["www-authenticate"])
        assert challenge["error"] == "insufficient_scope"
        assert challenge["scope"] == "mcp notes:write"
        assert challenge["resource_metadata"] == METADATA


@pytest.mark.requirement("G-09")
@pytest.mark.parametrize("scope", ["notes:write", "notes:all"])
@ERAS
async def test_with_its_scope_or_one_that_includes_it_a_call_runs(
    serve: Serve, mode: str, scope: str
) -> None:
    async with (
        serve(notes_server(), holder(scope)) as url,
        mcp_client(url, "t", mode) as client,
    ):
        wrote = await client.call_tool("write-note", {"text": "milk"})
        assert wrote.structured_content == {"result": "alice wrote milk"}
        prompt = await client.get_prompt("rewrite", {"text": "milk"})
        assert "rewrite milk for alice" in str(prompt)
        assert "notes of alice" in str(await client.read_resource("notes://mine"))
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "caller" not in str(tools["write-note"].input_schema)


@ERAS
async def test_each_caller_sees_what_they_may_know_of_also_when_a_role_changes(
    serve: Serve, mode: str
) -> None:
    authority = holder(props="guest")
    async with (
        serve(notes_server(), authority) as url,
        mcp_client(url, "t", mode) as client,
    ):
        known = {"who", "write-note", "rewrite", "mine"}
        assert await names_seen(client) == known
        authority.tokens["t"] = token_info("alice", RESOURCE.identifier, "admin")
        assert await names_seen(client) - known == {"purge", "clean", "log", "notes_of"}
        purged = await client.call_tool("purge", {})
        assert purged.structured_content == {"result": "purged by alice"}
        read = await client.read_resource("notes://of/bob")
        assert "notes of bob for alice" in str(read)


async def get_clean(name: str, client: Client) -> object:
    return await client.get_prompt(name)


async def read(uri: str, client: Client) -> object:
    return await client.read_resource(uri)


@ERAS
async def test_what_is_hidden_is_answered_like_what_does_not_exist(
    serve: Serve, mode: str
) -> None:
    async with (
        serve(notes_server(), holder()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        hidden = await client.call_tool("purge", {})
        absent = await client.call_tool("purgf", {})
        assert str(hidden).replace("purge", "purgf") == str(absent)
        for ask, name, other in (
            (get_clean, "clean", "cleam"),
            (read, "notes://log", "notes://lof"),
            (read, "notes://of/bob", "notes://og/bob"),
        ):
            said = await refusal_of(partial(ask, name), client)
            of_absent = await refusal_of(partial(ask, other), client)
            assert repr(said).replace(name, other) == repr(of_absent)


@WAYS
async def test_a_tool_under_another_name_or_made_of_another_demands_the_same(
    serve: Serve,
) -> None:
    server = notes_server()
    tool = await server.get_tool("write-note")
    assert tool is not None

    @require_scope("notes:share")
    async def transform_fn(text: str) -> object:
        return await forward(text=text)

    server.add_tool(Tool.from_tool(tool, name="scribble"))
    server.add_tool(Tool.from_tool(tool, transform_fn=transform_fn, name="share"))
    server.add_transform(Namespace("my"))
    async with serve(server, holder()) as url:
        scribble = await post_call(url, "my_scribble", modern=True)
        share = await post_call(url, "my_share", modern=True)
    assert 'scope="mcp notes:write"' in scribble.headers["www-authenticate"]
    wanted = 'scope="mcp notes:share notes:write"'
    assert wanted in share.headers["www-authenticate"]


async def test_a_function_of_the_application_beside_the_server_is_not_judged() -> None:
    server = notes_server()

    @server.custom_route("/upload", methods=["POST"])
    async def upload(request: Request) -> Response:
        return Response(await request.body())

    message = {"method": "tools/call", "params": {"name": "write-note"}}
    async with by_its_own_hooks(server, holder()) as url, http_client("t") as http:
        base = url.removesuffix("/mcp")
        assert (await http.post(f"{base}/upload", json=message)).status_code == 200


def test_on_asyncio_its_hooks_do_the_same() -> None:
    server, authority = notes_server(), holder()

    async def validate_token(resource: str, token: str) -> AccessTokenInfo | None:
        return authority.tokens.get(token)

    server.auth = fastmcp_auth(RESOURCE, issuer=ISSUER, validate_token=validate_token)
    server.add_middleware(Permissions())
    app = server.http_app()

    async def ask() -> tuple[httpx2.Response, httpx2.Response]:
        async with (
            app.lifespan(app),
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url="http://127.0.0.1",
                headers={"Authorization": "Bearer t"},
            ) as http,
        ):
            call = call_of("write-note", modern=True, text="x")
            listing = {**cast("dict[str, Json]", call), "method": "tools/list"}
            return (
                await http.post(
                    "/mcp", json=call, headers=headers_of("tools/call", "write-note")
                ),
                await http.post(
                    "/mcp", json=listing, headers=headers_of("tools/list", "write-note")
                ),
            )

    refused, listed = anyio.run(ask, backend="asyncio")
    assert refused.status_code == 403
    assert 'scope="mcp notes:write"' in refused.headers["www-authenticate"]
    assert '"name":"who"' in listed.text
    assert "purge" not in listed.text


def test_a_server_with_authentication_of_its_own_is_refused() -> None:
    server = notes_server()
    server.auth = fastmcp_auth(
        RESOURCE, issuer=ISSUER, validate_token=Authority().validate_token
    )
    with pytest.raises(ValueError, match="no auth"):
        FastMCPEndpoint(server, path="/mcp", issuer=ISSUER)


def test_nobody_can_be_told_by_a_client_who_calls() -> None:
    def forged(caller: CurrentCallerOfTheSDK) -> str:
        return caller.user_id

    server: FastMCP[object] = FastMCP("notes")
    with pytest.raises(TypeError, match=r"actor_oauth\.mcp\.fastmcp"):
        server.tool()(forged)
