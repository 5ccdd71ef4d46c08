"""What a FastMCP server offers, as the gate asks."""

from inspect import getclosurevars, isfunction
from typing import Generic, TypeVar, cast

from fastmcp import FastMCP
from fastmcp.server.providers.fastmcp_provider import (
    FastMCPProviderPrompt,
    FastMCPProviderResource,
    FastMCPProviderResourceTemplate,
    FastMCPProviderTool,
)
from fastmcp.utilities.versions import VersionSpec
from starlette.applications import Starlette

from actor_oauth.mcp.catalogue import Call, Kind
from actor_oauth.mcp.permissions import Demand, demand_of
from actor_oauth.resource.asgi import Scope

LifespanResult = TypeVar("LifespanResult")


async def demand_of_component(component: object) -> Demand | None:
    """What a tool, prompt, resource or template of FastMCP demands, or None.

    One of a mounted server demands what it does there. A tool that was made of another one
    demands what that one does, and also what its own function does.
    """
    own = _demand_of_function(getattr(component, "fn", None))
    origin = getattr(component, "parent_tool", None) or await _mounted(component)
    inherited = None if origin is None else await demand_of_component(origin)
    if own is None or inherited is None:
        return own or inherited
    return own & inherited


# FastMCP has no public way from what the outer server offers to the mounted server's own.
async def _mounted(component: object) -> object:
    """What a component of a mounted server is there; None if it is of no such server."""
    match component:
        case FastMCPProviderTool(_server=server, _original_name=name, version=version):
            return await _behind(server).get_tool(_known(name), _only(version))
        case FastMCPProviderPrompt(
            _server=server, _original_name=name, version=version
        ):
            return await _behind(server).get_prompt(_known(name), _only(version))
        case FastMCPProviderResource(
            _server=server, _original_uri=uri, version=version
        ):
            return await _behind(server).get_resource(_known(uri), _only(version))
        case FastMCPProviderResourceTemplate(
            _server=server, _original_uri_template=wanted
        ):
            templates = await _behind(server).list_resource_templates(
                run_middleware=False
            )
            return next(
                (each for each in templates if each.uri_template == wanted), None
            )
        case _:
            return None


def _behind(server: object) -> FastMCP[object]:
    return cast("FastMCP[object]", server)


def _known(name: str | None) -> str:
    assert name is not None
    return name


def _only(version: str | None) -> VersionSpec | None:
    return VersionSpec(eq=version) if version else None


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
