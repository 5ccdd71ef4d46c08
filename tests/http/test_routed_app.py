"""The ASGI core: limits, methods, media types, CORS, and what becomes of faults."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
import structlog
import trio
import trio.testing
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from actor_oauth.http.asgi import BodyLimits, Route, RoutedApp
from actor_oauth.http.messages import Endpoint, Request, Response
from actor_oauth.http.render import private_json
from actor_oauth.oauth.wire import Reason
from actor_oauth.runtime.errors import (
    ActorBrokenError,
    ActorError,
    OverloadedError,
    StorageError,
)

FORM = b"application/x-www-form-urlencoded"
FORM_HEADERS = [(b"content-type", FORM)]


async def echo(request: Request) -> Response:
    return private_json({"body": request.body.decode(), "method": request.method})


async def nothing(_request: Request) -> Response:
    return Response(status=404)


async def pages(
    _scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"page", "more_body": False})


def raising(fault: BaseException) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        raise fault

    return endpoint


def routed(
    endpoint: Endpoint = echo, *, method: str = "POST", cors: bool = True
) -> RoutedApp:
    media_type = FORM if method == "POST" else None
    route = Route(endpoint=endpoint, method=method, media_type=media_type, cors=cors)
    return RoutedApp(
        {"/here": route},
        pages,
        unknown_document=Route(endpoint=nothing, method="GET"),
        limits=BodyLimits(size=100, seconds=5.0),
        headers=[(b"x-everywhere", b"1")],
    )


class Answer:
    """What the application sent."""

    status = 0
    headers: dict[bytes, bytes]
    body = b""
    sent = 0

    @property
    def json(self) -> dict[str, str]:
        members: dict[str, str] = json.loads(self.body)
        return members


async def call(
    app: RoutedApp,
    *,
    method: str = "POST",
    path: str = "/here",
    headers: Sequence[tuple[bytes, bytes]] = FORM_HEADERS,
    events: Sequence[dict[str, object]] = ({"type": "http.request", "body": b"a=b"},),
    then_hang: bool = False,
) -> Answer:
    answer = Answer()
    waiting = list(events)

    async def receive() -> Mapping[str, object]:
        if not waiting and then_hang:
            await trio.sleep_forever()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: ASGISendEvent) -> None:
        answer.sent += 1
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = dict(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message["body"]

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "query_string": b"",
        "client": ("192.0.2.1", 1),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]  # a scope cut to what is read
    return answer


async def test_an_endpoint_gets_the_whole_body() -> None:
    chunks = [
        {"type": "http.request", "body": b"a=", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": False},
    ]

    answer = await call(routed(), events=chunks)

    assert (answer.status, answer.json["body"]) == (200, "a=b")
    assert answer.headers[b"content-length"] == b"%d" % len(answer.body)
    assert answer.headers[b"x-everywhere"] == b"1"


@pytest.mark.parametrize(
    ("announced", "status"),
    [
        ([(b"content-length", b"3")], 200),
        ([(b"content-length", b"4")], 408),
        ([(b"content-length", b"3"), (b"transfer-encoding", b"chunked")], 408),
        ([], 408),
    ],
)
async def test_a_body_is_whole_once_the_announced_bytes_are_here(
    announced: list[tuple[bytes, bytes]],
    status: int,
    autojump_clock: trio.testing.MockClock,
) -> None:
    begun = [
        {"type": "http.request", "body": b"a=", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": True},
    ]

    answer = await call(
        routed(), headers=[*FORM_HEADERS, *announced], events=begun, then_hang=True
    )

    assert answer.status == status


async def test_any_other_path_goes_to_the_pages() -> None:
    assert (await call(routed(), path="/elsewhere")).status == 299
    assert (await call(routed(), path="/here/")).status == 299


async def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    chunks = [{"type": "http.request", "body": b"x" * 60, "more_body": True}] * 3

    answer = await call(routed(), events=chunks, then_hang=True)

    assert (answer.status, answer.json["error"]) == (413, "invalid_request")


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    whole = [{"type": "http.request", "body": b"x" * 100, "more_body": False}]

    assert (await call(routed(), events=whole)).status == 200


async def test_a_body_that_never_ends_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    started = trio.current_time()
    begun = [{"type": "http.request", "body": b"a", "more_body": True}]

    answer = await call(routed(), events=begun, then_hang=True)

    assert (answer.status, answer.json["error"]) == (408, "invalid_request")
    assert trio.current_time() - started == 5.0


async def test_a_client_that_goes_away_early_gets_no_answer_and_starts_nothing() -> (
    None
):
    begun = [{"type": "http.request", "body": b"a", "more_body": True}]

    answer = await call(routed(raising(AssertionError("must not run"))), events=begun)

    assert answer.sent == 0


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "QUERY"])
async def test_another_method_is_told_which_are_allowed(method: str) -> None:
    answer = await call(routed(), method=method)

    assert answer.status == 405
    assert answer.headers[b"allow"] == b"POST, OPTIONS"
    assert method == "HEAD" or answer.json["error"] == "invalid_request"


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"application/json")],
        [(b"content-type", b"multipart/form-data; boundary=x")],
        [(b"content-type", b"application/x-www-form-urlencoded-too")],
        [(b"content-type", b"text/plain; application/x-www-form-urlencoded")],
        [(b"content-type", b"")],
        FORM_HEADERS * 2,
    ],
)
async def test_another_media_type_is_refused(
    headers: list[tuple[bytes, bytes]],
) -> None:
    answer = await call(routed(), headers=headers)

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize(
    "value", [FORM + b"; charset=utf-8", FORM.upper(), b" " + FORM + b" ;x"]
)
async def test_parameters_and_case_of_the_media_type_do_not_matter(
    value: bytes,
) -> None:
    assert (await call(routed(), headers=[(b"content-type", value)])).status == 200


async def test_head_has_the_headers_of_get_and_no_body() -> None:
    app = routed(method="GET")
    whole = await call(app, method="GET")

    answer = await call(app, method="HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers[b"content-length"]) >= len(whole.body)


@pytest.mark.requirement("J-14", "J-15")
async def test_a_preflight_needs_nothing_and_names_each_header() -> None:
    answer = await call(routed(), method="OPTIONS", headers=[])

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers[b"access-control-allow-origin"] == b"*"
    assert answer.headers[b"access-control-allow-methods"] == b"POST, OPTIONS"
    assert int(answer.headers[b"access-control-max-age"]) > 0
    allowed = answer.headers[b"access-control-allow-headers"].decode().split(", ")
    assert allowed == [
        "Authorization",
        "Content-Type",
        "DPoP",
        "MCP-Protocol-Version",
        "Mcp-Session-Id",
        "Last-Event-ID",
        "Mcp-Method",
        "Mcp-Name",
    ]
    assert b"access-control-allow-credentials" not in answer.headers
    assert b"content-length" not in answer.headers


@pytest.mark.requirement("J-13")
async def test_a_route_without_cors_never_mentions_it() -> None:
    for method in ("OPTIONS", "POST"):
        answer = await call(routed(cors=False), method=method)

        assert not [name for name in answer.headers if b"access-control" in name]


@pytest.mark.requirement("D-06", "J-16")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (OverloadedError("x"), "overloaded"),
        (ActorBrokenError("x"), "storage_failed"),
        (
            ExceptionGroup("several", [OverloadedError("x"), ActorError("y")]),
            "overloaded",
        ),
        (
            ExceptionGroup("several", [OverloadedError("x"), StorageError("y")]),
            "storage_failed",
        ),
    ],
)
async def test_trouble_with_an_actor_is_temporary_and_never_the_grants_fault(
    fault: Exception, reason: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await call(routed(raising(fault)))

    assert logs[0]["reason"] == reason
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers[b"retry-after"]) >= 1
    assert answer.headers[b"access-control-allow-origin"] == b"*"
    assert answer.headers[b"cache-control"] == b"no-store"


@pytest.mark.requirement("K-12", "J-16")
@pytest.mark.parametrize(
    "fault",
    [
        ValueError("aort_secret"),
        ExceptionGroup("aort_secret", [OverloadedError("x"), KeyError("aort_secret")]),
    ],
)
async def test_a_bug_is_answered_without_details_and_logged_without_secrets(
    fault: Exception,
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await call(routed(raising(fault)))

    assert (answer.status, answer.json["error"]) == (500, "server_error")
    assert b"secret" not in answer.body
    assert answer.headers[b"access-control-allow-origin"] == b"*"
    assert logs[0]["fault"] == type(fault).__name__
    assert logs[0]["reason"] == Reason.INTERNAL
    assert any("raising" in line or "endpoint" in line for line in logs[0]["frames"])
    assert "secret" not in str(logs)


async def test_cancellation_is_not_mistaken_for_a_fault() -> None:
    async def hang(_request: Request) -> Response:
        await trio.sleep_forever()
        raise AssertionError

    with trio.move_on_after(0) as scope:
        await call(routed(hang))

    assert scope.cancelled_caught


async def test_unknown_well_known_documents_have_an_answer_of_their_own() -> None:
    assert (await call(routed(), method="GET", path="/.well-known/x")).status == 404


async def test_what_is_not_http_goes_to_the_pages() -> None:
    seen: list[str] = []

    async def behind(
        scope: Scope, _receive: ASGIReceiveCallable, _send: ASGISendCallable
    ) -> None:
        seen.append(scope["type"])

    app = RoutedApp(
        {},
        behind,
        unknown_document=Route(endpoint=nothing, method="GET"),
        limits=BodyLimits(size=1, seconds=1.0),
    )

    await app({"type": "lifespan"}, None, None)  # type: ignore[arg-type]  # as little as there is

    assert seen == ["lifespan"]
