"""`ForwardAuth`: answers a reverse proxy whether it may let a request through.

nginx (`auth_request`), Traefik and Caddy (`forward_auth`) ask before they pass a request
on. The question says in headers which request is meant, and carries that request's own
headers; the answer is the guard's: 200 with who calls, or 401 and 403 with the challenge.

Rule 1: which resource is asked for is said by the proxy alone, in `X-Forwarded-…` headers
that it sets itself, or in the URL that its operator configured. A request that says either
of them twice is refused.
Rule 2: nothing but a good token is answered 2xx. A proxy takes any such answer for a yes,
so a browser's preflight is refused here: the proxy answers it, or nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qs, quote, unquote, urlsplit

from actor_oauth.oauth.resources import canonical_resource, covers
from actor_oauth.resource.answers import Answer
from actor_oauth.resource.asgi import (
    HeaderLine,
    Receive,
    RequestHead,
    Scope,
    Send,
    request_head,
)
from actor_oauth.resource.guard import BearerGuard, require_scopes, verified_token
from actor_oauth.resource.server import ResourceServer

_WANTED_KEY: Final = "actor_oauth.wanted_scopes"
_FORWARDED: Final = b"x-forwarded-"
# Those that would make an OPTIONS request a preflight, which the guard answers 204.
_PREFLIGHT: Final = frozenset((b"origin", b"access-control-request-method"))
_AS_IT_IS: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")

_NOT_SAID: Final = Answer(
    status=400,
    headers=((b"content-type", b"text/plain"), (b"cache-control", b"no-store")),
    body=b"The proxy does not say which resource is asked for, or says it twice.\n",
)
_NOT_OURS: Final = Answer(
    status=403,
    headers=((b"content-type", b"text/plain"), (b"cache-control", b"no-store")),
    body=b"No resource of this server is at that address.\n",
)


class ForwardAuth:
    """An ASGI application that a reverse proxy asks about each request.

    Args:
        servers: One for each resource that may be asked for.
    """

    def __init__(self, servers: Sequence[ResourceServer]) -> None:
        self._by_default = {
            server.resource.identifier: server.guard(_tell_caller) for server in servers
        }
        self._by_scopes = {
            server.resource.identifier: server.guard(_tell_caller, required_scopes=())
            for server in servers
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = self._ask(scope, request_head(scope))
        if isinstance(answer, Answer):
            await answer(scope, receive, send)
            return
        guard, inner_scope = answer
        await guard(inner_scope, receive, send)

    def _ask(
        self, scope: Scope, head: RequestHead
    ) -> tuple[BearerGuard, Scope] | Answer:
        query = parse_qs(head.query_string.decode("latin-1"))
        said = {
            name: head.lines(_FORWARDED + name.encode())
            for name in ("method", "proto", "host", "uri")
        }
        several = [*said.values(), query.get("resource", ())]
        if any(len(values) > 1 for values in several):
            return _NOT_SAID
        forwarded = {
            name: values[0].decode("latin-1") for name, values in said.items() if values
        }
        wanted = tuple(" ".join(query.get("scope", ())).split())
        identifier = self._resource(query, forwarded)
        if isinstance(identifier, Answer):
            return identifier
        guards = self._by_scopes if wanted else self._by_default
        inner_scope = _asked_request(scope, head, forwarded, identifier)
        inner_scope[_WANTED_KEY] = wanted
        return guards[identifier], inner_scope

    def _resource(
        self, query: Mapping[str, Sequence[str]], forwarded: Mapping[str, str]
    ) -> str | Answer:
        """The identifier of the resource that is asked for."""
        if "resource" in query:
            wanted = canonical_resource(query["resource"][0])
            named = (i for i in self._by_default if canonical_resource(i) == wanted)
            return next(named, _NOT_OURS)
        if not {"proto", "host", "uri"} <= forwarded.keys():
            return _NOT_SAID
        url = "{proto}://{host}{uri}".format(**forwarded)
        covering = [i for i in self._by_default if covers(i, url)]
        return max(covering, key=len) if covering else _NOT_OURS


def _asked_request(
    scope: Scope, head: RequestHead, forwarded: Mapping[str, str], identifier: str
) -> dict[str, object]:
    """The request that the proxy asks about, as if it had come here itself."""
    # Without the URI, the operator vouches for the path by the location in the proxy.
    uri = forwarded.get("uri", urlsplit(identifier).path or "/")
    path, _, query = uri.partition("?")
    method = forwarded.get("method", "GET")
    headers: list[HeaderLine] = [
        (name, value)
        for name, values in head.headers.items()
        if not name.startswith(_FORWARDED)
        for value in values
    ]
    if "host" in forwarded:
        headers = [line for line in headers if line[0] != b"host"]
        headers.append((b"host", forwarded["host"].encode("latin-1")))
    if method.upper() == "OPTIONS":
        headers = [line for line in headers if line[0] not in _PREFLIGHT]
    return {
        **scope,
        "method": method,
        "path": unquote(path),
        "query_string": query.encode("latin-1"),
        "headers": headers,
    }


async def _tell_caller(scope: Scope, receive: Receive, send: Send) -> None:
    """Say yes, and who calls: all of it always, so that the proxy overwrites all of it."""
    refusal = require_scopes(scope, *cast("tuple[str, ...]", scope[_WANTED_KEY]))
    if refusal is not None:
        await refusal(scope, receive, send)
        return
    info = verified_token(scope)
    told = {
        b"x-auth-subject": info.user_id,
        b"x-auth-principal": info.principal,
        b"x-auth-client": info.client_id,
        b"x-auth-scope": str(info.scope),
    }
    # A header carries visible ASCII; the rest is percent-encoded, and the percent sign.
    headers = [
        (name, quote(value, safe=_AS_IT_IS).encode()) for name, value in told.items()
    ]
    answer = Answer(status=200, headers=(*headers, (b"cache-control", b"no-store")))
    await answer(scope, receive, send)
