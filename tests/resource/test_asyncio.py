"""The guard on asyncio: the same answers, and streams that end with their token."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.resource import (
    AuthorityUnavailableError,
    BearerMiddleware,
    IntrospectedTokens,
    JwtTokens,
    RemoteKeys,
    ResourceServer,
    verified_token,
)
from tests.resource.asgi_calls import METADATA_URL, NOW, RESOURCE
from tests.support.challenges import parse_challenge
from tests.support.signing import signer

ISSUER = "https://as.example"
METADATA_PATH = "/.well-known/oauth-protected-resource/mcp"


@dataclass
class Remote:
    """An authorization server elsewhere, and the wall clock of this one."""

    active: bool = True
    down: bool = False
    time: int = NOW
    opened: anyio.Event = field(default_factory=anyio.Event)

    def now(self) -> int:
        return self.time

    async def introspect(self, token: str) -> Mapping[str, Json]:
        await anyio.lowlevel.checkpoint()
        if self.down:
            raise AuthorityUnavailableError("down")
        return {
            "active": self.active and token == "good",
            "iss": ISSUER,
            "aud": RESOURCE,
            "sub": "alice",
            "client_id": "client",
            "scope": "mcp",
            "iat": NOW,
            "exp": NOW + 60,
        }


def application(remote: Remote) -> Starlette:
    """A Starlette application behind the middleware."""

    async def whoami(request: Request) -> PlainTextResponse:
        return PlainTextResponse(verified_token(request.scope).user_id)

    async def tick(_: Request) -> StreamingResponse:
        async def ticks() -> AsyncIterator[bytes]:
            while True:
                yield b"."
                remote.opened.set()
                await anyio.lowlevel.checkpoint()

        return StreamingResponse(ticks(), media_type="text/event-stream")

    async def broken(_: Request) -> PlainTextResponse:
        raise RuntimeError("bug")

    async def health(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app = Starlette(
        routes=[
            Route("/mcp", whoami),
            Route("/mcp/ticks", tick),
            Route("/mcp/broken", broken),
            Route("/health", health),
            Route("/health/deep", health),
        ]
    )
    resource = ResourcePolicy(identifier=RESOURCE)
    tokens = IntrospectedTokens(remote.introspect, issuer=ISSUER, clock=remote)
    server = ResourceServer(
        resource,
        issuer=ISSUER,
        validate_token=tokens.validate_token,
        clock=remote,
    )
    app.add_middleware(BearerMiddleware, resource_server=server, public=("/health",))
    return app


def on_asyncio(work: Callable[[], Awaitable[None]]) -> None:
    """Run to the end on asyncio, within a bound."""

    async def bounded() -> None:
        with anyio.fail_after(30):
            await work()

    anyio.run(bounded, backend="asyncio")


def client_of(app: Starlette, token: str | None = "good") -> httpx2.AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="https://mcp.example",
        headers=headers,
    )


@pytest.mark.requirement("G-01", "G-03", "G-04", "G-07")
def test_a_good_token_passes_and_others_are_challenged() -> None:
    async def work() -> None:
        app = application(Remote())
        async with client_of(app) as http:
            answer = await http.get("/mcp")
            assert (answer.status_code, answer.text) == (200, "alice")
        async with client_of(app, None) as http:
            challenge = parse_challenge(
                (await http.get("/mcp")).headers.get_list("www-authenticate")[0]
            )
            assert challenge == {"scope": "mcp", "resource_metadata": METADATA_URL}
        async with client_of(app, "bad") as http:
            assert (await http.get("/mcp")).status_code == 401

    on_asyncio(work)


def test_a_fault_of_the_application_reaches_the_server_as_it_is() -> None:
    async def work() -> None:
        async with client_of(application(Remote())) as http:
            with pytest.raises(RuntimeError, match="bug"):
                await http.get("/mcp/broken")

    on_asyncio(work)


def test_only_what_is_public_needs_no_token() -> None:
    async def work() -> None:
        async with client_of(application(Remote()), None) as http:
            assert (await http.get("/health")).text == "ok"
            document = (await http.get(METADATA_PATH)).json()
            assert document["resource"] == RESOURCE
            assert document["authorization_servers"] == [ISSUER]
            for path in ("/health/deep", "/health/../mcp", "/nothing"):
                assert (await http.get(path)).status_code == 401

    on_asyncio(work)


def test_outside_of_the_resource_no_token_is_good_for_anything() -> None:
    async def work() -> None:
        async with client_of(application(Remote())) as http:
            assert (await http.get("/health/deep")).status_code == 401

    on_asyncio(work)


@pytest.mark.requirement("D-06")
def test_a_token_that_cannot_be_checked_is_answered_503() -> None:
    async def work() -> None:
        async with client_of(application(Remote(down=True))) as http:
            answer = await http.get("/mcp")
        assert answer.status_code == 503
        assert "www-authenticate" not in answer.headers

    on_asyncio(work)


@pytest.mark.requirement("G-14")
def test_a_stream_ends_when_its_token_expires() -> None:
    async def work() -> None:
        remote = Remote()
        # Expired from the next look at the clock on.
        remote.time = NOW + 59

        async with (
            client_of(application(remote)) as http,
            anyio.create_task_group() as tasks,
        ):

            async def expire() -> None:
                await remote.opened.wait()
                remote.time += 1

            tasks.start_soon(expire)
            answer = await http.get("/mcp/ticks")
        assert answer.status_code == 200
        assert answer.content.startswith(b".")

    on_asyncio(work)


def test_keys_are_asked_for_once_by_many_callers() -> None:
    async def work() -> None:
        key = signer()
        asked = 0

        async def fetch() -> Json:
            nonlocal asked
            asked += 1
            await anyio.lowlevel.checkpoint()
            return key.jwks()

        tokens = JwtTokens(ISSUER, RemoteKeys(fetch, clock=Remote()), clock=Remote())
        token = key.sign(
            {
                "iss": ISSUER,
                "aud": RESOURCE,
                "sub": "alice",
                "client_id": "client",
                "iat": NOW,
                "exp": NOW + 60,
            },
            typ="at+jwt",
        )
        found: list[str] = []

        async def check() -> None:
            info = await tokens.validate_token(RESOURCE, token)
            found.append("" if info is None else info.user_id)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(check)
        assert found == ["alice"] * 5
        assert asked == 1

    on_asyncio(work)
