"""The guard around small ASGI applications: what passes, and what is told otherwise."""

import json

import pytest

from actor_oauth.resource import BearerGuard, require_scopes, verified_token
from actor_oauth.resource.asgi import ASGIApp, HeaderLine, Message, Receive, Scope, Send
from actor_oauth.runtime import (
    ActorBrokenError,
    ActorError,
    NotDurableError,
    OverloadedError,
    StoppedError,
    StorageError,
    TrioClock,
)
from tests.resource.asgi_calls import (
    METADATA_URL,
    NOW,
    RESOURCE,
    Authority,
    Reply,
    call,
    http_scope,
    protection,
    receive,
    token_info,
)
from tests.support.challenges import parse_challenge

GOOD: HeaderLine = (b"authorization", b"Bearer good")


async def tell_user(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the user of the verified token."""
    info = verified_token(scope)
    start: Message = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-length", b"5"), (b"x-own", b"1")],
    }
    await send(start)
    assert start["headers"] == [(b"content-length", b"5"), (b"x-own", b"1")]
    await send({"type": "http.response.body", "body": info.user_id.encode()})


async def unreachable(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail the test: the guard let something through."""
    raise AssertionError("the guard let a request through")


def guarded(
    app: ASGIApp = unreachable,
    authority: Authority | None = None,
    *,
    resource: str = RESOURCE,
    required: tuple[str, ...] = ("mcp",),
) -> BearerGuard:
    return BearerGuard(
        app,
        protection=protection(resource, required),
        validate_token=(authority or Authority()).validate_token,
        clock=TrioClock(NOW),
    )


@pytest.mark.requirement("G-01", "G-05")
async def test_a_good_token_passes_and_the_application_sees_whose_it_is() -> None:
    authority = Authority()
    reply = await call(guarded(tell_user, authority), http_scope(headers=[GOOD]))
    assert (reply.status, reply.body, reply.ended) == (200, b"alice", True)
    assert authority.asked == [(RESOURCE, "good")]


@pytest.mark.requirement("G-01")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT"])
async def test_no_method_passes_without_a_token(method: str) -> None:
    reply = await call(guarded(), http_scope(method=method))
    assert reply.status == 401


@pytest.mark.requirement("G-03", "G-07", "G-17")
async def test_without_credentials_the_answer_says_where_to_get_them_and_no_error() -> (
    None
):
    reply = await call(guarded(), http_scope())
    assert reply.status == 401
    assert reply.header("cache-control") == "no-store"
    assert reply.header("content-type") == "application/json"
    assert reply.header("content-length") == str(len(reply.body))
    assert parse_challenge(reply.header("www-authenticate") or "") == {
        "scope": "mcp",
        "resource_metadata": METADATA_URL,
    }
    assert set(json.loads(reply.body)) == {"error", "error_description"}


@pytest.mark.requirement("G-04", "G-17")
@pytest.mark.parametrize(
    ("headers", "query", "status", "error"),
    [
        ([(b"authorization", b"Bearer bad")], b"", 401, "invalid_token"),
        ([(b"authorization", b'Bearer "')], b"", 401, "invalid_token"),
        ([GOOD, GOOD], b"", 400, "invalid_request"),
        ([GOOD, (b"Authorization", b"Bearer bad")], b"", 400, "invalid_request"),
        ([GOOD], b"access_token=good", 400, "invalid_request"),
    ],
)
async def test_bad_credentials_are_named_in_challenge_and_body(
    headers: list[HeaderLine], query: bytes, status: int, error: str
) -> None:
    reply = await call(guarded(), http_scope(headers=headers, query_string=query))
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    body = json.loads(reply.body)
    assert reply.status == status
    assert challenge["error"] == body["error"] == error
    assert challenge["error_description"] == body["error_description"]
    assert challenge["resource_metadata"] == METADATA_URL


@pytest.mark.requirement("G-02")
async def test_a_token_in_query_or_cookie_opens_nothing() -> None:
    authority = Authority()
    scope = http_scope(
        query_string=b"access_token=good", headers=[(b"cookie", b"access_token=good")]
    )
    reply = await call(guarded(authority=authority), scope)
    assert reply.status == 401
    assert authority.asked == []


@pytest.mark.requirement("G-08")
async def test_a_token_without_the_scope_gets_403_and_a_step_up_challenge() -> None:
    guard = guarded(required=("mcp", "admin"))
    reply = await call(guard, http_scope(headers=[GOOD]))
    assert reply.status == 403
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    assert challenge["error"] == "insufficient_scope"
    assert challenge["scope"] == "mcp admin"
    assert challenge["resource_metadata"] == METADATA_URL


@pytest.mark.requirement("G-08")
@pytest.mark.parametrize(
    ("needed", "status"), [(("mcp",), 200), ((), 200), (("mcp", "admin"), 403)]
)
async def test_an_operation_may_need_more_scopes_than_its_guard(
    needed: tuple[str, ...], status: int
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = require_scopes(scope, *needed)
        await (refusal or tell_user)(scope, receive, send)

    reply = await call(guarded(app), http_scope(headers=[GOOD]))
    assert reply.status == status
    if status == 403:
        challenge = parse_challenge(reply.header("www-authenticate") or "")
        assert challenge["scope"] == "mcp admin"


@pytest.mark.requirement("G-04")
@pytest.mark.parametrize(
    "fault",
    [
        OverloadedError("x"),
        StoppedError("x"),
        ActorBrokenError("x"),
        StorageError("x"),
        NotDurableError("x"),
    ],
)
async def test_a_check_that_cannot_be_made_is_503_and_never_401(
    fault: ActorError,
) -> None:
    guard = guarded(authority=Authority(faults=[fault]))
    reply = await call(guard, http_scope(headers=[GOOD]))
    assert reply.status == 503
    assert reply.header("retry-after") == "1"
    assert reply.header("www-authenticate") is None
    assert reply.header("access-control-allow-origin") == "*"
    assert json.loads(reply.body)["error"] == "temporarily_unavailable"


@pytest.mark.requirement("G-14")
async def test_every_request_is_checked_anew() -> None:
    authority = Authority()
    guard = guarded(tell_user, authority)
    assert (await call(guard, http_scope(headers=[GOOD]))).status == 200
    authority.info = None
    assert (await call(guard, http_scope(headers=[GOOD]))).status == 401


@pytest.mark.requirement("G-16")
async def test_a_rebound_page_is_refused_before_its_token_is_looked_at() -> None:
    authority = Authority()
    guard = guarded(authority=authority, resource="http://127.0.0.1:8000/mcp")
    for headers in (
        [(b"host", b"evil.example:8000"), GOOD],
        [(b"host", b"127.0.0.1:8000"), (b"origin", b"https://evil.example"), GOOD],
    ):
        reply = await call(guard, http_scope(headers=headers))
        assert reply.status == 403
        assert reply.header("access-control-allow-origin") is None
        assert reply.header("www-authenticate") is None
    assert authority.asked == []


@pytest.mark.requirement("G-16", "J-14")
async def test_a_foreign_pages_preflight_to_a_local_server_is_refused() -> None:
    guard = guarded(resource="http://127.0.0.1:8000/mcp")
    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", b"https://evil.example")]
    reply = await call(guard, http_scope(method="OPTIONS", headers=headers))
    assert reply.status == 403


@pytest.mark.requirement("J-14", "J-15")
async def test_a_preflight_needs_no_token() -> None:
    scope = http_scope(
        method="OPTIONS",
        headers=[
            (b"origin", b"https://app.example"),
            (b"access-control-request-method", b"POST"),
        ],
    )
    reply = await call(guarded(), scope)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("content-length") is None
    assert reply.header("access-control-allow-origin") == "*"
    assert reply.header("access-control-allow-methods") == "GET, POST"
    assert reply.header("access-control-max-age") is not None
    assert reply.header("access-control-allow-credentials") is None
    allowed = (reply.header("access-control-allow-headers") or "").split(", ")
    assert {
        "Authorization",
        "Content-Type",
        "DPoP",
        "MCP-Protocol-Version",
        "Mcp-Session-Id",
        "Last-Event-ID",
        "Mcp-Method",
        "Mcp-Name",
    } <= set(allowed)


@pytest.mark.requirement("J-16", "J-17")
@pytest.mark.parametrize("header", [GOOD, (b"authorization", b"Bearer bad")])
async def test_pages_of_other_sites_can_read_answers_and_challenges(
    header: HeaderLine,
) -> None:
    reply = await call(guarded(tell_user), http_scope(headers=[header]))
    assert reply.header("access-control-allow-origin") == "*"
    exposed = (reply.header("access-control-expose-headers") or "").split(", ")
    assert {"WWW-Authenticate", "DPoP-Nonce", "Retry-After", "Mcp-Session-Id"} == set(
        exposed
    )
    assert reply.header("access-control-allow-credentials") is None


@pytest.mark.requirement("J-16")
async def test_what_the_application_decided_about_cors_stands() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        own = [(b"Access-Control-Allow-Origin", b"https://app.example")]
        await send({"type": "http.response.start", "status": 204, "headers": own})
        await send({"type": "http.response.body"})

    reply = await call(guarded(app), http_scope(headers=[GOOD]))
    assert [v for k, v in reply.headers if k.lower() == b"access-control-allow-origin"]
    assert reply.header("access-control-allow-origin") is None


async def test_a_fault_of_the_application_reaches_the_server_as_it_is() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await call(guarded(app), http_scope(headers=[GOOD]))


async def test_a_bug_in_the_check_is_not_taken_for_a_bad_token() -> None:
    authority = Authority(faults=[ZeroDivisionError("a bug")])
    with pytest.raises(ZeroDivisionError):
        await call(guarded(authority=authority), http_scope(headers=[GOOD]))


async def test_lifespan_goes_through_to_the_application() -> None:
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await guarded(app)({"type": "lifespan"}, receive, Reply().send)
    assert seen == ["lifespan"]


@pytest.mark.requirement("G-01")
async def test_a_websocket_is_refused_even_with_a_token() -> None:
    reply = Reply()
    await guarded()({"type": "websocket", "headers": [GOOD]}, receive, reply.send)
    assert reply.messages == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.requirement("G-04", "G-05")
async def test_an_expired_token_is_refused_even_if_the_authority_lets_it_through() -> (
    None
):
    authority = Authority(info=token_info(expires_at=NOW))
    reply = await call(guarded(authority=authority), http_scope(headers=[GOOD]))
    assert reply.status == 401
