"""Another service and its authorization server, on this machine, as good or bad as wanted.

Everything is plain HTTP on loopback ports. What a path answers stands in one dictionary
and may be replaced: by other members, by bytes, or by a function that does what it likes.
"""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import trio

from actor_oauth.oauth.pkce import verify_s256


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))

    @property
    def basic(self) -> tuple[str, str] | None:
        scheme, _, credentials = self.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        name, _, secret = b64decode(credentials).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int = 200
    members: Mapping[str, object] | None = None
    headers: tuple[str, ...] = ()
    body: bytes = b""
    media_type: str = "application/json"

    def render(self, method: str) -> bytes:
        body = self.body if self.members is None else json.dumps(self.members).encode()
        lines = [
            f"HTTP/1.1 {self.status} x",
            f"Content-Type: {self.media_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *self.headers,
        ]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        return head if method == "HEAD" else head + body


Answer = Said | bytes | None
Page = Said | Callable[[Asked], Answer | Awaitable[Answer]]


class StandIn:
    """A server: pages by path. None as an answer drops the connection."""

    def __init__(self) -> None:
        self.port = 0
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str, method: str | None = None) -> int:
        """How often a path was asked for."""
        return sum(
            asked.path == path and method in (None, asked.method)
            for asked in self.asked
        )

    async def serve(self, stream: trio.SocketStream) -> None:
        # The client may have had enough, which is what some tests are about.
        with suppress(trio.BrokenResourceError):
            async with stream:
                asked = await _read(stream)
                if asked is None:
                    return
                self.asked.append(asked)
                answer = await self._answer(asked)
                if isinstance(answer, Said):
                    answer = answer.render(asked.method)
                if answer is not None:
                    await stream.send_all(answer)

    async def _answer(self, asked: Asked) -> Answer:
        page = self.pages.get(asked.path, Said(404, {}))
        if isinstance(page, Said):
            return page
        answer = page(asked)
        return await answer if isinstance(answer, Awaitable) else answer


async def _read(stream: trio.SocketStream) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await stream.receive_some()
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive_some()
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


@asynccontextmanager
async def serving_standin(server: StandIn) -> AsyncIterator[None]:
    """Serve a stand-in on a port of its own for as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, server.serve, listeners)
        yield
        nursery.cancel_scope.cancel()


@dataclass
class Upstream:
    """A protected resource and its authorization server.

    It rotates refresh tokens strictly: one that comes twice ends its grant, as OAuth 2.1
    asks of servers for public clients, and as hurts careless clients.

    Attributes:
        resource: The protected service.
        server: Its authorization server.
        life: Seconds that it says access tokens live; None to say nothing.
        current: By refresh token, the access token that it came with.
        retired: Refresh tokens that were traded.
        revoked: Tokens that somebody asked to end.
        replayed: Whether a retired one came again.
        answers: Scripted answers of the token endpoint, taken before all else.
    """

    resource: StandIn = field(default_factory=StandIn)
    server: StandIn = field(default_factory=StandIn)
    life: int | None = 3600
    current: dict[str, str] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    replayed: bool = False
    answers: list[Page] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _numbers: int = 0

    @property
    def url(self) -> str:
        return self.resource.url + "/mcp"

    @property
    def refreshes(self) -> int:
        """How many refresh requests came."""
        return sum(
            asked.path == "/token" and asked.form["grant_type"] == "refresh_token"
            for asked in self.server.asked
        )

    def metadata(self) -> dict[str, object]:
        issuer = self.server.url
        return {
            "issuer": issuer,
            "authorization_endpoint": issuer + "/authorize",
            "token_endpoint": issuer + "/token",
            "registration_endpoint": issuer + "/register",
            "revocation_endpoint": issuer + "/revoke",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def resource_metadata(self) -> dict[str, object]:
        return {
            "resource": self.url,
            "authorization_servers": [self.server.url],
            "scopes_supported": ["read"],
            "resource_name": "Stand-in",
        }

    def set_up(self) -> None:
        """Fill in the pages, once the ports are known."""
        document = "/.well-known/oauth-protected-resource/mcp"
        challenge = f'Bearer resource_metadata="{self.resource.url}{document}"'
        self.resource.pages = {
            "/mcp": lambda asked: self._resource(asked, challenge),
            document: Said(members=self.resource_metadata()),
        }
        self.server.pages = {
            "/.well-known/oauth-authorization-server": Said(members=self.metadata()),
            "/register": self._register,
            "/token": self._token,
            "/revoke": self._revoke,
        }

    def approve(self, location: str) -> dict[str, str]:
        """Be the person who signs in there and says yes; gives the answer's query."""
        parts = urlsplit(location)
        assert location.startswith(self.server.url + "/authorize?")
        query = dict(parse_qsl(parts.query, strict_parsing=True))
        code = f"code{self._next()}"
        self._codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.server.url}

    def _resource(self, asked: Asked, challenge: str) -> Said:
        token = asked.headers.get("authorization", "").partition(" ")[2]
        if token in self.current.values():
            return Said(members={"you": token})
        return Said(401, {}, (f"WWW-Authenticate: {challenge}",))

    def _register(self, asked: Asked) -> Said:
        members = json.loads(asked.body)
        return Said(
            201, {**members, "client_id": f"client{self._next()}", "client_secret": "s"}
        )

    def _token(self, asked: Asked) -> Answer | Awaitable[Answer]:
        if self.answers:
            scripted = self.answers.pop(0)
            return scripted if isinstance(scripted, Said) else scripted(asked)
        return self.token(asked)

    def token(self, asked: Asked) -> Said:
        """Answer a token request as a proper server does."""
        form = asked.form
        if asked.basic is None or asked.basic[1] != "s":
            return Said(401, {"error": "invalid_client"})
        if form["grant_type"] == "authorization_code":
            query = self._codes.pop(form["code"], None)
            proven = query is not None and verify_s256(
                form["code_verifier"], query["code_challenge"]
            )
            if query is None or not proven or form["resource"] != query["resource"]:
                return Said(400, {"error": "invalid_grant"})
            return self.issue()
        presented = form["refresh_token"]
        if presented in self.retired:
            self.replayed = True
            self.current.clear()
        if self.current.pop(presented, None) is None:
            return Said(400, {"error": "invalid_grant"})
        self.retired.add(presented)
        return self.issue()

    def issue(self) -> Said:
        """Give new tokens."""
        number = self._next()
        self.current[f"refresh{number}"] = f"access{number}"
        life = {} if self.life is None else {"expires_in": self.life}
        return Said(
            members={
                "access_token": f"access{number}",
                "token_type": "bearer",
                "refresh_token": f"refresh{number}",
                **life,
            }
        )

    def _revoke(self, asked: Asked) -> Said:
        self.revoked.append(asked.form["token"])
        self.current.pop(asked.form["token"], None)
        return Said(members={})

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


@asynccontextmanager
async def open_upstream() -> AsyncIterator[Upstream]:
    """Serve a resource and its authorization server for as long as the block lasts."""
    upstream = Upstream()
    async with serving_standin(upstream.resource), serving_standin(upstream.server):
        upstream.set_up()
        yield upstream


def query_text(query: Mapping[str, str]) -> bytes:
    """The query string of a callback."""
    return urlencode(query).encode()
