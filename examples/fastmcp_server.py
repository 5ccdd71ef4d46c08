"""The same as `tool_permissions.py`, on a server that is made with FastMCP 4.

    pip install "actor_oauth[fastmcp]"
    ACTOR_OAUTH_RESOURCES='[{"identifier": "http://127.0.0.1:8000/mcp",
        "scopes": ["notes", "notes:write"], "default_scopes": ["notes"]}]' \
    python examples/fastmcp_server.py
"""

from functools import partial

import trio
from fastmcp import FastMCP

from actor_oauth.config import load_settings
from actor_oauth.mcp import Caller, require, require_scope
from actor_oauth.mcp.fastmcp import CurrentCaller
from actor_oauth.provider import Provider

mcp = FastMCP("notes")
notes: dict[str, list[str]] = {}


def is_administrator(caller: Caller) -> bool:
    """Whether a caller may know of the administrators' resources."""
    return caller.props == "administrator"


@mcp.tool()
def read_notes(caller: CurrentCaller) -> list[str]:
    """Your notes."""
    return notes.get(caller.user_id, [])


@mcp.tool()
@require_scope("notes:write")
def write_note(text: str, caller: CurrentCaller) -> None:
    """Add to your notes."""
    notes.setdefault(caller.user_id, []).append(text)


@mcp.resource("notes://all")
@require(is_administrator)
def all_notes() -> str:
    """Everybody's notes."""
    return repr(notes)


provider = Provider(load_settings())
provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
