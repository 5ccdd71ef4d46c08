"""Requests to an MCP server, made by hand, as clients of either era send them."""

from collections.abc import Mapping
from typing import Final

import httpx2

from actor_oauth.oauth.json_values import Json
from tests.mcp.protected_server import http_client

ACCEPT: Final = {"Accept": "application/json, text/event-stream"}
MODERN: Final = {"MCP-Protocol-Version": "2026-07-28"}

_META: Final[Mapping[str, Json]] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def message_of(
    method: str, params: Mapping[str, Json], *, modern: bool, number: int = 1
) -> Json:
    """The JSON-RPC request."""
    members = {**params, "_meta": dict(_META)} if modern else dict(params)
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": members}


def call_of(tool: str, *, modern: bool, number: int = 1, **arguments: str) -> Json:
    """The JSON-RPC request that calls a tool."""
    params: dict[str, Json] = {"name": tool, "arguments": dict(arguments)}
    return message_of("tools/call", params, modern=modern, number=number)


def headers_of(method: str, name: str) -> dict[str, str]:
    """The headers of a request of the newer revision."""
    return {**ACCEPT, **MODERN, "Mcp-Method": method, "Mcp-Name": name}


async def post(
    url: str,
    method: str,
    params: Mapping[str, Json],
    *,
    modern: bool,
    token: str = "t",
) -> httpx2.Response:
    """Ask for something."""
    name = str(params.get("name", params.get("uri")))
    headers = headers_of(method, name) if modern else ACCEPT
    async with http_client(token) as http:
        message = message_of(method, params, modern=modern)
        return await http.post(url, json=message, headers=headers)


async def post_call(
    url: str,
    tool: str,
    *,
    modern: bool,
    token: str = "t",
) -> httpx2.Response:
    """Call a tool with a text."""
    params: dict[str, Json] = {"name": tool, "arguments": {"text": "x"}}
    return await post(url, "tools/call", params, modern=modern, token=token)
