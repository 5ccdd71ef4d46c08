"""What a protected server adds to the SDK's handling of messages, in both protocol eras.

`HiddenTools` shows each caller the tools that they may know of, and acts as if there were
no others. `Listeners` ends the event streams that `subscriptions/listen` opens, which
otherwise hold up an orderly stop until its deadline.
"""

from collections.abc import Callable, Mapping
from typing import cast

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from actor_oauth.mcp.caller import current_caller
from actor_oauth.mcp.gate import TOOL_CALL
from actor_oauth.mcp.permissions import Demand, Verdict
from actor_oauth.oauth.json_values import Json

_LIST = "tools/list"
_LISTEN = "subscriptions/listen"


class HiddenTools:
    """Middleware of the SDK's server: hides tools from those who may not know of them.

    Args:
        demands: Gives what the tools demand, by name.
    """

    def __init__(self, demands: Callable[[], Mapping[str, Demand]]) -> None:
        self._demands = demands

    async def __call__(
        self, ctx: ServerRequestContext[object, object], call_next: CallNext
    ) -> HandlerResult:
        """Handle one message.

        Raises:
            LookupError: A list is asked for, or a tool called, and nobody knows by whom.
        """
        if ctx.method == _LIST:
            return self._without_hidden(await call_next(ctx))
        if ctx.method == TOOL_CALL:
            name = (ctx.params or {}).get("name")
            if isinstance(name, str) and name in self._hidden():
                return _unknown_tool(name, ctx.protocol_version)
        return await call_next(ctx)

    def _without_hidden(self, result: HandlerResult) -> HandlerResult:
        hidden = self._hidden()
        if not hidden:
            return result
        members = _as_members(result)
        tools = cast("list[dict[str, object]]", members.get("tools", []))
        members["tools"] = [tool for tool in tools if tool.get("name") not in hidden]
        if "cacheScope" in members:
            # The list of one caller, whatever the server says of its lists in general.
            members["cacheScope"] = "private"
        return members

    def _hidden(self) -> frozenset[str]:
        demands = self._demands()
        if not demands:
            return frozenset()
        caller = current_caller()
        return frozenset(
            name
            for name, demand in demands.items()
            if demand.judge(caller) is Verdict.HIDDEN
        )


class Listeners:
    """Middleware of the SDK's server: knows who listens, and can tell them it is over."""

    def __init__(self) -> None:
        self._listening: set[anyio.CancelScope] = set()
        self._ended = False

    def end(self) -> None:
        """End all listening, with the answer that says so; nobody listens from now on."""
        self._ended = True
        for listening in self._listening:
            listening.cancel()

    async def __call__(
        self, ctx: ServerRequestContext[object, object], call_next: CallNext
    ) -> HandlerResult:
        """Handle one message."""
        if ctx.method != _LISTEN:
            return await call_next(ctx)
        with anyio.CancelScope() as listening:
            if self._ended:
                listening.cancel()
            self._listening.add(listening)
            try:
                return await call_next(ctx)
            finally:
                self._listening.discard(listening)
        return _complete(
            {"_meta": {SUBSCRIPTION_ID_META_KEY: ctx.request_id}}, ctx.protocol_version
        )


def _unknown_tool(name: str, version: str) -> dict[str, Json]:
    text: Json = {"type": "text", "text": f"Unknown tool: {name}"}
    return _complete({"content": [text], "isError": True}, version)


def _complete(members: dict[str, Json], version: str) -> dict[str, Json]:
    """A whole result: who does not ask the SDK's handler owns the envelope too."""
    if version in MODERN_PROTOCOL_VERSIONS:
        return {**members, "resultType": "complete"}
    return members


def _as_members(result: HandlerResult) -> dict[str, object]:
    """A result as it goes over the wire, also if other middleware made a model of it."""
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(result or {})
