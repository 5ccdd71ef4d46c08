"""Applications behind a provider's guard, as their callers see them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.actors.callbacks import Callbacks, ExternalToken, ObservedError
from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.oauth.scopes import Scope as TokenScope
from actor_oauth.provider import Provider
from actor_oauth.resource import require_scopes, verified_token
from actor_oauth.resource.asgi import Receive, Scope, Send
from actor_oauth.runtime import SystemClock

ORIGIN = "http://127.0.0.1:8000"
RESOURCE = f"{ORIGIN}/mcp"


async def notes(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who asks; deleting takes one scope more."""
    refused = (
        require_scopes(scope, "mcp", "write") if scope["method"] == "DELETE" else None
    )
    if refused is not None:
        await refused(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = verified_token(scope).user_id.encode()
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def provider(
    data: Path, callbacks: Callbacks
) -> AsyncIterator[httpx2.AsyncClient]:
    resource = ResourceSettings(
        identifier=RESOURCE, scopes=("mcp", "write"), default_scopes=("mcp",)
    )
    settings = Settings(data=data, resources=(resource,))
    served = Provider(settings, callbacks=callbacks)
    served.protect(notes, path="/mcp")
    async with served.open() as running:
        transport = httpx2.ASGITransport(running.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def foreign_token(resource: str) -> ExternalToken:
    return ExternalToken(
        user_id="ada",
        client_id="elsewhere",
        scope=TokenScope(("mcp",)),
        resource=resource,
        expires_at=SystemClock().now() + 600,
    )


async def resolve(token: str, resource: str) -> ExternalToken | None:
    if token == "broken":
        raise RuntimeError("the other server is down, and knows the secret")
    if token == "slow":
        await trio.sleep_forever()
    return foreign_token(resource) if token == "foreign" else None


@pytest.mark.parametrize("issuer", [ORIGIN, f"{ORIGIN}/", f"{ORIGIN}/tenant"])
async def test_the_example_server_is_below_the_issuer(
    tmp_path: Path, issuer: str
) -> None:
    settings = Settings(data=tmp_path, issuer=issuer)
    served = Provider(settings)
    served.protect_demo()
    url = issuer.removesuffix("/") + "/mcp"
    async with served.open() as running:
        transport = httpx2.ASGITransport(running.app)
        async with httpx2.AsyncClient(transport=transport) as client:
            refused = await client.post(url)
            challenge = refused.headers.get_list("www-authenticate")[0]
            document = await client.get(challenge.rpartition('="')[2].strip('"'))
    assert refused.status_code == 401
    assert document.json()["resource"] == url
    assert document.json()["authorization_servers"] == [issuer]


@pytest.mark.requirement("D-06", "G-04")
async def test_a_token_that_could_not_be_resolved_is_not_called_bad(
    tmp_path: Path, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    callbacks = Callbacks(resolve_external_token=resolve)
    async with provider(tmp_path, callbacks) as client:
        assert (await client.get("/mcp", headers=bearer("foreign"))).text == "ada"
        unknown = await client.get("/mcp", headers=bearer("unknown"))
        assert unknown.status_code == 401
        for token in ("broken", "slow"):
            answer = await client.get("/mcp", headers=bearer(token))
            # Clients throw tokens away on 401, and wait on 503.
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert "www-authenticate" not in answer.headers
            assert answer.json()["error"] == "temporarily_unavailable"
    logged = capsys.readouterr()
    assert "knows the secret" not in logged.out + logged.err


async def test_the_observer_hears_of_what_the_guard_refuses(tmp_path: Path) -> None:
    told: list[ObservedError] = []

    async def on_error(error: ObservedError) -> None:
        told.append(error)

    callbacks = Callbacks(resolve_external_token=resolve, on_error=on_error)
    async with provider(tmp_path, callbacks) as client:
        await client.get("/mcp")
        await client.get("/mcp", headers=bearer("?"))
        await client.get("/mcp", headers=bearer("unknown"))
        await client.get("/mcp?access_token=x", headers=bearer("foreign"))
        await client.get("/mcp", headers={"Origin": "https://evil.example"})
        await client.get("/mcp", headers={"Authorization": "DPoP foreign"})
        await client.delete("/mcp", headers=bearer("foreign"))
        await client.get("/mcp", headers=bearer("broken"))
        await client.get("/mcp", headers=bearer("foreign"))
        await wait_all_tasks_blocked(0.001)
    assert {error.endpoint for error in told} == {"guard"}
    found = [(e.reason, e.category, e.status, e.client_id) for e in told]
    assert sorted(found, key=str) == sorted(
        [
            ("credentials_missing", "unauthenticated", 401, None),
            ("credentials_malformed", "invalid_token", 401, None),
            ("access_token_unknown", "access_token", 401, None),
            ("credentials_several", "invalid_request", 400, None),
            ("origin_foreign", "access_denied", 403, None),
            ("access_token_binding", "access_token", 401, "elsewhere"),
            ("access_token_scope", "insufficient_scope", 403, "elsewhere"),
            ("overloaded", "temporarily_unavailable", 503, None),
        ],
        key=str,
    )
    details = {error.detail for error in told}
    assert details == {None, "ResolverUnavailableError"}


async def front_end(scope: Scope, receive: Receive, send: Send) -> None:
    """Say which path was asked for."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(scope["path"]).encode()})


async def test_an_application_for_anybody_stands_beside_the_guarded_ones(
    tmp_path: Path,
) -> None:
    served = Provider(Settings(data=tmp_path))
    served.mount(front_end, path="/mcp/about/")
    served.mount(front_end, path="/app")
    served.protect(notes, path="/mcp")
    async with served.open() as running:
        transport = httpx2.ASGITransport(running.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            for path in ("/app", "/app/sign-in", "/mcp/about"):
                answer = await client.get(path)
                assert (answer.status_code, answer.text) == (200, path)
            assert (await client.get("/apps")).status_code == 404
            assert (await client.get("/mcp")).status_code == 401
