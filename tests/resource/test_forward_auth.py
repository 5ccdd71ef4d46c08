"""Questions of reverse proxies: who is let through, and who says what is asked about."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.policy import ResourcePolicy
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import HeaderLine
from actor_oauth.resource.forward_auth import ForwardAuth
from actor_oauth.runtime import OverloadedError, TrioClock
from tests.resource.asgi_calls import (
    NOW,
    RESOURCE,
    Authority,
    Reply,
    call,
    http_scope,
    receive,
    token_info,
)
from tests.support.challenges import parse_challenge

OTHER = "https://mcp.example/other"
GOOD: HeaderLine = (b"authorization", b"Bearer good")


def forwarded(
    uri: bytes = b"/mcp", host: bytes = b"mcp.example", method: bytes = b"GET"
) -> list[HeaderLine]:
    """What a proxy says of the request that it asks about."""
    return [
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", host),
        (b"x-forwarded-method", method),
        (b"x-forwarded-uri", uri),
    ]


def check(authority: Authority | None = None) -> ForwardAuth:
    """For two resources."""
    resources = (
        ResourcePolicy(identifier=RESOURCE, scopes=("mcp", "mcp:write")),
        ResourcePolicy(identifier=OTHER),
    )
    validate = (authority or Authority()).validate_token
    clock = TrioClock(NOW)
    return ForwardAuth(
        [
            ResourceServer(
                item, issuer="https://as.example", validate_token=validate, clock=clock
            )
            for item in resources
        ]
    )


async def ask(
    headers: list[HeaderLine], query: bytes = b"", authority: Authority | None = None
) -> Reply:
    """Ask as a proxy does."""
    scope = http_scope(path="/auth/check", query_string=query, headers=headers)
    return await call(check(authority), scope)


@pytest.mark.requirement("G-01", "G-15")
async def test_a_good_token_passes_and_the_answer_says_whose_it_is() -> None:
    reply = await ask([GOOD, *forwarded(b"/mcp/deep?x=1", method=b"DELETE")])
    assert reply.status == 200
    names = ("subject", "principal", "client", "scope")
    told = {name: reply.header(f"x-auth-{name}") for name in names}
    assert told == {
        "subject": "alice",
        "principal": "user",
        "client": "client",
        "scope": "mcp",
    }
    assert reply.header("cache-control") == "no-store"


async def test_a_name_can_say_nothing_in_a_header_but_itself() -> None:
    info = replace(token_info(), user_id="a b%\r\nX-Auth-Scope: all é")
    reply = await ask([GOOD, *forwarded()], authority=Authority(info))
    assert reply.header("x-auth-subject") == "a b%25%0D%0AX-Auth-Scope: all %C3%A9"


@pytest.mark.requirement("G-03", "G-04", "G-07")
async def test_without_a_good_token_the_answer_is_the_guards_challenge() -> None:
    stranger = await ask(forwarded())
    assert stranger.status == 401
    challenge = parse_challenge(stranger.header("www-authenticate") or "")
    assert challenge["resource_metadata"].startswith("https://mcp.example/.well-known")
    assert "error" not in challenge
    bad = await ask([(b"authorization", b"Bearer bad"), *forwarded()])
    assert bad.status == 401
    busy = await ask(
        [GOOD, *forwarded()], authority=Authority(faults=[OverloadedError()])
    )
    assert busy.status == 503


@pytest.mark.requirement("G-06", "G-11")
@pytest.mark.parametrize(
    ("uri", "status"),
    [
        (b"/mcp", 200),
        (b"/mcp/", 200),
        (b"/mcp/x%2fy", 200),
        (b"/mcp/../mcp/x", 200),
        # Another resource, for which this token is not.
        (b"/other", 401),
        (b"/mcp/../other", 401),
        (b"/mcp/%2e%2e/other", 401),
        # Nothing that is protected.
        (b"/mcp-other", 403),
        (b"/", 403),
        (b"//mcp", 403),
        (b"mcp", 403),
        (b"/mcp/../secret", 403),
        (b"/mcp\\x", 403),
        (b"@evil.example/mcp", 403),
        # nginx serves `/other` for it, and asks with what the client wrote.
        (b"/mcp//../other", 403),
        (b"/mcp/..;/other", 403),
    ],
)
async def test_the_forwarded_address_decides_which_resource_is_asked_for(
    uri: bytes, status: int
) -> None:
    assert (await ask([GOOD, *forwarded(uri)])).status == status


@pytest.mark.requirement("G-08")
async def test_a_location_may_ask_for_more_scopes() -> None:
    reply = await ask([GOOD, *forwarded()], b"scope=mcp+mcp:write")
    assert reply.status == 403
    challenge = parse_challenge(reply.header("www-authenticate") or "")
    assert challenge["scope"] == "mcp mcp:write"
    enough = Authority(token_info(scope=("mcp", "mcp:write")))
    assert (await ask([GOOD, *forwarded()], b"scope=mcp:write", enough)).status == 200


async def test_the_operator_may_name_the_resource_in_the_url() -> None:
    named = b"resource=https%3A%2F%2Fmcp.example%2Fmcp"
    assert (await ask([GOOD], named)).status == 200
    # What the proxy says of the path must lie within.
    assert (await ask([GOOD, *forwarded(b"/mcp/x")], named)).status == 200
    assert (await ask([GOOD, *forwarded(b"/other")], named)).status == 401
    assert (await ask([GOOD], b"resource=https://evil.example")).status == 403
    assert (await ask([GOOD], named + b"&" + named)).status == 400


@pytest.mark.parametrize("missing", [0, 1, 3])
async def test_what_the_proxy_does_not_say_is_not_guessed(missing: int) -> None:
    headers = forwarded()
    del headers[missing]
    assert (await ask([GOOD, *headers])).status == 400


@pytest.mark.parametrize("index", range(4))
async def test_what_is_said_twice_is_refused(index: int) -> None:
    """A client's own header beside the proxy's, or one that a second proxy added."""
    headers = forwarded()
    assert (await ask([GOOD, *headers, headers[index]])).status == 400


@pytest.mark.requirement("G-02")
async def test_a_token_in_the_forwarded_query_is_none() -> None:
    assert (await ask(forwarded(b"/mcp?access_token=good"))).status == 401


async def test_a_preflight_is_no_yes() -> None:
    preflight = [
        (b"origin", b"https://page.example"),
        (b"access-control-request-method", b"POST"),
    ]
    headers = [*forwarded(method=b"OPTIONS"), *preflight]
    assert (await ask(headers)).status == 401
    assert (await ask([GOOD, *headers])).status == 200


async def test_a_websocket_is_refused() -> None:
    reply = Reply()
    await check()({"type": "websocket"}, receive, reply.send)
    assert reply.messages == [{"type": "websocket.close", "code": 1008}]
