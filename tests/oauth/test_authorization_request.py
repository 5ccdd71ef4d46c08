"""Authorization requests: who may be redirected where, and with what."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.authorization_request import (
    MAX_LOGIN_HINT_LENGTH,
    MAX_STATE_LENGTH,
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.authorization_response import success_redirect
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.parameters import Parameters, parameters_of, parse_form
from actor_oauth.oauth.prompts import Prompt
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Reason
from tests.oauth.authorization_requests import (
    CHALLENGE,
    CLIENT,
    ISSUER,
    POLICY,
    VALID,
    accepted,
    decide,
    redirected,
)

LOOPBACK = Client(client_id="c", redirect_uris=("http://localhost/callback",))
TWO_URIS = Client(
    client_id="c", redirect_uris=("https://c.example/cb", "https://c.example/other")
)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_a_valid_request_becomes_a_value() -> None:
    assert accepted(scope="tools mcp", resource="HTTPS://h.example/mcp") == (
        AuthorizationRequest(
            client_id="c",
            redirect_uri="https://c.example/cb",
            redirect_uri_sent="https://c.example/cb",
            state="xyz",
            scope=Scope(("tools", "mcp")),
            resource="https://h.example/mcp",
            code_challenge=CHALLENGE,
        )
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prompt": "login consent", "login_hint": "é", "scope": "mcp"},
        {"prompt": "none", "max_age": "0"},
    ],
)
def test_a_request_survives_being_stored(changes: dict[str, str]) -> None:
    request = accepted(**changes)
    assert AuthorizationRequest.from_record(request.to_record()) == request
    without = replace(request, state=None, redirect_uri_sent=None)
    assert AuthorizationRequest.from_record(without.to_record()) == without


@pytest.mark.requirement("K-15")
def test_a_damaged_scope_is_one_that_grants_nothing() -> None:
    record = accepted(scope="mcp").to_record().replace('"mcp"', '"a  b"')
    assert AuthorizationRequest.from_record(record).scope == Scope()


@pytest.mark.requirement("C-02", "C-04")
@pytest.mark.parametrize(
    ("client", "changes", "reason"),
    [
        (None, {}, Reason.AUTHORIZE_CLIENT_UNKNOWN),
        (CLIENT, {"client_id": "other"}, Reason.AUTHORIZE_CLIENT_UNKNOWN),
        (CLIENT, {"client_id": None}, Reason.AUTHORIZE_CLIENT_ID_MISSING),
        (CLIENT, {"client_id": ""}, Reason.AUTHORIZE_CLIENT_ID_MISSING),
        (TWO_URIS, {"redirect_uri": None}, Reason.REDIRECT_URI_MISSING),
        (TWO_URIS, {"redirect_uri": ""}, Reason.REDIRECT_URI_MISSING),
        (
            CLIENT,
            {"redirect_uri": "https://evil.example/cb"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
        (
            CLIENT,
            {"redirect_uri": "https://c.example/cb/../evil"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
        (
            CLIENT,
            {"redirect_uri": "javascript:alert(1)"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
        (
            LOOPBACK,
            {"redirect_uri": "http://localhost.evil.com/callback"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
        (
            CLIENT,
            {"redirect_uri": "https://c.example\\@evil.example/cb"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
        (
            CLIENT,
            {"redirect_uri": "https://c.example/cb\r\nX: y"},
            Reason.REDIRECT_URI_UNREGISTERED,
        ),
    ],
)
def test_a_stranger_is_answered_here_and_never_redirected(
    client: Client | None, changes: dict[str, str | None], reason: Reason
) -> None:
    # Whatever else is wrong with the request must not change that.
    for more in ({}, {"response_type": "token", "scope": "a  b", "request": "x"}):
        assert decide(client, **{**more, **changes}) == LocalRefusal(reason)


@pytest.mark.requirement("C-04")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("client_id", Reason.AUTHORIZE_CLIENT_ID_MISSING),
        ("redirect_uri", Reason.REDIRECT_URI_MISSING),
    ],
)
def test_who_and_where_must_not_be_said_twice(name: str, reason: Reason) -> None:
    for again in (VALID[name], "https://evil.example", ""):
        params = parameters_of([*VALID.items(), (name, again)])
        assert decide_authorization_request(params, CLIENT, POLICY) == LocalRefusal(
            reason
        )


@pytest.mark.requirement("C-05")
def test_the_only_redirect_uri_may_be_left_out() -> None:
    request = accepted(redirect_uri=None)
    assert request.redirect_uri == "https://c.example/cb"
    assert request.redirect_uri_sent is None


@pytest.mark.requirement("B-04")
def test_a_loopback_request_keeps_its_own_port() -> None:
    request = accepted(LOOPBACK, redirect_uri="http://localhost:3118/callback")
    assert request.redirect_uri == "http://localhost:3118/callback"


@pytest.mark.requirement("C-04", "C-06", "C-07", "C-08", "C-09", "C-28")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response_type": None}, Reason.RESPONSE_TYPE_MISSING),
        ({"response_type": ""}, Reason.RESPONSE_TYPE_MISSING),
        ({"response_type": "token"}, Reason.RESPONSE_TYPE_UNSUPPORTED),
        ({"response_type": "code id_token"}, Reason.RESPONSE_TYPE_UNSUPPORTED),
        ({"response_mode": "fragment"}, Reason.RESPONSE_MODE_UNSUPPORTED),
        ({"response_mode": "form_post"}, Reason.RESPONSE_MODE_UNSUPPORTED),
        ({"code_challenge": None}, Reason.CHALLENGE_MISSING),
        (
            {"code_challenge": None, "code_challenge_method": None},
            Reason.CHALLENGE_MISSING,
        ),
        ({"code_challenge_method": None}, Reason.CHALLENGE_METHOD_UNSUPPORTED),
        ({"code_challenge_method": "plain"}, Reason.CHALLENGE_METHOD_UNSUPPORTED),
        ({"code_challenge_method": "s256"}, Reason.CHALLENGE_METHOD_UNSUPPORTED),
        ({"code_challenge": "a" * 42}, Reason.CHALLENGE_MALFORMED),
        ({"code_challenge": "a" * 129}, Reason.CHALLENGE_MALFORMED),
        ({"code_challenge": "a" * 42 + "="}, Reason.CHALLENGE_MALFORMED),
        ({"scope": "a  b"}, Reason.SCOPE_MALFORMED),
        ({"scope": "mcp\r\nX: y"}, Reason.SCOPE_MALFORMED),
        ({"scope": "nonsense"}, Reason.SCOPE_UNKNOWN),
        ({"resource": "https://evil.example/mcp"}, Reason.RESOURCE_UNKNOWN),
        ({"resource": "https://h.example/mcp#f"}, Reason.RESOURCE_UNKNOWN),
        ({"resource": "mcp"}, Reason.RESOURCE_UNKNOWN),
        ({"request": "eyJ"}, Reason.REQUEST_OBJECT),
        ({"request_uri": "https://c.example/r"}, Reason.REQUEST_URI),
    ],
)
def test_a_known_client_is_told_by_redirect(
    changes: dict[str, str | None], reason: Reason
) -> None:
    assert redirected(**changes) is reason


@pytest.mark.requirement("C-04")
def test_a_repeated_parameter_is_told_by_redirect() -> None:
    params = parameters_of([*VALID.items(), ("scope", "mcp"), ("scope", "tools")])
    decision = decide_authorization_request(params, CLIENT, POLICY)
    assert decision == RedirectRefusal(
        reason=Reason.PARAMETER_REPEATED,
        redirect_uri="https://c.example/cb",
        state="xyz",
    )


@pytest.mark.requirement("C-04", "C-10")
def test_a_repeated_state_is_returned_to_nobody() -> None:
    params = parameters_of([*VALID.items(), ("state", "other")])
    decision = decide_authorization_request(params, CLIENT, POLICY)
    assert isinstance(decision, RedirectRefusal)
    assert decision.reason is Reason.PARAMETER_REPEATED
    assert decision.state is None


@pytest.mark.requirement("C-04")
def test_unknown_parameters_are_ignored_and_empty_ones_absent() -> None:
    plain = accepted()
    assert accepted(frobnicate="x", request="", request_uri="") == plain
    assert accepted(response_mode="") == accepted(response_mode="query") == plain


@pytest.mark.requirement("C-06")
def test_a_client_needs_to_be_registered_for_code() -> None:
    without = replace(CLIENT, response_types=())
    assert redirected(without) is Reason.RESPONSE_TYPE_UNREGISTERED


@pytest.mark.requirement("C-07")
def test_pkce_is_for_confidential_clients_too() -> None:
    confidential = replace(
        CLIENT,
        origin="pre-registered",
        auth_methods_accepted=frozenset(("client_secret_basic",)),
    )
    assert redirected(confidential, code_challenge=None) is Reason.CHALLENGE_MISSING


@pytest.mark.requirement("C-10")
@given(TEXT.filter(bool))
def test_state_is_returned_as_it_came(state: str) -> None:
    params = parse_form(urlencode({**VALID, "state": state}).encode())
    assert isinstance(params, Parameters)
    request = decide_authorization_request(params, CLIENT, POLICY)
    assert isinstance(request, AuthorizationRequest)
    url = success_redirect(
        request.redirect_uri, code="k", state=request.state, issuer=ISSUER
    )
    assert url.isascii()
    assert url.isprintable()
    assert parse_qs(urlsplit(url).query)["state"] == [state]


@pytest.mark.requirement("C-10")
def test_a_long_state_is_accepted_and_an_absurd_one_told_about() -> None:
    assert accepted(state="s" * 2048).state == "s" * 2048
    decision = decide(state="s" * (MAX_STATE_LENGTH + 1))
    assert decision == RedirectRefusal(
        reason=Reason.STATE_TOO_LONG, redirect_uri="https://c.example/cb", state=None
    )


def test_wishes_are_carried_within_bounds() -> None:
    request = accepted(prompt="consent", login_hint="user@h.example")
    assert request.prompts == {Prompt.CONSENT}
    assert (request.max_age, request.login_hint) == (None, "user@h.example")
    assert accepted(max_age="86400").max_age == 86_400
    excessive = accepted(prompt="p" * 65, login_hint="h" * (MAX_LOGIN_HINT_LENGTH + 1))
    assert (excessive.prompts, excessive.login_hint) == (frozenset(), None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt": "none login"}, Reason.PROMPT_CONTRADICTORY),
        ({"max_age": "-1"}, Reason.MAX_AGE_MALFORMED),
        ({"max_age": "soon"}, Reason.MAX_AGE_MALFORMED),
        ({"max_age": "1" * 11}, Reason.MAX_AGE_MALFORMED),
        ({"max_age": "\N{ARABIC-INDIC DIGIT ONE}"}, Reason.MAX_AGE_MALFORMED),
    ],
)
def test_wishes_that_cannot_be_are_told_about(
    changes: dict[str, str], reason: Reason
) -> None:
    decision = decide(**changes)
    assert isinstance(decision, RedirectRefusal)
    assert decision.reason is reason


@given(st.binary(max_size=300), st.sampled_from([CLIENT, LOOPBACK, TWO_URIS, None]))
def test_deciding_on_any_bytes_never_raises(body: bytes, client: Client | None) -> None:
    params = parse_form(body)
    if isinstance(params, Parameters):
        decide_authorization_request(params, client, POLICY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [*VALID, "scope", "resource", "prompt", "max_age", "request"]
            ),
            st.sampled_from([*VALID.values(), "", "mcp", "https://h.example/mcp", "é"]),
        )
    )
)
def test_nobody_is_redirected_but_to_a_registered_uri(
    pairs: list[tuple[str, str]],
) -> None:
    decision = decide_authorization_request(parameters_of(pairs), TWO_URIS, POLICY)
    if not isinstance(decision, LocalRefusal):
        assert decision.redirect_uri in TWO_URIS.redirect_uris
