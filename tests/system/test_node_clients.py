"""Clients made with the TypeScript SDKs, the whole way: sign-in to revocation."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from subprocess import PIPE

import pytest
import trio

from tests.support.node import node_command, node_environment
from tests.system.example_server import Example

REDIRECT = "http://localhost:3118/callback"


@dataclass
class Driven:
    """A client of another make, and the person in front of it.

    Attributes:
        opened: The URLs that it had its user open.
    """

    process: trio.Process
    example: Example
    opened: list[str] = field(default_factory=list)
    _unread: bytes = b""

    async def do(self, **command: object) -> dict[str, object]:
        """Have it do something; its user answers what it asks on the way."""
        while True:
            answer = await self._exchange(command)
            if "open" not in answer:
                assert "error" not in answer, answer["error"]
                return answer
            url = str(answer["open"])
            self.opened.append(url)
            callback = await self.example.sign_in(url)
            assert callback.startswith(REDIRECT)
            command = {"callback": callback}

    async def call(self, tool: str, **arguments: str) -> dict[str, object]:
        """Have it call a tool."""
        return await self.do(call=tool, arguments=arguments)

    async def _exchange(self, command: object) -> dict[str, object]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        await self.process.stdin.send_all(json.dumps(command).encode() + b"\n")
        while b"\n" not in self._unread:
            chunk = await self.process.stdout.receive_some()
            assert chunk, "the client ended"
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, object] = json.loads(line)
        return answer


@asynccontextmanager
async def driven(package: str, example: Example) -> AsyncIterator[Driven]:
    """Start a client that is made with this package."""
    command = node_command("mcp_client.mjs", package, example.url, REDIRECT)
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process, command, stdin=PIPE, stdout=PIPE, env=node_environment()
        )
        process: trio.Process = await nursery.start(start)
        with trio.fail_after(120):
            yield Driven(process, example)
        nursery.cancel_scope.cancel()


def scope_of(answer: dict[str, object]) -> set[str]:
    """What the client's tokens are good for."""
    tokens = answer["tokens"]
    assert isinstance(tokens, dict)
    return set(tokens["scope"].split())


SDK = pytest.param("@modelcontextprotocol/sdk", marks=pytest.mark.needs("mcp-sdk"))
CLIENT = pytest.param(
    "@modelcontextprotocol/client", marks=pytest.mark.needs("mcp-client")
)


@pytest.mark.needs("node22")
@pytest.mark.parametrize("package", [SDK, CLIENT])
async def test_a_typescript_client_signs_in_calls_refreshes_and_is_revoked(
    package: str, example: Example
) -> None:
    async with driven(package, example) as client:
        first = await client.call("read_notes")
        assert len(client.opened) == 1
        assert "notes:write" not in scope_of(first)

        # Refresh: nobody is asked.
        await client.do(spoil=True)
        refreshed = await client.call("read_notes")
        assert len(client.opened) == 1
        assert scope_of(refreshed) == scope_of(first)

        # Revocation: the next call is refused, and the person asked again.
        tokens, registered = refreshed["tokens"], refreshed["client"]
        assert isinstance(tokens, dict)
        assert isinstance(registered, dict)
        await example.revoke(registered["client_id"], tokens["refresh_token"])
        await client.call("read_notes")
        assert len(client.opened) == 2


@pytest.mark.needs("node22")
@pytest.mark.requirement("G-08")
@pytest.mark.parametrize("package", [CLIENT])
async def test_a_typescript_client_steps_up_to_the_scope_of_a_tool(
    package: str, example: Example
) -> None:
    async with driven(package, example) as client:
        await client.call("read_notes")
        await client.call("write_note", text="milk")
        assert len(client.opened) == 2
        answer = await client.call("read_notes")
        assert "milk" in json.dumps(answer["result"])
        assert {"notes", "notes:write"} <= scope_of(answer)


@pytest.mark.needs("node22")
@pytest.mark.parametrize("package", [SDK])
async def test_the_older_typescript_sdk_gives_up_stepping_up_after_one_refresh(
    package: str, example: Example
) -> None:
    """It answers the challenge by a refresh, which never widens a scope (1.32.2)."""
    async with driven(package, example) as client:
        await client.call("read_notes")
        with pytest.raises(AssertionError, match="403 after trying upscoping"):
            await client.call("write_note", text="milk")
        assert len(client.opened) == 1
        # What it has goes on working.
        await client.call("read_notes")
