"""Tools, prompts and resources that not everybody may use: by scope, and by role.

    ACTOR_OAUTH_RESOURCES='[{"identifier": "http://127.0.0.1:8000/mcp",
        "scopes": ["notes", "notes:write"], "default_scopes": ["notes"]}]' \
    python examples/tool_permissions.py

Everybody sees `write_note`. Who calls it without its scope is asked for it: the client is
answered 403 with the scopes to come back with, and asks its user. So it is with the prompt.
`forget_everything` and the resource do not exist for anybody but administrators.
"""

from dataclasses import dataclass
from functools import partial

import trio
from mcp.server.mcpserver import MCPServer

from actor_oauth.config import load_settings
from actor_oauth.mcp import Caller, CurrentCaller, require, require_scope
from actor_oauth.provider import Provider

mcp = MCPServer("notes")
notes: dict[str, list[str]] = {}


@dataclass
class Props:
    """What the application attached to the grant when its user signed in."""

    role: str


def is_administrator(caller: Caller) -> bool:
    """Whether a caller may know of the administrators' tools."""
    return caller.props_as(Props).role == "administrator"


@mcp.tool()
def read_notes(caller: CurrentCaller) -> list[str]:
    """Your notes."""
    return notes.get(caller.user_id, [])


@mcp.tool()
@require_scope("notes:write")
def write_note(text: str, caller: CurrentCaller) -> None:
    """Add to your notes."""
    notes.setdefault(caller.user_id, []).append(text)


@mcp.tool()
@require(is_administrator)
def forget_everything() -> None:
    """Drop everybody's notes."""
    notes.clear()


@mcp.prompt()
@require_scope("notes:write")
def tidy_up() -> str:
    """Have your notes put in order."""
    return "Read my notes, and write each of them anew, shorter."


@mcp.resource("notes://all")
@require(is_administrator)
def all_notes() -> str:
    """Everybody's notes."""
    return repr(notes)


provider = Provider(load_settings())
provider.protect_mcp(mcp)
trio.run(partial(provider.serve, announce=print))
