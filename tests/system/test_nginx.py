"""The documented nginx, for real: what passes, and what a client cannot forge."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx2
import pytest
import trio

from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.resource.asgi import HeaderLine, Receive, Scope, Send
from tests.mcp.protected_server import serving
from tests.oauth.test_challenge import parse_challenge
from tests.support.made_grants import make_grants
from tests.support.ports import free_port
from tests.support.programs import find_program
from tests.support.server_process import serving as provider_serving

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reverse-proxy.md"

pytestmark = pytest.mark.needs("nginx")

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def documented(port: int, provider: str, backend: str, query: str) -> str:
    """The snippet of the page, at these addresses, with a query in its question."""
    page = PAGE.read_text().partition("<!-- nginx -->")[2].partition("<!-- /nginx -->")
    snippet = page[0].strip().removeprefix("```nginx").removesuffix("```")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("/auth/check;", f"/auth/check{query};"),
        ("http://127.0.0.1:8000", provider),
        ("http://127.0.0.1:8001", backend),
    ):
        assert there in snippet
        snippet = snippet.replace(there, here)
    return snippet


@contextmanager
def nginx(folder: Path, server: str) -> Iterator[None]:
    """Run nginx with one server."""
    program = find_program("nginx")
    assert program is not None
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, server=server))
    with subprocess.Popen(
        [str(program), "-p", str(folder), "-c", str(file)]
    ) as process:
        try:
            yield
        finally:
            process.terminate()


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
    """The application behind nginx, and tokens for it."""

    url: str
    reader: str
    metadata: str


@asynccontextmanager
async def proxied(folder: Path, query: str = "") -> AsyncIterator[Proxied]:
    """Run the provider, the application and nginx in front of both."""
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
            with nginx(folder, documented(port, provider.url, backend, query)):
                await listening(url)
                yield Proxied(f"{url}/notes", tokens.access_token, provider.url)


async def listening(url: str) -> None:
    """Wait until somebody does."""
    with trio.fail_after(30):
        async with httpx2.AsyncClient() as http:
            while True:
                try:
                    await http.get(url)
                except httpx2.ConnectError:
                    # Another process: there is no event to wait for.
                    await trio.sleep(0.05)
                else:
                    return


@pytest.mark.requirement("G-01", "G-03", "G-07", "G-08", "G-11")
async def test_the_documented_nginx_lets_through_whom_the_guard_would(
    tmp_path: Path,
) -> None:
    async with proxied(tmp_path) as app, httpx2.AsyncClient() as http:
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

        bad = await http.get(app.url, headers={"Authorization": "Bearer bad"})
        assert bad.status_code == 401
        assert 'error="invalid_token"' in bad.headers["www-authenticate"]


@pytest.mark.requirement("G-08")
async def test_nginx_hands_on_the_challenge_of_a_location_that_wants_more_scopes(
    tmp_path: Path,
) -> None:
    query = "?scope=notes+notes:write"
    async with proxied(tmp_path, query) as app, httpx2.AsyncClient() as http:
        bearer = {"Authorization": f"Bearer {app.reader}"}
        answer = await http.get(app.url, headers=bearer)
        assert answer.status_code == 403
        challenge = parse_challenge(answer.headers["www-authenticate"])
        assert challenge["error"] == "insufficient_scope"
        assert challenge["scope"] == "notes notes:write"
