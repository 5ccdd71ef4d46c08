"""The conformance suite of MCP: as authorization server, and as a protected server.

None of its scenarios for servers sends a token, so a token is put into its requests on
their way to the guard; everything else is as a client would meet it.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from subprocess import PIPE
from typing import Annotated, cast

import httpx2
import pytest
import trio
from mcp.server.mcpserver import MCPServer, Resolve, Sample
from mcp_types import CreateMessageResult, SamplingMessage, TextContent
from pydantic import Field

from actor_oauth.mcp import MCPEndpoint, require_scope
from actor_oauth.mcp.root_logging import root_logging_kept
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import HeaderLine, Receive, Scope, Send
from tests.mcp.people import add_user
from tests.mcp.protected_server import ISSUER, Authority, serving, token_info
from tests.support.node import node_command, node_environment
from tests.support.ports import free_port
from tests.support.server_process import run_command
from tests.support.server_process import serving as provider_serving
from tests.system.example_server import ALICE, PASSWORD, Example

CONFORMANCE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")

# Those about the transport, which is where the guard stands.
SCENARIOS = {
    "2025-03-26": ("server-session-lifecycle",),
    "2025-11-25": (
        "server-initialize",
        "server-session-lifecycle",
        "tools-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
    ),
    "2026-07-28": (
        "server-stateless",
        "tools-list",
        "dns-rebinding-protection",
        "http-header-validation",
        "http-custom-header-server-validation",
        "caching",
    ),
}

pytestmark = [
    pytest.mark.needs("node22", "conformance"),
    pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
]

_PASSED = re.compile(r"Passed: \d+/\d+, 0 failed")


def ask_a_model() -> Sample:
    """Ask the client's model; for a client without one the call cannot be served."""
    text = TextContent(type="text", text="hello?")
    message = SamplingMessage(role="user", content=text)
    return Sample([message], max_tokens=10)


def fixture_server() -> MCPServer[object]:
    """A server with the tools that the suite looks for, one of them with a demand."""
    with root_logging_kept():
        server: MCPServer[object] = MCPServer("fixtures", version="1")

    @server.tool()
    def test_simple_text() -> str:
        """Say something."""
        return "This is a simple text response for testing."

    @server.tool()
    def test_missing_capability(
        answer: Annotated[CreateMessageResult, Resolve(ask_a_model)],
    ) -> str:
        """Need a capability of the client."""
        return str(answer.content)

    @server.tool()
    @require_scope("mcp")
    def test_header(
        region: Annotated[
            str, Field(json_schema_extra={"x-mcp-header": "Region"})
        ] = "",
    ) -> str:
        """Take an argument that is repeated in a header."""
        return region

    return server


@asynccontextmanager
async def token_bringing_server() -> AsyncIterator[str]:
    """Serve the fixtures behind the guard, to clients without a token; gives the URL."""
    resource = ResourcePolicy(identifier="http://127.0.0.1/mcp")
    authority = Authority({"t": token_info("alice", resource.identifier)})
    role = ResourceServer(
        resource, issuer=ISSUER, validate_token=authority.validate_token
    )
    endpoint = MCPEndpoint(fixture_server(), path="/mcp", issuer=ISSUER)
    guarded = role.guard(endpoint)

    async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = cast("list[HeaderLine]", scope["headers"])
            token = (b"authorization", b"Bearer t")
            scope = {**scope, "headers": [*headers, token]}
        await guarded(scope, receive, send)

    async with endpoint.run(), serving(with_token) as base:
        yield f"{base}/mcp"


@pytest.mark.requirement("G-16")
@pytest.mark.parametrize("version", sorted(SCENARIOS))
async def test_a_protected_server_passes_the_scenarios_about_its_transport(
    version: str,
) -> None:
    failed: dict[str, str] = {}
    # Node takes longer to start than a scenario to run.
    at_once = trio.CapacityLimiter(3)

    async def run(url: str, scenario: str) -> None:
        command = node_command(
            CONFORMANCE,
            *("server", "--url", url, "--scenario", scenario),
            *("--spec-version", version),
        )
        async with at_once:
            ran = await trio.run_process(
                command, capture_stdout=True, env=node_environment(), check=False
            )
        said = ran.stdout.decode()
        if ran.returncode != 0 or _PASSED.search(said) is None:
            failed[scenario] = said

    with trio.fail_after(180):
        async with token_bringing_server() as url, trio.open_nursery() as nursery:
            for scenario in SCENARIOS[version]:
                nursery.start_soon(run, url, scenario)
    assert not failed, "\n".join(failed.values())


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A provider with a user, and a client: the issuer and the client's id."""
    data = tmp_path_factory.mktemp("data")
    with provider_serving(data) as provider:
        add_user(data, ALICE, PASSWORD)
        added = run_command(
            *("clients", "add", "--name", "Conformance", "--json"),
            *("--redirect-uri", "http://127.0.0.1/callback", "--data", str(data)),
        )
        yield provider.url, json.loads(added.stdout)["client_id"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_authorization_server_passes_every_scenario(
    version: str, registered: tuple[str, str]
) -> None:
    issuer, client_id = registered
    command = node_command(
        CONFORMANCE,
        *("authorization", "--url", issuer, "--spec-version", version),
        *("--client-id", client_id, "--resource", f"{issuer}/mcp"),
        *("--port", str(free_port())),
    )
    with trio.fail_after(180):
        said = await with_a_person(command, Example(issuer))
    assert re.search(r"Total: [23] passed, 0 failed", said) is not None, said


async def with_a_person(command: list[str], example: Example) -> str:
    """Run the suite, and open the URL that it prints; gives all that it prints."""
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process, command, stdout=PIPE, env=node_environment(), check=False
        )
        process: trio.Process = await nursery.start(start)
        assert process.stdout is not None
        said = b""
        answered = 0
        async for chunk in process.stdout:
            said += chunk
            urls = re.findall(rb"(http://\S+/authorize\?\S+)\s", said)
            for url in urls[answered:]:
                callback = await example.sign_in(url.decode())
                async with httpx2.AsyncClient(timeout=60) as http:
                    assert (await http.get(callback)).status_code == 200
            answered = len(urls)
        assert answered, said
    return said.decode()
