"""A resource server elsewhere that asks about tokens, and what it may remember (G-13)."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx2
import pytest
import trio
from trio.testing import MockClock

from actor_oauth.oauth.json_values import Json
from actor_oauth.resource import (
    AuthorityUnavailableError,
    IntrospectedTokens,
    IntrospectionEndpoint,
)
from actor_oauth.resource.introspection import MAX_REMEMBERED
from tests.resource.asgi_calls import NOW, RESOURCE
from tests.support.clocks import SettableClock

ISSUER = "https://as.example"
ACTIVE: Mapping[str, Json] = {
    "active": True,
    "iss": ISSUER,
    "aud": RESOURCE,
    "sub": "alice",
    "client_id": "client",
    "scope": "mcp notes",
    "iat": NOW,
    "exp": NOW + 3600,
}


@dataclass
class Authority:
    """Answers introspection, and counts how often it was asked."""

    answer: Mapping[str, Json] = field(default_factory=lambda: ACTIVE)
    asked: int = 0
    takes: float = 0
    clock: SettableClock = field(default_factory=lambda: SettableClock(NOW))

    async def introspect(self, token: str) -> Mapping[str, Json]:
        self.asked += 1
        answer = self.answer
        await trio.sleep(self.takes)
        return answer

    def tokens(self, cache_seconds: float = 0) -> IntrospectedTokens:
        return IntrospectedTokens(
            self.introspect,
            issuer=ISSUER,
            cache_seconds=cache_seconds,
            clock=self.clock,
        )


@pytest.mark.requirement("G-13")
async def test_an_active_token_is_good_for_what_the_answer_says() -> None:
    info = await Authority().tokens().validate_token(RESOURCE, "t")
    assert info is not None
    assert (info.user_id, info.client_id, info.principal) == ("alice", "client", "user")
    assert info.scope.names == ("mcp", "notes")
    assert (info.resource, info.expires_at, info.jkt) == (RESOURCE, NOW + 3600, None)


@pytest.mark.requirement("G-13", "G-05")
@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "https://other.example/mcp"},
        {"aud": None},
        {"aud": [RESOURCE, 7]},
        {"exp": NOW},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
        {"sub": None},
        {"client_id": None},
        {"scope": 'a"b'},
        {"cnf": {"x5t#S256": "abc"}},
        {"cnf": "abc"},
    ],
)
async def test_a_token_without_any_one_of_its_claims_is_good_for_nothing(
    change: dict[str, Json],
) -> None:
    authority = Authority({**ACTIVE, **change})
    assert await authority.tokens().validate_token(RESOURCE, "t") is None


@pytest.mark.requirement("G-13", "F-11")
async def test_a_bound_token_and_one_for_several_audiences_are_told_as_such() -> None:
    change: dict[str, Json] = {
        "aud": ["https://other.example", RESOURCE],
        "cnf": {"jkt": "thumb"},
        "sub": "client",
    }
    info = await Authority({**ACTIVE, **change}).tokens().validate_token(RESOURCE, "t")
    assert info is not None
    assert (info.jkt, info.principal) == ("thumb", "client")


@pytest.mark.requirement("G-14")
async def test_by_default_nothing_is_remembered() -> None:
    authority = Authority()
    tokens = authority.tokens()
    assert await tokens.validate_token(RESOURCE, "t") is not None
    authority.answer = {"active": False}
    assert await tokens.validate_token(RESOURCE, "t") is None


@pytest.mark.requirement("G-13")
async def test_a_good_answer_is_used_again_for_as_long_as_allowed(
    autojump_clock: MockClock,
) -> None:
    authority = Authority(takes=5)
    tokens = authority.tokens(cache_seconds=60)
    for _ in range(3):
        assert await tokens.validate_token(RESOURCE, "t") is not None
    assert authority.asked == 1
    authority.answer = {"active": False}
    # Sixty seconds from the question, of which five went by before the answer.
    await trio.sleep(54.9)
    assert await tokens.validate_token(RESOURCE, "t") is not None
    await trio.sleep(0.1)
    assert await tokens.validate_token(RESOURCE, "t") is None
    assert authority.asked == 2


@pytest.mark.requirement("G-13")
async def test_nothing_is_used_beyond_the_expiry_of_the_token() -> None:
    authority = Authority({**ACTIVE, "exp": NOW + 10})
    tokens = authority.tokens(cache_seconds=60)
    assert await tokens.validate_token(RESOURCE, "t") is not None
    authority.clock.time += 10
    assert await tokens.validate_token(RESOURCE, "t") is None
    assert authority.asked == 2


@pytest.mark.requirement("G-13")
async def test_that_a_token_is_good_for_nothing_is_never_remembered() -> None:
    authority = Authority({"active": False})
    tokens = authority.tokens(cache_seconds=60)
    assert await tokens.validate_token(RESOURCE, "t") is None
    authority.answer = ACTIVE
    assert await tokens.validate_token(RESOURCE, "t") is not None


async def test_an_answer_for_one_resource_is_none_for_another() -> None:
    authority = Authority()
    tokens = authority.tokens(cache_seconds=60)
    assert await tokens.validate_token(RESOURCE, "t") is not None
    assert await tokens.validate_token("https://other.example", "t") is None


async def test_no_more_is_remembered_than_a_bound_allows(
    autojump_clock: MockClock,
) -> None:
    authority = Authority()
    tokens = authority.tokens(cache_seconds=60)
    for number in range(MAX_REMEMBERED + 1):
        await tokens.validate_token(RESOURCE, f"t{number}")
    await tokens.validate_token(RESOURCE, "t1")
    assert authority.asked == MAX_REMEMBERED + 1
    await tokens.validate_token(RESOURCE, "t0")
    assert authority.asked == MAX_REMEMBERED + 2
    await trio.sleep(60)
    await tokens.validate_token(RESOURCE, "new")
    assert len(tokens._remembered) == 1


async def test_an_answer_that_came_too_late_to_be_used_again_is_not_kept(
    autojump_clock: MockClock,
) -> None:
    tokens = Authority(takes=60).tokens(cache_seconds=60)
    assert await tokens.validate_token(RESOURCE, "t") is not None
    assert len(tokens._remembered) == 0


@pytest.mark.parametrize("seconds", [-1, 61])
def test_nobody_remembers_for_longer_than_a_minute(seconds: int) -> None:
    with pytest.raises(ValueError, match="0 to 60"):
        Authority().tokens(cache_seconds=seconds)


def endpoint(
    answer: httpx2.Response, seen: list[httpx2.Request]
) -> IntrospectionEndpoint:
    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(respond))
    return IntrospectionEndpoint(
        f"{ISSUER}/introspect", client_id="a:b", client_secret="c d", http=http
    )


@pytest.mark.requirement("G-13")
async def test_the_question_is_authenticated_and_the_token_in_the_body() -> None:
    seen: list[httpx2.Request] = []
    ask = endpoint(httpx2.Response(200, json=dict(ACTIVE)), seen)
    assert await ask("the token") == ACTIVE
    [request] = seen
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, b64decode(pair)) == ("Basic", b"a%3Ab:c+d")
    assert request.method == "POST"
    assert parse_qs(request.content.decode())["token"] == ["the token"]
    assert "token" not in str(request.url)
    await ask.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(401, json={"error": "invalid_client"}),
        httpx2.Response(503),
        httpx2.Response(302, headers={"location": "https://evil.example/"}),
        httpx2.Response(200, content=b"[]"),
        httpx2.Response(200, content=b"x" * 70_000),
    ],
)
async def test_a_useless_answer_says_nothing_of_the_token(
    answer: httpx2.Response,
) -> None:
    with pytest.raises(AuthorityUnavailableError):
        await endpoint(answer, [])("t")


async def test_a_server_that_is_not_there_says_nothing_of_the_token() -> None:
    ask = IntrospectionEndpoint(
        "http://127.0.0.1:1/introspect", client_id="a", client_secret="b"
    )
    with pytest.raises(AuthorityUnavailableError):
        await ask("t")
    await ask.aclose()


@pytest.mark.parametrize("url", ["http://as.example/introspect", "ftp://x", "no"])
def test_the_secret_crosses_no_network_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        IntrospectionEndpoint(url, client_id="a", client_secret="b")
