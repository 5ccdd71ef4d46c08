"""Hides from callers of a FastMCP server what they may not know of."""

from collections.abc import Sequence
from typing import TypeVar

import mcp_types
from fastmcp import Context
from fastmcp.exceptions import NotFoundError
from fastmcp.prompts import Prompt, PromptResult
from fastmcp.resources import Resource, ResourceTemplate
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool, ToolResult
from typing_extensions import override

from actor_oauth.mcp.caller import current_caller
from actor_oauth.mcp.catalogue import Call, Kind
from actor_oauth.mcp.fastmcp.catalogue import FastMCPCatalogue, demand_of_component
from actor_oauth.mcp.fastmcp.mounted import Lists
from actor_oauth.mcp.permissions import Verdict

ComponentT = TypeVar("ComponentT", Tool, Prompt, Resource, ResourceTemplate)


class Permissions(Middleware):
    """FastMCP middleware: lists without what a caller may not know of, and no way to call it.

    Give it to the server first, before middleware that remembers answers. What is mounted in
    the server is hidden too.
    """

    @override
    async def on_list_tools(
        self,
        context: MiddlewareContext[mcp_types.ListToolsRequest],
        call_next: CallNext[mcp_types.ListToolsRequest, Sequence[Tool]],
    ) -> Sequence[Tool]:
        return await _visible(await call_next(context))

    @override
    async def on_list_prompts(
        self,
        context: MiddlewareContext[mcp_types.ListPromptsRequest],
        call_next: CallNext[mcp_types.ListPromptsRequest, Sequence[Prompt]],
    ) -> Sequence[Prompt]:
        return await _visible(await call_next(context))

    @override
    async def on_list_resources(
        self,
        context: MiddlewareContext[mcp_types.ListResourcesRequest],
        call_next: CallNext[mcp_types.ListResourcesRequest, Sequence[Resource]],
    ) -> Sequence[Resource]:
        return await _visible(await call_next(context))

    @override
    async def on_list_resource_templates(
        self,
        context: MiddlewareContext[mcp_types.ListResourceTemplatesRequest],
        call_next: CallNext[
            mcp_types.ListResourceTemplatesRequest, Sequence[ResourceTemplate]
        ],
    ) -> Sequence[ResourceTemplate]:
        return await _visible(await call_next(context))

    @override
    async def on_call_tool(
        self,
        context: MiddlewareContext[mcp_types.CallToolRequestParams],
        call_next: CallNext[mcp_types.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        await _refuse_hidden(
            context.fastmcp_context, Call(Kind.TOOL, context.message.name)
        )
        return await call_next(context)

    @override
    async def on_get_prompt(
        self,
        context: MiddlewareContext[mcp_types.GetPromptRequestParams],
        call_next: CallNext[mcp_types.GetPromptRequestParams, PromptResult],
    ) -> PromptResult:
        await _refuse_hidden(
            context.fastmcp_context, Call(Kind.PROMPT, context.message.name)
        )
        return await call_next(context)

    @override
    async def check_resource_access(
        self, context: MiddlewareContext[mcp_types.ReadResourceRequestParams]
    ) -> None:
        await _refuse_hidden(
            context.fastmcp_context, Call(Kind.RESOURCE, str(context.message.uri))
        )


async def _visible(components: Sequence[ComponentT]) -> Sequence[ComponentT]:
    lists = Lists()
    demands = [await demand_of_component(each, lists.find) for each in components]
    return [
        each
        for each, demand in zip(components, demands, strict=True)
        if demand is None or demand.judge(current_caller()) is not Verdict.HIDDEN
    ]


async def _refuse_hidden(context: Context | None, call: Call) -> None:
    """Act as if there were nothing of that name, if it is hidden.

    Raises:
        NotFoundError: As FastMCP raises itself.
    """
    assert context is not None
    demand = await FastMCPCatalogue(context.fastmcp).demand_for(call)
    if demand is not None and demand.judge(current_caller()) is Verdict.HIDDEN:
        raise NotFoundError(f"Unknown {call.kind.name.lower()}: {call.name!r}")
