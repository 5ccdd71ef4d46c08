"""An orderly stop while MCP clients are connected."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
import trio
from mcp.server.context import ServerRequestContext

from actor_oauth.config import Settings
from actor_oauth.mcp.middleware import Listeners
from actor_oauth.oauth.json_values import Json
from actor_oauth.provider import Provider
from actor_oauth.provider.listening import bind
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client
from tests.support.made_grants import make_grants

pytestmark = SDK_LEAVES_GENERATORS


LISTEN: dict[str, Json] = {
    "jsonrpc": "2.0",
    "id": "listening",
    "method": "subscriptions/listen",
    "params": {
        "notifications": {"toolsListChanged": True},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
LISTEN_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "subscriptions/listen",
}


@dataclass
class Served:
    """A provider with the example MCP server, on a socket."""

    url: str
    token: str
    stopping: trio.Event
    stopped: trio.Event


@pytest.fixture
async def served(tmp_path: Path, nursery: trio.Nursery) -> Served:
    """Serve until told to stop."""
    # Without an end to a stream, the stop would take these ten minutes.
    fd, settings = bind(Settings(data=tmp_path, port=0, shutdown_seconds=600))
    provider = Provider(settings)
    provider.protect_demo()
    stopping, listening, stopped = trio.Event(), trio.Event(), trio.Event()

    async def serve() -> None:
        await provider.serve(
            fd=fd, announce=lambda _issuer: listening.set(), stopping=stopping
        )
        stopped.set()

    nursery.start_soon(serve)
    await listening.wait()
    _, tokens = await make_grants(settings, 1)
    url = f"{settings.issuer}/mcp"
    return Served(url, tokens[0].access_token, stopping, stopped)


@pytest.mark.requirement("G10")
async def test_an_open_event_stream_does_not_hold_up_the_stop(served: Served) -> None:
    with trio.fail_after(60):
        async with mcp_client(served.url, served.token, "legacy") as client:
            await client.call_tool("add", {"a": 1, "b": 2})
            served.stopping.set()
            await served.stopped.wait()


@pytest.mark.requirement("G10")
async def test_who_listens_is_told_that_it_is_over_and_does_not_hold_up_the_stop(
    served: Served,
) -> None:
    headers = {**LISTEN_HEADERS, "Authorization": f"Bearer {served.token}"}
    with trio.fail_after(60):
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            http.stream("POST", served.url, json=LISTEN) as answer,
        ):
            lines = answer.aiter_lines()
            data = (json.loads(line[6:]) async for line in lines if line[:5] == "data:")
            acknowledged = await anext(data)
            assert acknowledged["method"].endswith("subscriptions/acknowledged")
            served.stopping.set()
            ended = await anext(data)
        await served.stopped.wait()
    assert ended["id"] == "listening"
    meta = ended["result"]["_meta"]
    assert meta["io.modelcontextprotocol/subscriptionId"] == "listening"
    assert ended["result"]["resultType"] == "complete"


async def test_nobody_begins_to_listen_once_the_server_stops() -> None:
    listeners = Listeners()
    listeners.end()
    reached = False

    async def listen(_: object) -> None:
        nonlocal reached
        await trio.lowlevel.checkpoint()
        reached = True

    context = cast(
        "ServerRequestContext[object, object]",
        SimpleNamespace(
            method="subscriptions/listen", request_id=1, protocol_version="2026-07-28"
        ),
    )
    result = await listeners(context, listen)
    assert isinstance(result, dict)
    assert result["resultType"] == "complete"
    assert not reached
