"""An orderly stop while MCP clients are connected."""

from functools import partial
from pathlib import Path

import pytest
import trio

from actor_oauth.cli.listen import bind
from actor_oauth.config import Settings
from actor_oauth.mcp.demo import demo_server
from actor_oauth.provider import Provider
from benchmarks.grants import make_grants
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS, mcp_client

pytestmark = SDK_LEAVES_GENERATORS


@pytest.mark.requirement("G10")
async def test_an_open_event_stream_does_not_hold_up_the_stop(
    tmp_path: Path, nursery: trio.Nursery
) -> None:
    # Without an end to the stream, the stop would take these ten minutes.
    fd, settings = bind(Settings(data=tmp_path, port=0, shutdown_seconds=600))
    provider = Provider(settings)
    provider.protect_mcp(demo_server())
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
    connect = partial(mcp_client, url, tokens[0].access_token, "legacy")
    with trio.fail_after(60):
        async with connect() as client:
            await client.call_tool("add", {"a": 1, "b": 2})
            stopping.set()
            await stopped.wait()
