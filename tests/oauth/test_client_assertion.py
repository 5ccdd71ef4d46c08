"""Clients that prove who they are by a signature."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.client_assertion import (
    ASSERTION_TYPE,
    CLOCK_SKEW,
    MAX_ASSERTION_LIFE,
    VerifiedAssertion,
    decide_assertion,
)
from actor_oauth.oauth.client_authentication import (
    Credentials,
    decide_client_authentication,
    parse_client_credentials,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, parse_jwks
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.signed_jwt import parse_jwt
from actor_oauth.oauth.wire import Category, Reason, Refused
from tests.support.signing import Signer, signer

NOW = 1_800_000_000
CLIENT_ID = "https://chatgpt.com/oauth/abc/client.json"
ISSUER = "https://as.example/t1"
TOKEN_ENDPOINT = "https://as.example/t1/token"
POLICY = Policy(
    issuer=ISSUER, resources=(ResourcePolicy(identifier="https://as.example/mcp"),)
)
CLIENT = Client(
    client_id=CLIENT_ID,
    redirect_uris=("https://chatgpt.com/connector/oauth/abc",),
    auth_method="private_key_jwt",
    auth_methods_accepted=frozenset(("private_key_jwt",)),
)
CLAIMS: dict[str, Json] = {
    "iss": CLIENT_ID,
    "sub": CLIENT_ID,
    "aud": ISSUER,
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "j1",
}


def decide(
    text: str,
    *,
    client: Client = CLIENT,
    known: Signer | None = None,
    policy: Policy = POLICY,
    now: int = NOW,
) -> VerifiedAssertion | Refused:
    jwt = parse_jwt(text)
    assert jwt is not None
    keys = parse_jwks((known or signer("RS256")).jwks())
    assert keys is not None
    return decide_assertion(
        jwt, client, keys, policy, token_endpoint=TOKEN_ENDPOINT, now=now
    )


def signed(_header: dict[str, Json] | None = None, **claims: Json) -> str:
    said = {**CLAIMS, **claims}
    kept = {name: value for name, value in said.items() if value is not None}
    return signer("RS256").sign(kept, **(_header or {}))


@pytest.mark.requirement("E-10", "E-12")
@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
@pytest.mark.parametrize(
    "typ", [{}, {"typ": "JWT"}, {"typ": "client-authentication+jwt"}]
)
def test_a_good_assertion_is_accepted(algorithm: str, typ: dict[str, Json]) -> None:
    ours = signer(algorithm)
    decision = decide(ours.sign(CLAIMS, **typ), known=ours)
    assert isinstance(decision, VerifiedAssertion)
    assert len(decision.jti_hash) == 16
    assert decision.keep_until == NOW + 300 + CLOCK_SKEW


@pytest.mark.requirement("E-11")
@pytest.mark.parametrize(
    ("audience", "strictly", "leniently"),
    [
        (ISSUER, True, True),
        ([ISSUER], True, True),
        (ISSUER + "/", False, True),
        (TOKEN_ENDPOINT, False, True),
        ([TOKEN_ENDPOINT], False, True),
        ([ISSUER, TOKEN_ENDPOINT], False, False),
        ([ISSUER, "https://evil.example"], False, False),
        ([], False, False),
        (None, False, False),
        ("https://evil.example", False, False),
        (ISSUER.upper(), False, False),
        (TOKEN_ENDPOINT + "/", False, False),
    ],
)
def test_the_assertion_is_for_this_server_alone(
    audience: Json, strictly: bool, leniently: bool
) -> None:
    text = signed(aud=audience)
    strict = replace(POLICY, lenient_assertion_audience=False)
    assert isinstance(decide(text, policy=strict), VerifiedAssertion) is strictly
    assert isinstance(decide(text), VerifiedAssertion) is leniently


@pytest.mark.requirement("E-10", "E-11", "E-12", "E-13")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (signed({"typ": "at+jwt"}), Reason.CLIENT_ASSERTION_TYPE),
        (signed({"typ": "dpop+jwt"}), Reason.CLIENT_ASSERTION_TYPE),
        (signed({"typ": "oauth-id-jag+jwt"}), Reason.CLIENT_ASSERTION_TYPE),
        (signed(iss="https://evil.example"), Reason.CLIENT_ASSERTION_SUBJECT),
        (signed(sub="https://evil.example"), Reason.CLIENT_ASSERTION_SUBJECT),
        (signed(iss=None), Reason.CLIENT_ASSERTION_SUBJECT),
        (signed(sub=None), Reason.CLIENT_ASSERTION_SUBJECT),
        (signed(jti=None), Reason.CLIENT_ASSERTION_JTI),
        (signed(jti=""), Reason.CLIENT_ASSERTION_JTI),
        (signed(jti=7), Reason.CLIENT_ASSERTION_JTI),
        (signed(jti="j" * 1000), Reason.CLIENT_ASSERTION_JTI),
        (signed(exp=None), Reason.CLIENT_ASSERTION_EXPIRED),
        (signed(exp="soon"), Reason.CLIENT_ASSERTION_EXPIRED),
        (signed(exp=NOW - CLOCK_SKEW), Reason.CLIENT_ASSERTION_EXPIRED),
        (signed(iat="x"), Reason.CLIENT_ASSERTION_EXPIRED),
        (
            signed(exp=NOW + MAX_ASSERTION_LIFE + CLOCK_SKEW + 1),
            Reason.CLIENT_ASSERTION_TOO_LONG,
        ),
        (signed(iat=NOW + CLOCK_SKEW + 1), Reason.CLIENT_ASSERTION_EARLY),
        (signed(nbf=NOW + CLOCK_SKEW + 1), Reason.CLIENT_ASSERTION_EARLY),
        (
            signer("RS256", kid="k2").sign(CLAIMS),
            Reason.CLIENT_ASSERTION_KEY_UNKNOWN,
        ),
        (signer("ES256").sign(CLAIMS), Reason.CLIENT_ASSERTION_KEY_UNKNOWN),
        (signer("RS256", nth=1).sign(CLAIMS), Reason.CLIENT_ASSERTION_SIGNATURE),
        (signer("HS256").sign(CLAIMS), Reason.CLIENT_ASSERTION_ALGORITHM),
    ],
)
def test_any_other_assertion_is_refused_with_the_same_words(
    text: str, reason: Reason
) -> None:
    assert decide(text) == Refused(reason)
    assert reason.category is Category.INVALID_CLIENT
    assert reason.description == Category.INVALID_CLIENT.description


@pytest.mark.requirement("E-11")
@pytest.mark.parametrize("moved", [-CLOCK_SKEW, CLOCK_SKEW])
def test_the_client_s_clock_may_differ_a_little(moved: int) -> None:
    text = signed(iat=NOW + moved, nbf=NOW + moved, exp=NOW + moved + 1)
    assert isinstance(decide(text), VerifiedAssertion)


@pytest.mark.requirement("E-10")
def test_a_registered_algorithm_is_the_only_one() -> None:
    ps256 = replace(CLIENT, assertion_algorithm="PS256")
    rs256 = replace(CLIENT, assertion_algorithm="RS256")
    assert isinstance(decide(signed(), client=rs256), VerifiedAssertion)
    refused = decide(signed(), client=ps256)
    assert refused == Refused(Reason.CLIENT_ASSERTION_ALGORITHM)


@pytest.mark.requirement("E-13")
def test_equal_jtis_are_remembered_as_equal_and_others_as_different() -> None:
    first, again, other = decide(signed()), decide(signed(exp=NOW + 9)), signed(jti="x")
    assert isinstance(first, VerifiedAssertion)
    assert isinstance(again, VerifiedAssertion)
    assert first.jti_hash == again.jti_hash
    decision = decide(other)
    assert isinstance(decision, VerifiedAssertion)
    assert decision.jti_hash != first.jti_hash


def form(**fields: str) -> Parameters:
    parsed = parse_form("&".join(f"{k}={v}" for k, v in fields.items()).encode())
    assert isinstance(parsed, Parameters)
    return parsed


@pytest.mark.requirement("E-01", "E-02", "E-10")
@pytest.mark.parametrize("stated", [{}, {"client_id": CLIENT_ID}])
def test_the_assertion_says_who_the_client_is(stated: dict[str, str]) -> None:
    credentials = parse_client_credentials(
        form(client_assertion_type=ASSERTION_TYPE, client_assertion=signed(), **stated),
        None,
    )
    assert isinstance(credentials, Credentials)
    assert credentials.client_id == CLIENT_ID
    assert credentials.method == "private_key_jwt"
    assert "j1" not in repr(credentials)


@pytest.mark.requirement("E-02", "E-10")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"client_assertion": signed()}, Reason.CLIENT_ASSERTION_TYPE),
        (
            {"client_assertion": signed(), "client_assertion_type": "x"},
            Reason.CLIENT_ASSERTION_TYPE,
        ),
        (
            {"client_assertion_type": ASSERTION_TYPE},
            Reason.CLIENT_ASSERTION_MALFORMED,
        ),
        (
            {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "a.b.c"},
            Reason.CLIENT_ASSERTION_MALFORMED,
        ),
        (
            {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": signed(sub=None),
            },
            Reason.CLIENT_ASSERTION_MALFORMED,
        ),
        (
            {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": signed(),
                "client_id": "another",
            },
            Reason.CLIENT_ID_MISMATCH,
        ),
    ],
)
def test_what_is_no_assertion_names_nobody(
    fields: dict[str, str], reason: Reason
) -> None:
    assert parse_client_credentials(form(**fields), None) == Refused(reason)


@pytest.mark.requirement("B-12", "B-29", "E-07")
def test_a_client_with_a_key_gets_nowhere_without_it() -> None:
    for method, secret in (("none", None), ("client_secret_post", "s")):
        credentials = Credentials(
            client_id=CLIENT_ID,
            method=method,  # type: ignore[arg-type]  # one of the methods
            secret=secret,
        )
        decision = decide_client_authentication(
            credentials, CLIENT, secret_matches=False
        )
        assert isinstance(decision, Refused)
        assert decision.reason.category is Category.INVALID_CLIENT
