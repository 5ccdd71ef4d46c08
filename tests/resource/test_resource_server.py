"""The resource server as one object: guard, metadata document, step-up challenge."""

import json
from dataclasses import replace

import pytest

from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Refused
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import Receive, Scope, Send
from actor_oauth.runtime import TrioClock
from tests.resource.asgi_calls import (
    METADATA_URL,
    NOW,
    RESOURCE,
    Authority,
    call,
    http_scope,
    token_info,
)
from tests.support.challenges import parse_challenge

POLICY = Policy(
    issuer="https://as.example",
    resources=(
        ResourcePolicy(
            identifier=RESOURCE,
            scopes=("mcp", "admin"),
            default_scopes=("mcp",),
            name="Notes",
        ),
    ),
)
GOOD = (b"authorization", b"Bearer good")


def _server(authority: Authority | None = None) -> ResourceServer:
    return ResourceServer(
        POLICY.resources[0],
        issuer=POLICY.issuer,
        validate_token=(authority or Authority()).validate_token,
        implied_scopes={"admin": ("mcp",)},
        clock=TrioClock(NOW),
    )


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a greeting."""
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.requirement("G-07", "A-10")
async def test_the_guard_sends_clients_to_the_metadata_document_it_serves() -> None:
    server = _server()
    reply = await call(server.guard(greet), http_scope())
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    assert challenge["resource_metadata"] == server.metadata_url == METADATA_URL
    assert challenge["scope"] == "mcp"


@pytest.mark.requirement("A-11", "A-13", "A-18")
async def test_the_metadata_document_is_served_without_credentials() -> None:
    reply = await call(_server().metadata_app(), http_scope())
    assert reply.status == 200
    assert reply.header("content-type") == "application/json"
    assert reply.header("access-control-allow-origin") == "*"
    assert "public" in (reply.header("cache-control") or "")
    assert json.loads(reply.body) == {
        "resource": RESOURCE,
        "authorization_servers": ["https://as.example"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["mcp"],
        "resource_name": "Notes",
    }


@pytest.mark.requirement("A-18")
async def test_the_metadata_document_is_revalidated_by_its_tag() -> None:
    app = _server().metadata_app()
    first = await call(app, http_scope(method="HEAD"))
    tag = (first.header("etag") or "").encode()
    again = await call(app, http_scope(headers=[(b"if-none-match", tag)]))
    assert (again.status, again.body) == (304, b"")


@pytest.mark.requirement("A-18", "J-14")
async def test_the_metadata_document_can_be_preflighted_but_not_posted() -> None:
    app = _server().metadata_app()
    assert (await call(app, http_scope(method="OPTIONS"))).status == 204
    posted = await call(app, http_scope(method="POST"))
    assert posted.status == 405
    assert posted.header("allow") == "GET, HEAD, OPTIONS"


@pytest.mark.requirement("G-09")
async def test_a_wider_scope_passes_where_one_that_it_implies_is_required() -> None:
    authority = Authority(info=token_info(scope=("admin",)))
    reply = await call(_server(authority).guard(greet), http_scope(headers=[GOOD]))
    assert (reply.status, reply.body) == (200, b"hello")


@pytest.mark.requirement("G-08")
async def test_an_application_can_ask_for_more_scope_than_its_guard_requires() -> None:
    server = _server()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await server.insufficient_scope("mcp", "admin")(scope, receive, send)

    reply = await call(server.guard(app), http_scope(headers=[GOOD]))
    assert reply.status == 403
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    assert challenge["error"] == "insufficient_scope"
    assert challenge["scope"] == "mcp admin"
    assert challenge["resource_metadata"] == METADATA_URL


@pytest.mark.requirement("G-07", "G-08")
async def test_who_asks_for_the_baseline_is_not_refused_for_want_of_a_scope() -> None:
    guard = _server().guard(greet, required_scopes=("admin",))
    reply = await call(guard, http_scope())
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    assert challenge["scope"] == "mcp admin"


async def test_a_guard_may_ask_for_no_scope_at_all() -> None:
    authority = Authority(info=token_info(scope=()))
    guard = _server(authority).guard(greet, required_scopes=())
    assert (await call(guard, http_scope(headers=[GOOD]))).status == 200


@pytest.mark.requirement("A-13", "G-05", "G-07")
async def test_what_a_resource_requires_stands_in_metadata_challenge_and_guard() -> (
    None
):
    resource = replace(POLICY.resources[0], required_scopes=("admin",))
    authority = Authority()
    server = ResourceServer(
        resource,
        issuer=POLICY.issuer,
        validate_token=authority.validate_token,
        clock=TrioClock(NOW),
    )
    assert server.metadata["scopes_supported"] == ["mcp", "admin"]
    first = await call(server.guard(greet), http_scope())
    challenge = parse_challenge(first.header("www-authenticate") or "")
    assert challenge["scope"] == "mcp admin"
    # A token with no more than the default scope.
    refused = await call(server.guard(greet), http_scope(headers=[GOOD]))
    assert refused.status == 403
    challenge = parse_challenge(refused.header("www-authenticate") or "")
    assert challenge["scope"] == "admin"
    authority.info = token_info(scope=("mcp", "admin"))
    assert (await call(server.guard(greet), http_scope(headers=[GOOD]))).status == 200


@pytest.mark.requirement("G-08", "F-12")
async def test_a_step_up_names_what_everybody_needs_and_is_told_to_the_observer() -> (
    None
):
    told: list[tuple[str, int, str | None]] = []

    def hear(refused: Refused, status: int, client_id: str | None) -> None:
        told.append((str(refused.reason), status, client_id))

    resource = replace(POLICY.resources[0], required_scopes=("mcp",))
    server = ResourceServer(
        resource,
        issuer=POLICY.issuer,
        validate_token=Authority().validate_token,
        on_refusal=hear,
    )
    token = replace(token_info(), jkt="thumbprint")
    answer = server.insufficient_scope("admin", token=token)
    lines = [value for name, value in answer.headers if name == b"www-authenticate"]
    assert len(lines) == 1
    assert lines[0].startswith(b"DPoP ")
    assert b'scope="mcp admin"' in lines[0]
    assert told == [("access_token_scope", 403, "client")]


@pytest.mark.requirement("G-10")
async def test_a_scope_that_cannot_stand_in_a_challenge_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="challenge"):
        _server().guard(greet, required_scopes=('mcp"',))
