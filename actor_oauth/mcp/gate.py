"""The step-up challenge of single tools, prompts and resources, at the HTTP level (G-08).

MCP wants a call that lacks a scope answered 403 with `insufficient_scope`, but by the time
the SDK knows what is called it can only answer with a JSON-RPC message. So the body of a
POST is read here first, and handed on as it was.

The body decides and no header does: clients of the older revisions send no `Mcp-Name`, and
for those of 2026-07-28 the SDK refuses a header that says something else than the body.
"""

import json
from collections.abc import Iterator
from typing import Protocol, cast

from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE

from actor_oauth.mcp.caller import Caller
from actor_oauth.mcp.catalogue import Call, Catalogue, call_in
from actor_oauth.mcp.permissions import Verdict
from actor_oauth.resource.answers import Answer
from actor_oauth.resource.asgi import Message, Receive, Scope


class RequireScopes(Protocol):
    """Makes the challenge for these scopes; None if the caller's token has them all."""

    def __call__(self, *names: str) -> Answer | None:
        """See the class."""
        ...


async def judge_calls(
    catalogue: Catalogue,
    caller: Caller,
    scope: Scope,
    receive: Receive,
    *,
    require: RequireScopes,
) -> tuple[Receive, Answer | None]:
    """Find the challenge for what a request calls, if its token lacks a scope for it.

    Args:
        catalogue: What the server offers.
        caller: Who sent the request.
        scope: Of the request.
        receive: The server's.
        require: Makes the challenge.

    Returns:
        What the application is to receive from, and what to answer in its place.
    """
    if scope["method"] != "POST" or catalogue.demands_nothing():
        return receive, None
    body, receive = await read_ahead(receive)
    if body is None:
        return receive, None
    wanted = await scopes_of_calls(body, catalogue, caller)
    return receive, require(*wanted)


async def read_ahead(
    receive: Receive, limit: int = DEFAULT_MAX_REQUEST_BODY_SIZE
) -> tuple[bytes | None, Receive]:
    """Read a request's body, and give what the application is to receive instead.

    Args:
        receive: The server's.
        limit: Bytes; of a body beyond it no more is read.

    Returns:
        The body, or None if it is too large or its client went away, which is for the
        application to find out; and the same messages once more, with all that follow.
    """
    seen: list[Message] = []
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit:
        message = await receive()
        seen.append(message)
        if message["type"] != "http.request":
            break
        chunk = cast("bytes", message.get("body", b""))
        chunks.append(chunk)
        size += len(chunk)
        more = bool(message.get("more_body", False))
    whole = not more and size <= limit
    replay = iter(seen)

    async def receive_again() -> Message:
        for message in replay:
            return message
        return await receive()

    return (b"".join(chunks) if whole else None), receive_again


async def scopes_of_calls(
    body: bytes, catalogue: Catalogue, caller: Caller
) -> tuple[str, ...]:
    """All scopes that what is called by a JSON-RPC body demands.

    Args:
        body: A message, or several as the revision of 2025-03-26 had them; anything else
            calls nothing, and the SDK says what is wrong with it.
        catalogue: What the server offers.
        caller: Who sent it. What is hidden from them demands nothing: a challenge would
            tell that it is there.
    """
    found: dict[str, None] = {}
    for call in calls_in(body):
        demand = await catalogue.demand_for(call)
        if demand is not None and demand.judge(caller) is not Verdict.HIDDEN:
            found.update(dict.fromkeys(demand.scopes))
    return tuple(found)


def calls_in(body: bytes) -> Iterator[Call]:
    """What a JSON-RPC body calls."""
    try:
        # The parser of the SDK's own newer transport: what that one can read, this can.
        decoded: object = json.loads(body)
    except (ValueError, RecursionError):
        return
    messages: list[object] = decoded if isinstance(decoded, list) else [decoded]
    for message in messages:
        if isinstance(message, dict):
            call = call_in(message.get("method"), message.get("params"))
            if call is not None:
                yield call
