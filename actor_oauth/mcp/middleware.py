"""What a protected server adds to the SDK's handling of messages, in both protocol eras.

`HiddenOffers` shows each caller the tools, prompts and resources that they may know of, and
acts as if there were no others. `Listeners` ends the event streams that
`subscriptions/listen` opens, which otherwise hold up an orderly stop until its deadline.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Generic, NamedTuple, TypeVar, cast

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel

from actor_oauth.mcp.caller import Caller, current_caller
from actor_oauth.mcp.catalogue import Call, Kind, ServerCatalogue, call_in
from actor_oauth.mcp.permissions import Demand, Verdict
from actor_oauth.oauth.json_values import Json

LifespanResult = TypeVar("LifespanResult")

SchemaOf = Callable[[str], Mapping[str, Json] | None]
"""A tool's name to its input schema, or None."""

_LISTEN: Final = "subscriptions/listen"


class HiddenOffers(Generic[LifespanResult]):
    """Middleware of the SDK's server: hides things from those who may not know of them.

    Args:
        catalogue: What the server offers.
    """

    def __init__(self, catalogue: ServerCatalogue[LifespanResult]) -> None:
        self._catalogue = catalogue

    async def __call__(
        self, ctx: ServerRequestContext[object, object], call_next: CallNext
    ) -> HandlerResult:
        """Handle one message.

        Raises:
            MCPError: There is no such resource, for this caller.
            ValueError: There is no such prompt, for this caller.
            LookupError: Something with demands is listed or called, and nobody knows by
                whom.
        """
        if ctx.method in _LISTS:
            return self._without_hidden(_LISTS[ctx.method], await call_next(ctx))
        call = call_in(ctx.method, ctx.params)
        demand = None if call is None else self._catalogue.demand(call)
        if call is None or demand is None:
            return await call_next(ctx)
        # Who calls is asked for only where it matters: without a guard nobody is known.
        if _hides(demand, current_caller()):
            return await self._absent(call, ctx, call_next)
        result = await call_next(ctx)
        return _kept_private(result) if call.kind is Kind.RESOURCE else result

    async def _absent(
        self,
        call: Call,
        ctx: ServerRequestContext[object, object],
        call_next: CallNext,
    ) -> HandlerResult:
        """Answer as the SDK does if there is nothing of that name."""
        match call.kind:
            case Kind.TOOL:
                return await self._unknown_tool(call.name, ctx, call_next)
            case Kind.PROMPT:
                raise ValueError(f"Unknown prompt: {call.name}")
            case Kind.RESOURCE | Kind.TEMPLATE:
                uri = call.name
                raise MCPError(INVALID_PARAMS, f"Unknown resource: {uri}", {"uri": uri})

    async def _unknown_tool(
        self,
        name: str,
        ctx: ServerRequestContext[object, object],
        call_next: CallNext,
    ) -> HandlerResult:
        """Have the SDK say it, byte for byte: of another name, which really is unknown."""
        known, absent = self._catalogue.names(Kind.TOOL), f"{name}_"
        while absent in known:
            absent += "_"
        params = {**(ctx.params or {}), "name": absent}
        members = _as_members(await call_next(replace(ctx, params=params)))
        for part in cast("list[dict[str, str]]", members["content"]):
            part["text"] = part["text"].replace(absent, name)
        return members

    def schemas(self, schema_of: SchemaOf | None) -> SchemaOf:
        """What tells the input schema of a tool, to those who may know of the tool.

        Args:
            schema_of: What tells it to everybody; None: nobody can.
        """

        def schema_for_caller(name: str) -> Mapping[str, Json] | None:
            demand = self._catalogue.demand(Call(Kind.TOOL, name))
            if schema_of is None or (
                demand is not None and _hides(demand, current_caller())
            ):
                return None
            return schema_of(name)

        return schema_for_caller

    def _without_hidden(
        self, listed: "_Listed", result: HandlerResult
    ) -> HandlerResult:
        demands = self._catalogue.demands(listed.kind)
        if not any(demand.may_hide for demand in demands.values()):
            return result
        caller = current_caller()
        members = _as_members(result)
        offers = cast("list[dict[str, object]]", members.get(listed.member, []))
        members[listed.member] = [
            offer
            for offer in offers
            if not _hides(demands.get(cast("str", offer.get(listed.key))), caller)
        ]
        # The list of one caller, whatever the server says of its lists in general; also
        # that of a caller who sees everything, which others may not.
        return _kept_private(members)


def hide_offers(
    server: MCPServer[LifespanResult], catalogue: ServerCatalogue[LifespanResult]
) -> None:
    """Have a server hide what its callers may not know of."""
    hiding = HiddenOffers(catalogue)
    server.middleware.append(hiding)
    # The SDK compares headers with a tool's schema before any middleware is asked.
    inner = server._lowlevel_server  # noqa: SLF001  no public way to it
    inner.get_tool_input_schema = hiding.schemas(inner.get_tool_input_schema)


def _hides(demand: Demand | None, caller: Caller) -> bool:
    return demand is not None and demand.judge(caller) is Verdict.HIDDEN


class _Listed(NamedTuple):
    """How a list of the protocol names what is in it."""

    kind: Kind
    member: str
    key: str


_LISTS: Final = {
    "tools/list": _Listed(Kind.TOOL, "tools", "name"),
    "prompts/list": _Listed(Kind.PROMPT, "prompts", "name"),
    "resources/list": _Listed(Kind.RESOURCE, "resources", "uri"),
    "resources/templates/list": _Listed(
        Kind.TEMPLATE, "resourceTemplates", "uriTemplate"
    ),
}


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


def _complete(members: dict[str, Json], version: str) -> dict[str, Json]:
    """A whole result: who does not ask the SDK's handler owns the envelope too."""
    if version in MODERN_PROTOCOL_VERSIONS:
        return {**members, "resultType": "complete"}
    return members


def _kept_private(result: HandlerResult) -> HandlerResult:
    """A result that no cache may give to other callers."""
    members = _as_members(result)
    return {**members, "cacheScope": "private"} if "cacheScope" in members else result


def _as_members(result: HandlerResult) -> dict[str, object]:
    """A result as it goes over the wire, also if other middleware made a model of it."""
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(result or {})
