"""Clients that people install, as they start them: `mcp-remote` and the Inspector.

Each prints the URL that its user has to open, waits on a port of its own for the answer,
and keeps what it was given in files.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import TypeAlias

import httpx2
import pytest
import trio

from tests.support.node import node_command, node_environment
from tests.support.ports import free_port
from tests.system.example_server import Example

MCP_REMOTE = "node_modules/mcp-remote/dist/proxy.js"
INSPECTOR = (
    "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
)

_AUTHORIZE = re.compile(rb"(http://[^\s]+/authorize\?[^\s]+)\s")


Exchange: TypeAlias = tuple[bytes, bytes]
"""What to write to a program, and what stands in the line that it then answers with."""


def local_messages(tool: str, arguments: Mapping[str, str]) -> list[Exchange]:
    """What a local client says over standard input to have a tool called.

    Nothing else before `initialize` was answered: the session that it opens is named in the
    answer, and requests that overtake it belong to none (`Missing session ID`).
    """
    about = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "local", "version": "1"},
    }
    call = {"name": tool, "arguments": arguments}
    return [
        (message(id=1, method="initialize", params=about), b'"id":1'),
        (
            message(method="notifications/initialized")
            + message(id=2, method="tools/call", params=call),
            b'"id":2',
        ),
    ]


def message(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode() + b"\n"


@dataclass
class Installed:
    """A client on a person's computer.

    Attributes:
        example: The server that it is used with.
        home: Where it keeps its files.
        opened: How often it had its user open the browser.
    """

    example: Example
    home: Path
    opened: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    async def run(self, command: list[str], exchanges: Sequence[Exchange]) -> str:
        """Run it until it has answered everything; gives the last line."""
        environment = node_environment({"HOME": str(self.home), **self.environment})
        async with trio.open_nursery() as nursery:
            start = partial(
                trio.run_process,
                command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=environment,
                check=False,
            )
            process: trio.Process = await nursery.start(start)
            assert process.stdin is not None
            nursery.start_soon(self._watch, process)
            line = ""
            with trio.fail_after(120):
                for written, answer in exchanges:
                    await process.stdin.send_all(written)
                    line = await _line_with(process, answer)
            nursery.cancel_scope.cancel()
        return line

    async def _watch(self, process: trio.Process) -> None:
        """Open what it asks to have opened."""
        assert process.stderr is not None
        said = b""
        async for chunk in process.stderr:
            said += chunk
            while found := _AUTHORIZE.search(said):
                said = said[found.end() :]
                self.opened += 1
                callback = await self.example.sign_in(found[1].decode())
                assert await _status_of(callback) == 200

    def stored(self, prefix: str) -> str:
        """The token or id with this prefix that is in its files."""
        texts = [path.read_text() for path in self.home.rglob("*.json")]
        found: set[str] = set(re.findall(rf"{prefix}_[\w-]+", "".join(texts)))
        assert len(found) == 1
        return found.pop()

    def spoil_access_token(self) -> None:
        """Replace it by one that is no good."""
        for path in self.home.rglob("*.json"):
            path.write_text(re.sub(r"aoat_[\w-]+", "spoiled", path.read_text()))


async def _status_of(callback: str) -> int:
    """Open the client's own address, which it may not listen at yet."""
    async with httpx2.AsyncClient(timeout=60) as http:
        while True:
            try:
                return (await http.get(callback)).status_code
            except httpx2.ConnectError:
                # Another process: there is no event to wait for.
                await trio.sleep(0.1)


async def _line_with(process: trio.Process, answer: bytes) -> str:
    assert process.stdout is not None
    said = b""
    async for chunk in process.stdout:
        said += chunk
        for line in said.splitlines(keepends=True):
            if answer in line and line.endswith(b"\n"):
                return line.decode()
    raise AssertionError(said)


async def goes_the_whole_way(
    client: Installed, call: list[str], exchanges: Sequence[Exchange]
) -> None:
    """Sign in, call, refresh, and be revoked; and whether its user was asked each time."""

    async def read_notes() -> None:
        line = await client.run(call, exchanges)
        assert '"isError":true' not in line, line
        assert '"structuredContent":{"result":[' in line, line

    await read_notes()
    assert client.opened == 1
    client.spoil_access_token()
    await read_notes()
    assert client.opened == 1
    refresh_token = client.stored("aort")
    await client.example.revoke(client.stored("aocl"), refresh_token)
    await read_notes()
    assert client.opened == 2
    assert client.stored("aort") != refresh_token


@pytest.mark.needs("node22", "mcp-remote")
async def test_mcp_remote_goes_the_whole_way(example: Example, tmp_path: Path) -> None:
    client = Installed(example, tmp_path)
    client.environment["MCP_REMOTE_CONFIG_DIR"] = str(tmp_path / "mcp-remote")
    port = str(free_port())
    command = node_command(MCP_REMOTE, example.url, port, "--allow-http")
    await goes_the_whole_way(client, command, local_messages("read_notes", {}))


@pytest.mark.needs("node22", "inspector")
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspector_goes_the_whole_way(
    era: str, example: Example, tmp_path: Path
) -> None:
    client = Installed(example, tmp_path)
    client.environment["MCP_AUTO_OPEN_ENABLED"] = "true"
    client.environment["MCP_INSPECTOR_SECRET_STORE"] = "file"
    command = node_command(
        INSPECTOR,
        *("--cli", "--server-url", example.url, "--transport", "http"),
        *("--method", "tools/call", "--tool-name", "read_notes", "--format", "json"),
        *("--protocol-era", era),
    )
    await goes_the_whole_way(client, command, [(b"", b'"result"')])
