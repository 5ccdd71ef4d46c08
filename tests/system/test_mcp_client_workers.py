"""Several worker processes: whichever a request lands on, the client goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actor_oauth.bench.own_server import started
from tests.mcp.protected_server import SDK_LEAVES_GENERATORS
from tests.mcp.sdk_client import McpUser
from tests.support.server_process import COMMAND
from tests.system.test_mcp_client import approve_at_once, whoami

pytestmark = SDK_LEAVES_GENERATORS


@pytest.fixture
def mcp_url(tmp_path: Path) -> Iterator[str]:
    """The example MCP server of two processes that approve at once."""
    data = ["--data", str(tmp_path / "data")]
    arguments = ["serve", "--port", "0", "--workers", "2", "--auto-approve", "alice"]
    with started([*COMMAND, *arguments, *data]) as (url, _):
        yield f"{url}/mcp"


@pytest.mark.requirement("G1")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_does_not_notice_that_two_processes_serve_it(
    mode: str, mcp_url: str
) -> None:
    # Each connection lands on a process by chance: several make it visible.
    for _ in range(3):
        user = McpUser(mcp_url, approve_at_once)
        async with user.connect(mode) as client:
            assert (await whoami(client))["user"] == "alice"
        assert user.asked == 1
