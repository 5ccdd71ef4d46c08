"""Requests to token endpoints, and how this server says who it is."""

from base64 import b64decode
from dataclasses import replace
from typing import Final

import pytest

from actor_oauth.oauth.client_assertion import ASSERTION_TYPE
from actor_oauth.oauth.jwks import parse_jwks
from actor_oauth.oauth.keyring import new_keyring
from actor_oauth.oauth.signed_jwt import fitting_keys, parse_jwt, verifies
from actor_oauth.oauth.upstream.clients import ClientMethod, UpstreamClient
from actor_oauth.oauth.upstream.token_requests import (
    FormRequest,
    assertion_key,
    authenticated,
    code_form,
    published_keys,
    refresh_form,
    revocation_form,
)
from tests.oauth.upstream.test_attempts import CALLBACK, CLIENT, NOW, RESOURCE, begun

KEYRING: Final = new_keyring(secret=b"s" * 32, address_key=b"a" * 32, kid="k1")
ISSUER: Final = "https://as.example"


def sent(method: ClientMethod, client_id: str = "us", secret: str = "s") -> FormRequest:
    client = replace(CLIENT, method=method, client_id=client_id, secret=secret)
    return authenticated(
        {"grant_type": "x"},
        client,
        issuer=ISSUER,
        keyring=KEYRING,
        fresh=bytes(range(64)),
        now=NOW,
    )


@pytest.mark.requirement("I-16", "I-21")
def test_a_code_is_traded_with_what_was_recorded() -> None:
    attempt = begun().attempt

    assert code_form(attempt, "c") == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": CALLBACK,
        "code_verifier": attempt.verifier,
        "resource": RESOURCE,
    }
    by_hand = replace(attempt, sends_resource=False)
    assert "resource" not in code_form(by_hand, "c")


@pytest.mark.requirement("I-16")
def test_a_refresh_is_for_the_same_resource() -> None:
    assert refresh_form("r", resource=RESOURCE) == {
        "grant_type": "refresh_token",
        "refresh_token": "r",
        "resource": RESOURCE,
    }
    assert "resource" not in refresh_form("r", resource=None)


def test_a_revocation_says_what_kind_of_token_it_is() -> None:
    assert revocation_form("t", hint="refresh_token") == {
        "token": "t",
        "token_type_hint": "refresh_token",
    }


@pytest.mark.requirement("E-06")
def test_a_secret_in_the_header_is_encoded_as_the_standard_says() -> None:
    request = sent("client_secret_basic", "us:1 é", "p/+ &")

    assert request.form == {"grant_type": "x"}
    assert request.authorization is not None
    scheme, _, credentials = request.authorization.partition(" ")
    assert scheme == "Basic"
    assert b64decode(credentials) == b"us%3A1+%C3%A9:p%2F%2B+%26"
    assert credentials not in repr(request)


@pytest.mark.requirement("E-06")
def test_a_secret_in_the_body_is_only_there() -> None:
    request = sent("client_secret_post")

    assert request.form == {"grant_type": "x", "client_id": "us", "client_secret": "s"}
    assert request.authorization is None


@pytest.mark.requirement("E-06")
def test_a_public_client_says_its_name() -> None:
    assert sent("none") == FormRequest(form={"grant_type": "x", "client_id": "us"})


@pytest.mark.requirement("I-37")
def test_an_assertion_is_for_the_issuer_alone_and_short() -> None:
    request = sent("private_key_jwt")

    assert request.form["client_assertion_type"] == ASSERTION_TYPE
    assert "client_secret" not in request.form
    jwt = parse_jwt(request.form["client_assertion"])
    assert jwt is not None
    assert (jwt.typ, jwt.algorithm) == ("client-authentication+jwt", "ES256")
    assert jwt.claims == {
        "iss": "us",
        "sub": "us",
        "aud": ISSUER,
        "iat": NOW,
        "exp": NOW + 300,
        "jti": bytes(range(16)).hex(),
    }
    keys = parse_jwks(published_keys(KEYRING))
    assert keys is not None
    assert verifies(jwt, fitting_keys(jwt, keys), algorithms=["ES256"])


@pytest.mark.requirement("I-37")
def test_keys_turn_with_the_keyring_and_stay_published() -> None:
    rotated = KEYRING.with_current("k2", b"t" * 32)
    published = parse_jwks(published_keys(rotated))

    assert published is not None
    assert {key.kid for key in published} == {
        assertion_key(rotated, "k1").kid,
        assertion_key(rotated, "k2").kid,
    }
    assert assertion_key(KEYRING, "k1") == assertion_key(rotated, "k1")
    documents = published_keys(rotated)["keys"]
    assert isinstance(documents, list)
    assert [set(key) & {"d", "k"} for key in documents if isinstance(key, dict)] == [
        set(),
        set(),
    ]


def test_a_client_without_a_secret_of_its_method_sends_an_empty_one() -> None:
    bare = UpstreamClient(
        client_id="us",
        method="client_secret_post",
        redirect_uri=CALLBACK,
        origin="configured",
    )

    request = authenticated(
        {}, bare, issuer=ISSUER, keyring=KEYRING, fresh=bytes(64), now=NOW
    )

    assert request.form["client_secret"] == ""
