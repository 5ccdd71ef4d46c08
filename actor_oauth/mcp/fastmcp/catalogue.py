"""What a FastMCP server offers, as the gate asks."""

from inspect import getclosurevars, isfunction
from typing import Generic, TypeVar, cast

from fastmcp import FastMCP
from starlette.applications import Starlette

from actor_oauth.mcp.catalogue import Call, Kind
from actor_oauth.mcp.fastmcp.mounted import Find, Origin, find_one
from actor_oauth.mcp.permissions import Demand, demand_of
from actor_oauth.resource.asgi import Scope

LifespanResult = TypeVar("LifespanResult")


async def demand_of_component(
    component: object, find: Find = find_one
) -> Demand | None:
    """What a tool, prompt, resource or template of FastMCP demands, or None.

    One of a mounted server demands what it does there. A tool that was made of another one
    demands what that one does, and also what its own function does.

    Args:
        component: What the server offers.
        find: Finds what mounted servers have.
    """
    own = _demand_of_function(getattr(component, "fn", None))
    origin, parent = Origin.of(component), getattr(component, "parent_tool", None)
    if origin is not None:
        parent = await find(origin)
    inherited = None if parent is None else await demand_of_component(parent, find)
    if own is None or inherited is None:
        return own or inherited
    return own & inherited


def _demand_of_function(function: object) -> Demand | None:
    found = demand_of(function)
    if found is None:
        inner = _inner(function)
        return None if inner is None else _demand_of_function(inner)
    return found


def _inner(function: object) -> object:
    """What FastMCP has wrapped, or None.

    It does that to functions of templates, and to those that have parameters for it to fill
    in; of these it leaves no other way back.
    """
    validated = getattr(function, "raw_function", None)
    if validated is not None:
        return cast("object", validated)
    return (
        getclosurevars(function).nonlocals.get("fn") if isfunction(function) else None
    )


class FastMCPCatalogue(Generic[LifespanResult]):
    """What a server offers to whoever is authenticated just now.

    Args:
        server: Its components come and go, and may be other servers' too.
    """

    def __init__(self, server: FastMCP[LifespanResult]) -> None:
        self._server = server

    def demands_nothing(self) -> bool:
        """Never sure: what is on offer is known only when it is asked for."""
        return False

    async def demand_for(self, call: Call) -> Demand | None:
        """What the thing that is called demands; None for nothing, and if there is none."""
        return await demand_of_component(await self._component(call))

    async def _component(self, call: Call) -> object:
        match call.kind:
            case Kind.TOOL:
                return await self._server.get_tool(call.name)
            case Kind.PROMPT:
                return await self._server.get_prompt(call.name)
            case Kind.RESOURCE | Kind.TEMPLATE:
                resource = await self._server.get_resource(call.name)
                if resource is not None:
                    return resource
                return await self._server.get_resource_template(call.name)


def catalogue_of(scope: Scope) -> FastMCPCatalogue[object]:
    """What the server behind a request to its own application offers."""
    application = cast("Starlette", scope["app"])
    # FastMCP's own word for where its application keeps the server.
    return FastMCPCatalogue(cast("FastMCP[object]", application.state.fastmcp_server))
