"""Calls an ASGI application in process, and keeps what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import trio

from actor_oauth.oauth.scopes import Scope as TokenScope
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.resource.admission import Protection
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Message, Scope
from actor_oauth.resource.cors import preflight_headers
from actor_oauth.resource.origins import origin_rules

RESOURCE = "https://mcp.example/mcp"
METADATA_URL = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
NOW = 1_700_000_000


def protection(
    resource: str = RESOURCE,
    required: tuple[str, ...] = ("mcp",),
    implied: dict[str, tuple[str, ...]] | None = None,
) -> Protection:
    """What the tests guard."""
    return Protection(
        resource=resource,
        metadata_url=METADATA_URL,
        baseline=("mcp",),
        required=required,
        origins=origin_rules(resource),
        preflight=preflight_headers(("GET", "POST")),
        implied=implied or {},
    )


def token_info(
    *,
    scope: tuple[str, ...] = ("mcp",),
    resource: str = RESOURCE,
    expires_at: int = NOW + 3600,
) -> AccessTokenInfo:
    """What the authorization server says of a good token."""
    return AccessTokenInfo(
        grant_id="0123456789abcdef",
        client_id="client",
        user_id="alice",
        scope=TokenScope(scope),
        resource=resource,
        issued_at=NOW,
        expires_at=expires_at,
        props_text='{"tier":"gold"}',
    )


@dataclass
class Authority:
    """Stands for the authorization server: knows one token, until it is told else."""

    info: AccessTokenInfo | None = field(default_factory=token_info)
    faults: list[Exception] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def validate_token(self, resource: str, token: str) -> AccessTokenInfo | None:
        """Raise the next fault if there is one, else tell about the token `good`."""
        await trio.lowlevel.checkpoint()
        self.asked.append((resource, token))
        if self.faults:
            raise self.faults.pop(0)
        return self.info if token == "good" else None


@dataclass
class Reply:
    """An answer, as it arrives."""

    status: int = 0
    headers: list[HeaderLine] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    messages: list[Message] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The one value of a header, or None; several are an error, but for challenges.

        Of those it is the one of the scheme `Bearer`, which is the first.
        """
        values = self.lines(name)
        assert len(values) <= 1 or name.lower() == "www-authenticate", (name, values)
        return values[0] if values else None

    def lines(self, name: str) -> list[str]:
        """The values of a header."""
        return [v.decode() for k, v in self.headers if k == name.lower().encode()]

    async def send(self, message: Message) -> None:
        """Take a message of the application, as a server does."""
        await trio.lowlevel.checkpoint()
        assert not self.ended, message
        self.messages.append(message)
        if message["type"] == "http.response.start":
            assert self.status == 0
            self.status = cast("int", message["status"])
            self.headers = list(cast("list[HeaderLine]", message.get("headers", [])))
        elif message["type"] == "http.response.body":
            self.body += cast("bytes", message.get("body", b""))
            self.ended = not message.get("more_body", False)


def http_scope(
    *,
    method: str = "GET",
    path: str = "/mcp",
    query_string: bytes = b"",
    headers: Sequence[HeaderLine] = (),
) -> Scope:
    """An ASGI scope as Hypercorn makes it."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query_string,
        "headers": list(headers),
    }


async def receive() -> Message:
    """A request without a body."""
    await trio.lowlevel.checkpoint()
    return {"type": "http.request", "body": b"", "more_body": False}


async def call(app: ASGIApp, scope: Scope) -> Reply:
    """Send one request and take the whole answer."""
    reply = Reply()
    await app(scope, receive, reply.send)
    return reply
