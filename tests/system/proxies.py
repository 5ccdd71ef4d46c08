"""An application behind a documented reverse proxy: what passes, and what nobody can forge."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import httpx2
import trio

from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.resource.asgi import HeaderLine, Receive, Scope, Send
from tests.mcp.protected_server import serving
from tests.support.challenges import parse_challenge
from tests.support.made_grants import make_grants
from tests.support.ports import free_port
from tests.support.server_process import serving as provider_serving

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reverse-proxy.md"


@dataclass(frozen=True)
class Places:
    """Where everything is: the port of the proxy, and URLs of the others.

    Attributes:
        query: Of the proxy's question, with its `?`, or empty.
    """

    port: int
    provider: str
    backend: str
    query: str = ""


Proxy: TypeAlias = Callable[[Path, Places], AbstractContextManager[None]]
"""Runs a proxy."""


def documented(name: str, *places: tuple[str, str]) -> str:
    """The page's snippet of this name, with its addresses replaced by ours."""
    page = PAGE.read_text().partition(f"<!-- {name} -->")[2]
    snippet = page.partition(f"<!-- /{name} -->")[0].strip()
    snippet = snippet.partition("\n")[2].removesuffix("```")
    for there, here in places:
        assert there in snippet
        snippet = snippet.replace(there, here)
    return snippet


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The application: tells which headers it got, knowing nothing of tokens."""
    assert scope["type"] == "http", "this application has no lifespan"
    headers = cast("list[HeaderLine]", scope["headers"])
    seen = {name.decode(): value.decode() for name, value in headers}
    body = json.dumps({"path": scope["path"], "headers": seen}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Proxied:
    """The application behind a proxy, and a token for it."""

    url: str
    reader: str
    metadata: str


@asynccontextmanager
async def proxied(
    folder: Path, proxy: Proxy, query: str = ""
) -> AsyncIterator[Proxied]:
    """Run the provider, the application and a proxy in front of both.

    Args:
        folder: For files of all of them.
        proxy: Which one.
        query: Of its question.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    resource = {
        "identifier": f"{url}/notes",
        "scopes": ["notes", "notes:write"],
        "default_scopes": ["notes"],
    }
    variables = {
        "ACTOR_OAUTH_RESOURCES": json.dumps([resource]),
        "ACTOR_OAUTH_AUTH_CHECK_ENABLED": "true",
        "ACTOR_OAUTH_TRUSTED_PROXY_HOPS": "1",
    }
    data = folder / "data"
    with provider_serving(data, environment=variables) as provider:
        settings = Settings(
            data=data,
            issuer=provider.url,
            resources=(ResourceSettings.model_validate(resource),),
        )
        _, [tokens] = await make_grants(settings, 1)
        async with serving(echo) as backend:
            with proxy(folder, Places(port, provider.url, backend, query)):
                await listening(url)
                yield Proxied(f"{url}/notes", tokens.access_token, provider.url)


async def listening(url: str) -> None:
    """Wait until somebody does."""
    with trio.fail_after(30):
        async with httpx2.AsyncClient(timeout=60) as http:
            while True:
                try:
                    await http.get(url)
                except httpx2.ConnectError:
                    # Another process: there is no event to wait for.
                    await trio.sleep(0.05)
                else:
                    return


async def check_who_passes(folder: Path, proxy: Proxy) -> None:
    """Whom the guard would let through passes, and no other; forged headers do not."""
    async with proxied(folder, proxy) as app, httpx2.AsyncClient(timeout=60) as http:
        stranger = await http.get(app.url)
        assert stranger.status_code == 401
        challenge = parse_challenge(stranger.headers.get_list("www-authenticate")[0])
        document = (await http.get(challenge["resource_metadata"])).json()
        assert document["resource"] == app.url
        assert document["authorization_servers"] == [app.metadata]

        bearer = {"Authorization": f"Bearer {app.reader}"}
        forged = {
            **bearer,
            "X-Auth-Subject": "admin",
            "X-Auth-Scope": "everything",
            # The same names to an application under WSGI, CGI or PHP.
            "X_Auth_Subject": "admin",
            "x-auth_scope": "everything",
            "X_Auth-Client": "another",
            "X-Forwarded-Uri": "/elsewhere",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
        }
        for headers in (bearer, forged):
            answer = await http.post(f"{app.url}/1?x=2", content=b"y", headers=headers)
            assert answer.status_code == 200, answer.text
            seen = answer.json()["headers"]
            assert answer.json()["path"] == "/notes/1"
            assert (seen["x-auth-subject"], seen["x-auth-scope"]) == ("user0", "notes")
            assert seen["x-auth-principal"] == "user"
            assert "authorization" not in seen
            assert not any("_" in name for name in seen)

        # A proxy goes by the request line. Another resource's name in `Host` must not
        # have the question be about that one.
        elsewhere = await ask_for("http://other.example/notes", app)
        assert b'"path"' not in elsewhere
        assert b'"path"' in await ask_for(app.url, app)

        bad = await http.get(app.url, headers={"Authorization": "Bearer bad"})
        assert bad.status_code == 401
        assert 'error="invalid_token"' in bad.headers["www-authenticate"]


async def ask_for(url: str, app: Proxied) -> bytes:
    """Send a good token with a request line that holds a whole URL; gives the answer."""
    authority = app.url.partition("://")[2].partition("/")[0]
    host, _, port = authority.rpartition(":")
    lines = (
        f"GET {url} HTTP/1.1",
        f"Host: {authority}",
        f"Authorization: Bearer {app.reader}",
        "Connection: close",
    )
    answer = b""
    with trio.fail_after(30):
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all("\r\n".join((*lines, "", "")).encode())
            async for chunk in stream:
                answer += chunk
    return answer


async def check_step_up(folder: Path, proxy: Proxy) -> None:
    """A location that wants more scopes hands on the challenge."""
    query = "?scope=notes+notes:write"
    async with (
        proxied(folder, proxy, query) as app,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        bearer = {"Authorization": f"Bearer {app.reader}"}
        answer = await http.get(app.url, headers=bearer)
        assert answer.status_code == 403
        challenge = parse_challenge(answer.headers["www-authenticate"])
        assert challenge["error"] == "insufficient_scope"
        assert challenge["scope"] == "notes notes:write"
