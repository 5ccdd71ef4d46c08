"""Client authentication."""

from base64 import b64encode
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.client_authentication import (
    MAX_CLIENT_ID_LENGTH,
    MAX_HEADER_LENGTH,
    MAX_SECRET_LENGTH,
    Credentials,
    decide_client_authentication,
    parse_client_credentials,
)
from actor_oauth.oauth.clients import SECRET_METHODS, AuthMethod, Client
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.wire import Category, Reason, Refused

PUBLIC = Client(client_id="c", redirect_uris=())
BASIC = Client(
    client_id="c",
    redirect_uris=(),
    auth_method="client_secret_basic",
    auth_methods_accepted=frozenset(("client_secret_basic",)),
)
POST = Client(
    client_id="c",
    redirect_uris=(),
    auth_method="client_secret_post",
    auth_methods_accepted=frozenset(("client_secret_post",)),
)
UNSTATED = Client(
    client_id="c",
    redirect_uris=(),
    auth_method="client_secret_basic",
    auth_methods_accepted=SECRET_METHODS,
)


def form(**fields: str) -> Parameters:
    params = parse_form(urlencode(fields).encode())
    assert isinstance(params, Parameters)
    return params


def basic(pair: str | bytes, scheme: str = "Basic") -> str:
    raw = pair if isinstance(pair, bytes) else pair.encode()
    return f"{scheme} {b64encode(raw).decode()}"


def credentials(
    method: AuthMethod, secret: str | None = None, client_id: str = "c"
) -> Credentials:
    return Credentials(client_id=client_id, method=method, secret=secret)


@pytest.mark.requirement("E-01", "E-03")
def test_the_three_ways_to_present_a_client() -> None:
    assert parse_client_credentials(form(client_id="c"), None) == credentials("none")
    posted = parse_client_credentials(form(client_id="c", client_secret="s"), None)
    assert posted == credentials("client_secret_post", "s")
    sent = parse_client_credentials(form(), basic("c:s"))
    assert sent == credentials("client_secret_basic", "s")


@pytest.mark.requirement("E-03", "D-02")
def test_an_empty_secret_is_none() -> None:
    posted = parse_client_credentials(form(client_id="c", client_secret=""), None)
    assert posted == credentials("none")
    sent = parse_client_credentials(form(), basic("c:"))
    assert sent == credentials("client_secret_basic", None)


def test_an_empty_header_is_no_header() -> None:
    assert parse_client_credentials(form(client_id="c"), " ") == credentials("none")


@pytest.mark.requirement("E-02")
@pytest.mark.parametrize(
    ("fields", "authorization"),
    [
        ({"client_id": "c", "client_secret": "s"}, basic("c:s")),
        ({"client_secret": "s"}, basic("c:s")),
        ({"client_secret": "s"}, "Bearer x"),
        ({"client_assertion": "x"}, basic("c:s")),
        ({"client_assertion": "x", "client_secret": "s", "client_id": "c"}, None),
        ({"client_assertion_type": "x", "client_secret": "s"}, None),
    ],
)
def test_two_mechanisms_in_one_request_are_invalid(
    fields: dict[str, str], authorization: str | None
) -> None:
    decision = parse_client_credentials(form(**fields), authorization)
    assert decision == Refused(Reason.CLIENT_METHODS_MIXED)
    assert decision.reason.category is Category.INVALID_REQUEST


@pytest.mark.requirement("E-02")
def test_a_client_id_beside_the_header_must_be_equal() -> None:
    header = basic("c:s")
    assert parse_client_credentials(form(client_id="c"), header) == credentials(
        "client_secret_basic", "s"
    )
    other = parse_client_credentials(form(client_id="d"), header)
    assert other == Refused(Reason.CLIENT_ID_MISMATCH)
    assert other.reason.category is Category.INVALID_REQUEST


@pytest.mark.requirement("E-04")
@pytest.mark.parametrize(
    ("header", "client_id", "secret"),
    [
        (basic("c:s"), "c", "s"),
        (basic("c:s", "BASIC"), "c", "s"),
        (basic("c:s", "basic"), "c", "s"),
        ("Basic   " + basic("c:s")[6:], "c", "s"),
        (basic("c:s:t"), "c", "s:t"),
        (basic("a+b:c+d"), "a b", "c d"),
        (basic("a%2Bb:c%3Ad%25"), "a+b", "c:d%"),
        (basic("https%3A%2F%2Fc.example%2Fid:s"), "https://c.example/id", "s"),
        (basic("%C3%A9:%c3%a9"), "é", "é"),
        (basic("é:é"), "é", "é"),
        # The example of RFC 6749 §2.3.1.
        (
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
            "s6BhdRkqt3",
            "7Fjfp0ZBr1KtDRbnfVdmIw",
        ),
    ],
)
def test_the_halves_of_basic_are_form_encoded(
    header: str, client_id: str, secret: str
) -> None:
    assert parse_client_credentials(form(), header) == credentials(
        "client_secret_basic", secret, client_id
    )


@pytest.mark.requirement("E-04")
@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic Yzpz!",
        "Basic Yzp",
        "Basic é",
        basic("no colon"),
        basic(":s"),
        basic("c%zz:s"),
        basic("c:s%"),
        basic("c:%f"),
        basic(b"\xff:s"),
        basic("%ff:s"),
        "Bearer abc",
        "Basic" + "x" * 10,
        "Basic " + "A" * (MAX_HEADER_LENGTH + 4),
    ],
)
def test_a_bad_header_is_a_failed_authentication(header: str) -> None:
    decision = parse_client_credentials(form(), header)
    assert decision == Refused(Reason.CLIENT_CREDENTIALS_MALFORMED)
    assert decision.reason.category is Category.INVALID_CLIENT


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.mark.requirement("E-04", "E-06")
@given(TEXT, TEXT)
def test_credentials_survive_the_header(client_id: str, secret: str) -> None:
    header = basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")
    assert parse_client_credentials(form(), header) == credentials(
        "client_secret_basic", secret, client_id
    )


@given(st.binary(max_size=100), st.none() | st.text(max_size=60))
def test_reading_credentials_never_raises(body: bytes, header: str | None) -> None:
    params = parse_form(body)
    if isinstance(params, Parameters):
        parse_client_credentials(params, header)


@given(st.binary(max_size=60))
def test_reading_any_pair_never_raises(pair: bytes) -> None:
    parse_client_credentials(form(), basic(pair))


@pytest.mark.requirement("D-02")
def test_a_form_with_a_repeated_parameter_is_refused_first() -> None:
    params = parse_form(b"client_id=c&code=1&code=2")
    assert isinstance(params, Parameters)
    assert parse_client_credentials(params, basic("c:s")) == Refused(
        Reason.PARAMETER_REPEATED
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, Reason.CLIENT_ID_MISSING),
        ({"client_secret": "s"}, Reason.CLIENT_ID_MISSING),
        ({"client_assertion": "x"}, Reason.CLIENT_ASSERTION_TYPE),
        ({"client_id": "c" * (MAX_CLIENT_ID_LENGTH + 1)}, Reason.CLIENT_UNKNOWN),
        (
            {"client_id": "c", "client_secret": "s" * (MAX_SECRET_LENGTH + 1)},
            Reason.CLIENT_SECRET_WRONG,
        ),
    ],
)
def test_what_names_no_client_is_a_failed_authentication(
    fields: dict[str, str], reason: Reason
) -> None:
    assert parse_client_credentials(form(**fields), None) == Refused(reason)
    assert reason.category is Category.INVALID_CLIENT


@pytest.mark.requirement("E-07", "B-29", "E-03")
@pytest.mark.parametrize(
    ("client", "presented", "matches", "reason"),
    [
        (PUBLIC, credentials("none"), False, None),
        (BASIC, credentials("client_secret_basic", "s"), True, None),
        (POST, credentials("client_secret_post", "s"), True, None),
        (UNSTATED, credentials("client_secret_basic", "s"), True, None),
        (UNSTATED, credentials("client_secret_post", "s"), True, None),
        (
            BASIC,
            credentials("client_secret_post", "s"),
            True,
            Reason.CLIENT_METHOD_WRONG,
        ),
        (
            POST,
            credentials("client_secret_basic", "s"),
            True,
            Reason.CLIENT_METHOD_WRONG,
        ),
        (
            BASIC,
            credentials("client_secret_basic", "s"),
            False,
            Reason.CLIENT_SECRET_WRONG,
        ),
        (BASIC, credentials("client_secret_basic"), True, Reason.CLIENT_SECRET_MISSING),
        (BASIC, credentials("none"), True, Reason.CLIENT_SECRET_MISSING),
        (UNSTATED, credentials("none"), True, Reason.CLIENT_SECRET_MISSING),
        (
            PUBLIC,
            credentials("client_secret_post", "s"),
            True,
            Reason.CLIENT_SECRET_UNEXPECTED,
        ),
        (
            PUBLIC,
            credentials("client_secret_basic", "s"),
            True,
            Reason.CLIENT_SECRET_UNEXPECTED,
        ),
        (
            PUBLIC,
            credentials("client_secret_basic"),
            True,
            Reason.CLIENT_SECRET_UNEXPECTED,
        ),
        (None, credentials("none"), True, Reason.CLIENT_UNKNOWN),
        (PUBLIC, credentials("none", None, "other"), True, Reason.CLIENT_UNKNOWN),
    ],
)
def test_a_client_authenticates_as_it_is_registered_and_in_no_other_way(
    client: Client | None,
    presented: Credentials,
    matches: bool,
    reason: Reason | None,
) -> None:
    decision = decide_client_authentication(presented, client, secret_matches=matches)
    if reason is None:
        assert decision is client
    else:
        assert decision == Refused(reason)
        assert reason.category is Category.INVALID_CLIENT


@pytest.mark.requirement("K-12")
def test_a_secret_does_not_show_in_a_log() -> None:
    assert "hunter2" not in repr(credentials("client_secret_post", "hunter2"))
