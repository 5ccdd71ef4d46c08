"""FastMCP servers that are mounted in another one: their demands are those of the whole."""

from functools import partial

import pytest
from fastmcp import FastMCP
from mcp import Client

from actor_oauth.oauth.json_values import Json
from tests.mcp.calls import post
from tests.mcp.fastmcp_servers import (
    ERAS,
    METADATA,
    WAYS,
    Serve,
    holder,
    names_seen,
    notes_server,
)
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.mcp.test_offers import refusal_of
from tests.support.challenges import parse_challenge

pytestmark = [SDK_LEAVES_GENERATORS, pytest.mark.usefixtures("quiet_logging")]


def outer_server() -> "FastMCP[object]":
    """A server in which another one is mounted, in which another one is."""
    outer: FastMCP[object] = FastMCP("outer")
    middle: FastMCP[object] = FastMCP("middle")
    middle.mount(notes_server(), "in")
    outer.mount(middle, "my", tool_names={"in_write-note": "jot"})
    return outer


@pytest.mark.requirement("G-08")
@WAYS
async def test_what_a_mounted_server_demands_is_challenged(serve: Serve) -> None:
    cases: list[tuple[str, dict[str, Json]]] = [
        ("tools/call", {"name": "my_jot", "arguments": {"text": "x"}}),
        ("prompts/get", {"name": "my_in_rewrite"}),
        ("resources/read", {"uri": "notes://my/in/mine"}),
    ]
    async with serve(outer_server(), holder()) as url:
        for method, params in cases:
            answer = await post(url, method, params, modern=True)
            assert answer.status_code == 403, answer.text
            challenge = parse_challenge(answer.headers["www-authenticate"])
            assert challenge["error"] == "insufficient_scope"
            assert challenge["scope"] == "mcp notes:write"
            assert challenge["resource_metadata"] == METADATA


async def call(name: str, client: Client) -> object:
    return await client.call_tool(name, {})


async def prompt(name: str, client: Client) -> object:
    return await client.get_prompt(name)


async def read(uri: str, client: Client) -> object:
    return await client.read_resource(uri)


@ERAS
async def test_what_a_mounted_server_hides_is_not_there(
    serve: Serve, mode: str
) -> None:
    async with (
        serve(outer_server(), holder()) as url,
        mcp_client(url, "t", mode) as client,
    ):
        assert {"who", "purge"} & {
            name.removeprefix("my_in_") for name in await names_seen(client)
        } == {"who"}
        assert not {"my_in_clean", "log", "notes_of"} & await names_seen(client)
        hidden = await client.call_tool("my_in_purge", {})
        absent = await client.call_tool("my_in_purgf", {})
        assert str(hidden).replace("purge", "purgf") == str(absent)
        for ask, name, other in (
            (prompt, "my_in_clean", "my_in_cleam"),
            (read, "notes://my/in/log", "notes://my/in/lof"),
            (read, "notes://my/in/of/bob", "notes://my/in/og/bob"),
        ):
            said = await refusal_of(partial(ask, name), client)
            of_absent = await refusal_of(partial(ask, other), client)
            assert repr(said).replace(name, other) == repr(of_absent)


@ERAS
async def test_who_may_has_all_that_is_mounted(serve: Serve, mode: str) -> None:
    async with (
        serve(outer_server(), holder("notes:write", props="admin")) as url,
        mcp_client(url, "t", mode) as client,
    ):
        assert {"my_in_purge", "my_jot", "notes_of"} <= await names_seen(client)
        wrote = await client.call_tool("my_jot", {"text": "milk"})
        assert wrote.structured_content == {"result": "alice wrote milk"}
        assert "notes of bob" in str(await client.read_resource("notes://my/in/of/bob"))
