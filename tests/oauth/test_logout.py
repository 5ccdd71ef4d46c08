"""Signing out at a client's wish: where it may lead, and when nobody is asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.id_tokens import IdTokenHint, render_id_token
from actor_oauth.oauth.logout import (
    LogoutRequest,
    asking_client,
    decide_logout,
    ends_at_once,
    read_hint,
)
from actor_oauth.oauth.openid_client import OpenIdClient
from actor_oauth.oauth.parameters import parameters_of
from actor_oauth.oauth.reasons import Reason, Refused
from tests.oauth.test_id_tokens import HINT, SAID
from tests.oauth.test_jwt_access_tokens import ISSUER, KEY, RING

BYE = "https://app.example/bye"
CLIENT = Client(
    client_id="app",
    redirect_uris=("https://app.example/callback",),
    openid=OpenIdClient(
        post_logout_redirect_uris=(BYE, "http://127.0.0.1/bye", BYE + "?a=b")
    ),
)


def decide(
    client: Client | None = CLIENT,
    hint: IdTokenHint | None = HINT,
    /,
    **fields: str,
) -> LogoutRequest | Refused:
    return decide_logout(parameters_of(fields.items()), hint, client)


def accepted(
    client: Client | None = CLIENT,
    hint: IdTokenHint | None = HINT,
    /,
    **fields: str,
) -> LogoutRequest:
    decision = decide(client, hint, **fields)
    assert isinstance(decision, LogoutRequest)
    return decision


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, None),
        ({"state": "s"}, None),
        ({"post_logout_redirect_uri": BYE}, BYE),
        ({"post_logout_redirect_uri": BYE, "state": "s t"}, BYE + "?state=s%20t"),
        (
            {"post_logout_redirect_uri": BYE + "?a=b", "state": "s"},
            BYE + "?a=b&state=s",
        ),
        (
            {"post_logout_redirect_uri": "http://127.0.0.1:4711/bye"},
            "http://127.0.0.1:4711/bye",
        ),
    ],
)
def test_it_leads_to_a_registered_uri_or_nowhere(
    fields: dict[str, str], url: str | None
) -> None:
    assert accepted(**fields).return_url() == url
    assert accepted(CLIENT, None, client_id="app", **fields).return_url() == url


@pytest.mark.requirement("C-02", "I-24")
@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "https://app.example/bye/",
        "https://app.example/bye?x",
        "https://app.example/bye#f",
        "https://app.example/callback",
        "https://app.example@evil.example/bye",
        "https://app.example/bye/../bye",
        "HTTPS://app.example/bye",
        "javascript:alert(1)",
        "//evil.example",
        "/bye",
    ],
)
def test_it_is_no_open_redirector(uri: str) -> None:
    refused = Refused(Reason.LOGOUT_URI_UNREGISTERED)
    assert decide(post_logout_redirect_uri=uri) == refused
    assert decide(None, None, post_logout_redirect_uri=uri) == refused
    nothing = replace(CLIENT, openid=None)
    assert decide(nothing, post_logout_redirect_uri=BYE) == refused


def test_a_hint_for_another_client_counts_for_nobody() -> None:
    other = replace(CLIENT, client_id="other")
    refused = decide(other, HINT, client_id="other")
    assert refused == Refused(Reason.ID_TOKEN_HINT_FOREIGN)


def test_an_unknown_client_is_refused_and_none_is_needed() -> None:
    assert decide(None, HINT) == Refused(Reason.AUTHORIZE_CLIENT_UNKNOWN)
    assert decide(None, None, client_id="x") == Refused(Reason.AUTHORIZE_CLIENT_UNKNOWN)
    assert accepted(None, None) == LogoutRequest(
        client=None, hint=None, redirect_uri=None, state=None
    )


@pytest.mark.requirement("C-04")
def test_nothing_is_said_twice() -> None:
    params = parameters_of([("client_id", "app"), ("client_id", "app")])
    assert decide_logout(params, None, CLIENT) == Refused(Reason.PARAMETER_REPEATED)


def test_a_hint_is_read_and_names_its_client() -> None:
    text = render_id_token(SAID, issuer=ISSUER, key=KEY)

    def read(**fields: str) -> IdTokenHint | Refused | None:
        params = parameters_of(fields.items())
        return read_hint(params, issuer=ISSUER, keyring=RING)

    assert read(id_token_hint=text) == HINT
    assert read(id_token_hint=text + "x") == Refused(Reason.ID_TOKEN_HINT_INVALID)
    assert read() is None
    nothing = parameters_of([])
    assert asking_client(nothing, HINT) == "app"
    assert asking_client(nothing, None) is None
    assert asking_client(parameters_of([("client_id", "b")]), HINT) == "b"


def test_only_a_client_of_this_very_session_ends_it_at_once() -> None:
    assert ends_at_once(accepted(), session="sid")
    assert not ends_at_once(accepted(), session="another")
    assert not ends_at_once(accepted(), session=None)
    assert not ends_at_once(
        accepted(CLIENT, replace(HINT, session=None)), session="sid"
    )
    assert not ends_at_once(accepted(CLIENT, None, client_id="app"), session="sid")


@pytest.mark.requirement("C-03")
def test_only_an_operators_client_is_vetted() -> None:
    assert not accepted().is_vetted
    assert accepted(replace(CLIENT, origin="pre-registered")).is_vetted
    assert not accepted(None, None).is_vetted


@given(st.text())
def test_a_state_is_returned_as_it_came(state: str) -> None:
    request = LogoutRequest(client=CLIENT, hint=HINT, redirect_uri=BYE, state=state)
    url = request.return_url()
    assert url is not None
    assert url.startswith(BYE + "?state=")
    assert url.isascii()
