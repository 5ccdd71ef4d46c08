"""Verifying JWT access tokens far from the server that issued them (RFC 9068 §4)."""

from dataclasses import dataclass, field

import httpx2
import pytest
import trio

from actor_oauth.oauth.json_values import Json
from actor_oauth.resource import (
    AuthorityUnavailableError,
    JwtTokens,
    RemoteKeys,
    fetch_from,
)
from actor_oauth.resource.remote_keys import ASK_AGAIN, MAX_AGE, WAIT_AFTER_FAILURE
from tests.resource.asgi_calls import NOW, RESOURCE
from tests.support.clocks import SettableClock
from tests.support.signing import Signer, signer

ISSUER = "https://as.example"


@dataclass
class Issuer:
    """Publishes keys, and counts who asks for them."""

    signer: Signer = field(default_factory=signer)
    clock: SettableClock = field(default_factory=lambda: SettableClock(NOW))
    asked: int = 0
    down: bool = False
    answer: Json = None

    def tokens(self) -> JwtTokens:
        keys = RemoteKeys(self.fetch, clock=self.clock)
        return JwtTokens(ISSUER, keys, clock=self.clock)

    async def fetch(self) -> Json:
        self.asked += 1
        await trio.lowlevel.checkpoint()
        if self.down:
            raise AuthorityUnavailableError("down")
        return self.answer or self.signer.jwks()

    def token(
        self,
        signed_by: Signer | None = None,
        header: dict[str, Json] | None = None,
        **claims: Json,
    ) -> str:
        said: dict[str, Json] = {
            "iss": ISSUER,
            "aud": RESOURCE,
            "sub": "alice",
            "client_id": "app",
            "iat": NOW,
            "exp": NOW + 600,
            "jti": "x",
            "scope": "mcp tools",
            **claims,
        }
        present = {name: value for name, value in said.items() if value is not None}
        return (signed_by or self.signer).sign(
            present, **{"typ": "at+jwt", **(header or {})}
        )


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.mark.requirement("G-12")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_a_good_token_says_who_may_do_what(algorithm: str) -> None:
    issuer = Issuer(signer(algorithm))

    info = await issuer.tokens().validate_token(RESOURCE, issuer.token())

    assert info is not None
    assert (info.user_id, info.client_id, str(info.scope)) == (
        "alice",
        "app",
        "mcp tools",
    )
    assert (info.issued_at, info.expires_at) == (NOW, NOW + 600)
    assert info.principal == "user"


@pytest.mark.requirement("G-15", "D-33")
async def test_a_client_for_itself_is_no_user(issuer: Issuer) -> None:
    info = await issuer.tokens().validate_token(RESOURCE, issuer.token(sub="app"))

    assert info is not None
    assert info.principal == "client"


@pytest.mark.requirement("G-12", "G-06")
@pytest.mark.parametrize(
    "audience",
    [RESOURCE, [RESOURCE], ["https://x.example", RESOURCE], "HTTPS" + RESOURCE[5:]],
)
async def test_the_resource_is_among_the_audience(
    issuer: Issuer, audience: Json
) -> None:
    token = issuer.token(aud=audience)

    assert await issuer.tokens().validate_token(RESOURCE, token) is not None


@pytest.mark.requirement("G-12", "G-11", "F-11")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://as.example/"},
        {"iss": None},
        {"aud": "https://mcp.example"},
        {"aud": ["https://x.example"]},
        {"aud": [RESOURCE, 7]},
        {"aud": None},
        {"exp": NOW},
        {"exp": None},
        {"exp": "later"},
        {"iat": NOW + 61},
        {"iat": None},
        {"nbf": NOW + 61},
        {"nbf": "soon"},
        {"sub": None},
        {"sub": ""},
        {"client_id": None},
        {"scope": 'a"b'},
        {"cnf": {"x5t#S256": "x"}},
        {"cnf": "x"},
    ],
)
async def test_a_token_that_is_not_for_here_and_now_is_nothing(
    issuer: Issuer, claims: dict[str, Json]
) -> None:
    token = issuer.token(None, None, **claims)

    assert await issuer.tokens().validate_token(RESOURCE, token) is None


@pytest.mark.requirement("G-12")
@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"typ": None}, {"kid": None}, {"crit": ["x"]}]
)
async def test_another_kind_of_jwt_is_nothing(
    issuer: Issuer, header: dict[str, Json]
) -> None:
    token = issuer.token(header=header)

    assert await issuer.tokens().validate_token(RESOURCE, token) is None


@pytest.mark.requirement("G-12")
async def test_neither_the_token_nor_a_key_chooses_the_algorithm(
    issuer: Issuer,
) -> None:
    symmetric = signer("HS256")
    tokens = JwtTokens(
        ISSUER,
        RemoteKeys(issuer.fetch, clock=issuer.clock),
        algorithms=("RS256",),
        clock=issuer.clock,
    )

    assert await tokens.validate_token(RESOURCE, issuer.token()) is None
    for forged in (issuer.token(symmetric), issuer.token(header={"alg": "none"})):
        assert await issuer.tokens().validate_token(RESOURCE, forged) is None


@pytest.mark.requirement("G-12")
async def test_another_key_of_the_same_name_does_not_verify(issuer: Issuer) -> None:
    thief = signer(nth=1)

    assert await issuer.tokens().validate_token(RESOURCE, issuer.token(thief)) is None


@pytest.mark.requirement("G-12", "E-14", "M-15")
async def test_many_tokens_ask_for_the_keys_once(issuer: Issuer) -> None:
    tokens, token = issuer.tokens(), issuer.token()
    seen: list[bool] = []

    async def validate() -> None:
        seen.append(await tokens.validate_token(RESOURCE, token) is not None)

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(validate)

    assert seen == [True] * 32
    assert issuer.asked == 1


@pytest.mark.requirement("G-12", "K-11")
async def test_an_unknown_key_is_asked_for_once_in_a_while(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    new = signer(kid="k2", nth=2)
    assert await tokens.validate_token(RESOURCE, issuer.token()) is not None
    issuer.answer = issuer.signer.jwks(new)

    for _ in range(5):
        assert await tokens.validate_token(RESOURCE, issuer.token(new)) is None
    assert issuer.asked == 1
    issuer.clock.time += ASK_AGAIN
    assert await tokens.validate_token(RESOURCE, issuer.token(new)) is not None
    assert issuer.asked == 2


@pytest.mark.requirement("G-12")
async def test_a_token_of_another_issuer_asks_for_nothing(issuer: Issuer) -> None:
    token = issuer.token(iss="https://evil.example", header={"kid": "mine"})

    assert await issuer.tokens().validate_token(RESOURCE, token) is None
    assert issuer.asked == 0


@pytest.mark.requirement("K-11")
async def test_a_key_that_was_taken_out_stops_counting(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    token = issuer.token(exp=NOW + 2 * MAX_AGE)
    assert await tokens.validate_token(RESOURCE, token) is not None
    issuer.answer = signer(kid="k2", nth=2).jwks()

    issuer.clock.time += MAX_AGE

    assert await tokens.validate_token(RESOURCE, token) is None


@pytest.mark.requirement("D-06")
async def test_while_keys_cannot_be_had_nothing_is_said_of_a_token(
    issuer: Issuer,
) -> None:
    tokens, issuer.down = issuer.tokens(), True

    for _ in range(3):
        with pytest.raises(AuthorityUnavailableError):
            await tokens.validate_token(RESOURCE, issuer.token())
    assert issuer.asked == 1
    issuer.down = False
    issuer.clock.time += WAIT_AFTER_FAILURE
    assert await tokens.validate_token(RESOURCE, issuer.token()) is not None


async def test_a_set_that_is_none_says_nothing_of_a_token(issuer: Issuer) -> None:
    issuer.answer = {"keys": "none"}

    with pytest.raises(AuthorityUnavailableError):
        await issuer.tokens().validate_token(RESOURCE, issuer.token())


def transport(response: httpx2.Response) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: response))


async def test_keys_are_fetched_as_a_document() -> None:
    document = signer().jwks()
    fetch = fetch_from(
        "https://as.example/jwks", http=transport(httpx2.Response(200, json=document))
    )

    assert await fetch() == document


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(500),
        httpx2.Response(302, headers={"location": "https://evil.example/"}),
        httpx2.Response(200, content=b"x" * 70_000),
    ],
)
async def test_a_useless_answer_is_no_key_set(response: httpx2.Response) -> None:
    fetch = fetch_from("https://as.example/jwks", http=transport(response))

    with pytest.raises(AuthorityUnavailableError):
        await fetch()


async def test_a_server_that_is_not_there_has_no_keys() -> None:
    with pytest.raises(AuthorityUnavailableError):
        await fetch_from("http://127.0.0.1:1/jwks")()
