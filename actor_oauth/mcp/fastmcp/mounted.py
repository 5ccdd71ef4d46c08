"""From a mounted server's components to their originals.

FastMCP has no public way back: the outer server has only what forwards calls, with the
mounted server and the name there. What is reached over the network is not looked for: its
functions are elsewhere, and so is what they demand.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias, cast

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from fastmcp.resources import Resource, ResourceTemplate
from fastmcp.server.providers.fastmcp_provider import (
    FastMCPProviderPrompt,
    FastMCPProviderResource,
    FastMCPProviderResourceTemplate,
    FastMCPProviderTool,
)
from fastmcp.server.providers.proxy import FastMCPProxy
from fastmcp.tools import Tool
from fastmcp.utilities.versions import VersionSpec

from actor_oauth.mcp.catalogue import Kind

Component: TypeAlias = Tool | Prompt | Resource | ResourceTemplate


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something that is offered comes from.

    Attributes:
        server: The mounted server.
        kind: What it is.
        name: What it is called there; of a resource its URI, of a template its template.
        version: Of several, or None.
    """

    server: FastMCP[object]
    kind: Kind
    name: str
    version: str | None

    @classmethod
    def of(cls, component: object) -> Self | None:
        """Give where something comes from; None if it is the server's own, or not here."""
        match component:
            case FastMCPProviderTool(_server=server, _original_name=name):
                kind = Kind.TOOL
            case FastMCPProviderPrompt(_server=server, _original_name=name):
                kind = Kind.PROMPT
            case FastMCPProviderResource(_server=server, _original_uri=name):
                kind = Kind.RESOURCE
            case FastMCPProviderResourceTemplate(
                _server=server, _original_uri_template=name
            ):
                kind = Kind.TEMPLATE
            case _:
                return None
        if name is None or isinstance(server, FastMCPProxy):
            return None
        there = cast("FastMCP[object]", server)
        return cls(there, kind, name, component.version)


Find: TypeAlias = Callable[[Origin], Awaitable[Component | None]]
"""Finds the component of this name at its origin; None if it no longer exists."""


async def find_one(origin: Origin) -> Component | None:
    """Find one thing, for a call."""
    server, name = origin.server, origin.name
    version = VersionSpec(eq=origin.version) if origin.version else None
    match origin.kind:
        case Kind.TOOL:
            return await server.get_tool(name, version)
        case Kind.PROMPT:
            return await server.get_prompt(name, version)
        case Kind.RESOURCE:
            return await server.get_resource(name, version)
        case Kind.TEMPLATE:
            # FastMCP looks for one that fits a URI, which another one may do as well.
            return await Lists().find(origin)


class Lists:
    """Finds many things, for one list: each mounted server is asked once."""

    def __init__(self) -> None:
        self._known: dict[
            tuple[int, Kind], dict[tuple[str, str | None], Component]
        ] = {}

    async def find(self, origin: Origin) -> Component | None:
        """See `Find`."""
        key = (id(origin.server), origin.kind)
        if key not in self._known:
            there = await _all_of(origin)
            self._known[key] = {(_name_of(each), each.version): each for each in there}
        return self._known[key].get((origin.name, origin.version))


async def _all_of(origin: Origin) -> Sequence[Component]:
    server = origin.server
    match origin.kind:
        case Kind.TOOL:
            return await server.list_tools(run_middleware=False)
        case Kind.PROMPT:
            return await server.list_prompts(run_middleware=False)
        case Kind.RESOURCE:
            return await server.list_resources(run_middleware=False)
        case Kind.TEMPLATE:
            return await server.list_resource_templates(run_middleware=False)


def _name_of(component: Component) -> str:
    match component:
        case Resource():
            return str(component.uri)
        case ResourceTemplate():
            return component.uri_template
        case _:
            return component.name
