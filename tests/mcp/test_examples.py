"""Every example does what it says, as the program that it is."""

import json
from functools import partial
from pathlib import Path

import httpx2
import pytest
import trio

from actor_oauth.config import ResourceSettings, Settings
from tests.mcp.examples import running
from tests.mcp.people import add_user, person
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.mcp.sdk_client import McpUser
from tests.support.challenges import parse_challenge
from tests.support.made_grants import make_grants
from tests.support.ports import free_port

pytestmark = SDK_LEAVES_GENERATORS


ALICE = "alice"
PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_embedded_mcp_server_greets_its_user(mode: str, tmp_path: Path) -> None:
    async def greet(issuer: str) -> object:
        settings = Settings(data=tmp_path, issuer=issuer)
        _, tokens = await make_grants(settings, 1)
        url = f"{issuer}/mcp"
        async with mcp_client(url, tokens[0].access_token, mode) as client:
            return (await client.call_tool("greet", {})).structured_content

    with running("mcp_server.py", tmp_path, free_port()) as issuer:
        assert trio.run(greet, issuer) == {"result": "Hello, user0!"}


@pytest.mark.requirement("G-08")
def test_the_guarded_api_tells_readers_what_they_need_to_write(tmp_path: Path) -> None:
    port = free_port()
    resource = {
        "identifier": f"http://127.0.0.1:{port}/api",
        "scopes": ["notes", "notes:write"],
        "default_scopes": ["notes"],
    }

    async def read_and_write(issuer: str) -> tuple[httpx2.Response, httpx2.Response]:
        resources = (ResourceSettings.model_validate(resource),)
        settings = Settings(data=tmp_path, issuer=issuer, resources=resources)
        _, tokens = await make_grants(settings, 1)
        bearer = {"Authorization": f"Bearer {tokens[0].access_token}"}
        async with httpx2.AsyncClient(headers=bearer, timeout=60) as http:
            url = f"{issuer}/api/notes"
            return await http.get(url), await http.post(url, content=b"milk")

    variables = {"ACTOR_OAUTH_RESOURCES": json.dumps([resource])}
    with running("http_api.py", tmp_path, port, **variables) as issuer:
        read, wrote = trio.run(read_and_write, issuer)
    assert (read.status_code, read.json()) == (200, [])
    assert wrote.status_code == 403
    challenge = parse_challenge(wrote.headers["www-authenticate"])
    assert challenge["scope"] == "notes notes:write"


def test_each_user_has_a_durable_list_of_their_own(tmp_path: Path) -> None:
    async def use(issuer: str, *, again: bool) -> list[object]:
        _, tokens = await make_grants(Settings(data=tmp_path, issuer=issuer), 2)
        seen: list[object] = []
        for number, token in enumerate(tokens):
            async with mcp_client(f"{issuer}/mcp", token.access_token, "auto") as mcp:
                if not again:
                    await mcp.call_tool("add", {"text": f"milk for {number}"})
                    await mcp.call_tool("add", {"text": "bread"})
                    await mcp.call_tool("finish", {"number": 2})
                left = await mcp.call_tool("left", {})
                seen.append((left.structured_content or {})["result"])
        return seen

    expected = [{"1": "milk for 0"}, {"1": "milk for 1"}]
    with running("todo_server.py", tmp_path, free_port()) as issuer:
        assert trio.run(partial(use, issuer, again=False)) == expected
    with running("todo_server.py", tmp_path, free_port()) as issuer:
        assert trio.run(partial(use, issuer, again=True)) == expected


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize(
    ("example", "mode", "first"),
    [
        ("tool_permissions.py", "auto", "prompt"),
        ("tool_permissions.py", "legacy", "tool"),
        ("fastmcp_server.py", "auto", "tool"),
    ],
)
def test_a_tool_or_prompt_asks_for_its_scope_and_the_client_asks_its_user(
    example: str, mode: str, first: str, tmp_path: Path
) -> None:
    port = free_port()
    resource = {
        "identifier": f"http://127.0.0.1:{port}/mcp",
        "scopes": ["notes", "notes:write"],
        "default_scopes": ["notes"],
    }

    async def write_and_read(issuer: str) -> tuple[McpUser, object]:
        user = McpUser(f"{issuer}/mcp", person(issuer, ALICE, PASSWORD))
        async with user.connect(mode) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"read_notes", "write_note"}
            assert (await client.call_tool("read_notes", {})).structured_content == {
                "result": []
            }
            assert user.asked == 1
            assert not (await client.list_resources()).resources
            if first == "prompt":
                await client.get_prompt("tidy_up")
                assert user.asked == 2
            wrote = await client.call_tool("write_note", {"text": "milk"})
            assert not wrote.is_error
            read = await client.call_tool("read_notes", {})
        return user, read.structured_content

    variables = {"ACTOR_OAUTH_RESOURCES": json.dumps([resource])}
    with running(example, tmp_path, port, **variables) as issuer:
        add_user(tmp_path, ALICE, PASSWORD)
        user, notes = trio.run(write_and_read, issuer)
    assert notes == {"result": ["milk"]}
    assert user.asked == 2
    assert set(((user.storage.tokens and user.storage.tokens.scope) or "").split()) >= {
        "notes",
        "notes:write",
    }
