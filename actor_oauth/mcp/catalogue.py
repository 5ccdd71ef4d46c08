"""What an MCP server offers, by the names that clients call it, and what each of it demands.

Tools and prompts are called by their name, resources by a URI, which may be that of one
resource or fit a template.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, Protocol, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources.templates import ResourceSecurityError

from actor_oauth.mcp.permissions import Demand, demand_of

LifespanResult = TypeVar("LifespanResult")


class Kind(Enum):
    """What there is on offer."""

    TOOL = auto()
    PROMPT = auto()
    RESOURCE = auto()
    TEMPLATE = auto()
    """Of resources. Nobody calls one: a resource that it makes is read."""


_CALLS: Final = {
    "tools/call": (Kind.TOOL, "name"),
    "prompts/get": (Kind.PROMPT, "name"),
    "resources/read": (Kind.RESOURCE, "uri"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """Something on offer, as a request names it.

    Attributes:
        kind: Never a template.
        name: A name; of a resource, its URI.
    """

    kind: Kind
    name: str


def call_in(method: object, params: object) -> Call | None:
    """What a JSON-RPC request calls; None if it calls nothing that is on offer.

    Args:
        method: Its method.
        params: Its parameters, as they came.
    """
    if not isinstance(method, str) or method not in _CALLS:
        return None
    kind, key = _CALLS[method]
    name = params.get(key) if isinstance(params, Mapping) else None
    return Call(kind, name) if isinstance(name, str) else None


class Catalogue(Protocol):
    """What the gate asks a server."""

    def demands_nothing(self) -> bool:
        """Whether calls need not be looked at: surely nothing here demands anything."""
        ...

    async def demand_for(self, call: Call) -> Demand | None:
        """What the thing that is called demands; None for nothing, and if there is none."""
        ...


class ServerCatalogue(Generic[LifespanResult]):
    """What a server of the official SDK offers, at this moment.

    Args:
        server: Its tools, prompts and resources come and go.
    """

    def __init__(self, server: MCPServer[LifespanResult]) -> None:
        self._server = server

    def demands_nothing(self) -> bool:
        """Whether nothing here demands anything."""
        return not any(self.demands(kind) for kind in Kind)

    async def demand_for(self, call: Call) -> Demand | None:
        """What the thing that is called demands; None for nothing, and if there is none."""
        return self.demand(call)

    def demand(self, call: Call) -> Demand | None:
        """As `demand_for`."""
        if call.kind is not Kind.RESOURCE:
            return self.demands(call.kind).get(call.name)
        return demand_of(self._reader_of(call.name))

    def demands(self, kind: Kind) -> dict[str, Demand]:
        """All demands of a kind, by name, URI or URI template."""
        found = ((name, demand_of(function)) for name, function in self._offers(kind))
        return {name: demand for name, demand in found if demand is not None}

    def names(self, kind: Kind) -> frozenset[str]:
        """What there is of a kind, by name, URI or URI template."""
        return frozenset(name for name, _ in self._offers(kind))

    # The SDK has no public way from a name to its function.
    def _offers(self, kind: Kind) -> Iterable[tuple[str, object]]:
        server = self._server
        match kind:
            case Kind.TOOL:
                tools = server._tool_manager.list_tools()  # noqa: SLF001
                return [(tool.name, tool.fn) for tool in tools]
            case Kind.PROMPT:
                prompts = server._prompt_manager.list_prompts()  # noqa: SLF001
                return [(prompt.name, prompt.fn) for prompt in prompts]
            case Kind.RESOURCE:
                return self._resources()
            case Kind.TEMPLATE:
                templates = server._resource_manager.list_templates()  # noqa: SLF001
                return [(each.uri_template, each.fn) for each in templates]

    def _resources(self) -> Iterator[tuple[str, object]]:
        for resource in self._server._resource_manager.list_resources():  # noqa: SLF001
            # Files and the like have none, and demand nothing.
            yield str(resource.uri), getattr(resource, "fn", None)

    def _reader_of(self, uri: str) -> object:
        """The function that the SDK would call to read a URI; None if there is none."""
        for known, function in self._resources():
            if known == uri:
                return function
        for template in self._server._resource_manager.list_templates():  # noqa: SLF001
            try:
                fits = template.matches(uri) is not None
            except ResourceSecurityError:
                # The SDK looks no further, and says that there is no such resource.
                return None
            if fits:
                return template.fn
        return None
