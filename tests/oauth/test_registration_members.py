"""Dynamic registration: what becomes of each thing that a client says."""

import pytest

from actor_oauth.oauth.client_metadata import MAX_LIST_LENGTH, MAX_LOCALIZED
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.registration import (
    Registered,
    decide_client,
    registration_response,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Category, Reason, Refused
from tests.oauth.registrations import MINIMAL, NOW, POLICY, decide, registered


def refused(members: object) -> Reason:
    decision = decide(members)
    assert isinstance(decision, Refused), decision
    return decision.reason


@pytest.mark.requirement("B-24")
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"token_endpoint_auth_method": "magic"}, Reason.AUTH_METHOD_UNSUPPORTED),
        (
            {"token_endpoint_auth_method": "private_key_jwt"},
            Reason.METADATA_KEYS_MISSING,
        ),
        ({"jwks": {"keys": [{"kty": "oct"}]}}, Reason.METADATA_JWKS_INVALID),
        ({"jwks": "x"}, Reason.METADATA_JWKS_INVALID),
        (
            {"token_endpoint_auth_signing_alg": "none"},
            Reason.SIGNING_ALGORITHM_UNSUPPORTED,
        ),
        (
            {"token_endpoint_auth_signing_alg": "HS256"},
            Reason.SIGNING_ALGORITHM_UNSUPPORTED,
        ),
        ({"token_endpoint_auth_method": "None"}, Reason.AUTH_METHOD_UNSUPPORTED),
        ({"token_endpoint_auth_method": "no\0ne"}, Reason.AUTH_METHOD_UNSUPPORTED),
        ({"token_endpoint_auth_method": 1}, Reason.METADATA_TYPE_WRONG),
        ({"grant_types": ["implicit"]}, Reason.GRANT_TYPES_UNSUPPORTED),
        ({"grant_types": ["client_credentials"]}, Reason.GRANT_TYPES_UNSUPPORTED),
        ({"grant_types": ["refresh_token"]}, Reason.GRANT_TYPES_UNSUPPORTED),
        ({"grant_types": "authorization_code"}, Reason.METADATA_TYPE_WRONG),
        ({"grant_types": [1]}, Reason.METADATA_TYPE_WRONG),
        ({"grant_types": ["x"] * (MAX_LIST_LENGTH + 1)}, Reason.METADATA_TOO_LONG),
        ({"response_types": ["token"]}, Reason.RESPONSE_TYPES_UNSUPPORTED),
        ({"response_types": ["code id_token"]}, Reason.RESPONSE_TYPES_UNSUPPORTED),
        ({"redirect_uris": None}, Reason.REDIRECT_URIS_MISSING),
        ({"redirect_uris": []}, Reason.REDIRECT_URIS_MISSING),
        ({"redirect_uris": "https://c.example"}, Reason.REDIRECT_URIS_MISSING),
        ({"redirect_uris": [1]}, Reason.REDIRECT_URI_MALFORMED),
        ({"redirect_uris": ["http://c.example"]}, Reason.REDIRECT_URI_NOT_LOOPBACK),
        (
            {"redirect_uris": ["https://c.example/cb", "javascript:alert(1)"]},
            Reason.REDIRECT_URI_SCHEME,
        ),
        (
            {"redirect_uris": [f"https://c.example/{i}" for i in range(33)]},
            Reason.REDIRECT_URIS_TOO_MANY,
        ),
        ({"client_name": "n" * 257}, Reason.METADATA_TOO_LONG),
        ({"client_name": {"de": "x"}}, Reason.METADATA_TYPE_WRONG),
        ({"scope": "a  b"}, Reason.METADATA_SCOPE_MALFORMED),
        ({"scope": ["mcp"]}, Reason.METADATA_TYPE_WRONG),
        ({"contacts": ["c" * 257]}, Reason.METADATA_TOO_LONG),
        ({"contacts": "me@c.example"}, Reason.METADATA_TYPE_WRONG),
        (
            {"jwks": {"keys": []}, "jwks_uri": "https://c.example"},
            Reason.METADATA_INCONSISTENT,
        ),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_stored(
    members: dict[str, Json], reason: Reason
) -> None:
    assert refused({**MINIMAL, **members}) is reason


@pytest.mark.requirement("B-24")
def test_redirect_uris_have_an_error_code_of_their_own() -> None:
    assert refused({}).category is Category.INVALID_REDIRECT_URI
    bad_name = refused({**MINIMAL, "client_name": 1})
    assert bad_name.category is Category.INVALID_CLIENT_METADATA


@pytest.mark.requirement("B-24")
def test_types_that_are_unknown_are_left_out_if_something_usable_remains() -> None:
    client = registered(
        {
            **MINIMAL,
            "grant_types": ["implicit", "refresh_token", "authorization_code"],
            "response_types": ["token", "code"],
        }
    )
    assert client.grant_types == ("authorization_code", "refresh_token")
    assert client.response_types == ("code",)


def test_an_empty_list_says_as_little_as_none() -> None:
    client = registered({**MINIMAL, "grant_types": [], "response_types": []})
    assert client.grant_types == ("authorization_code",)
    assert client.response_types == ("code",)


@pytest.mark.requirement("B-25")
def test_unknown_members_are_ignored_and_languages_are_kept() -> None:
    client = registered(
        {
            **MINIMAL,
            "client_name": "Name",
            "client_name#de": "Der Name",
            "client_name#zh-Hant-TW": "名",
            "client_uri#fr": "https://c.example/fr",
            "client_name#": "no language",
            "client_name#<script>": "no language",
            "scope#de": "not for people",
            "frobnicate": {"a": 1},
            "client_id": "chosen-by-the-client",
            "client_secret": "chosen-by-the-client",
        }
    )
    assert client.client_id == "aocl_x"
    assert client.client_name == "Name"
    assert client.metadata == {
        "client_name#de": "Der Name",
        "client_name#zh-Hant-TW": "名",
        "client_uri#fr": "https://c.example/fr",
    }


def test_languages_have_a_limit() -> None:
    many = {f"client_name#x{i}": "n" for i in range(MAX_LOCALIZED + 1)}
    assert refused({**MINIMAL, **many}) is Reason.METADATA_TOO_LONG


@pytest.mark.requirement("B-26")
@pytest.mark.parametrize(
    "name",
    ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri", "logo_uri#de"],
)
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:image/svg+xml,x",
        "/logo.png",
        "c.example",
        "https://u:p@c.example/",
        'https://c.example/"onload=',
        "https://c.example/\u202egnp",
    ],
)
def test_a_link_that_people_may_click_is_a_plain_web_url(name: str, uri: str) -> None:
    assert refused({**MINIMAL, name: uri}) is Reason.METADATA_URI_INVALID


@pytest.mark.requirement("J-09")
def test_a_name_cannot_rewrite_the_line_that_it_stands_in() -> None:
    client = registered(
        {
            **MINIMAL,
            "client_name": "\x1b[2JGo\u202eogle\r\n ",
            "contacts": ["a\0@c.example", "\n"],
        }
    )
    assert client.client_name == "[2JGoogle"
    assert client.metadata == {"contacts": ["a@c.example"]}
    assert registered({**MINIMAL, "client_name": "\n"}).client_name is None


@pytest.mark.requirement("B-27")
@pytest.mark.parametrize(
    ("application_type", "uri", "reason"),
    [
        ("web", "https://c.example/cb", None),
        ("web", "http://localhost/cb", Reason.REDIRECT_URI_APPLICATION_TYPE),
        ("native", "http://localhost/cb", None),
        ("desktop", "http://localhost/cb", Reason.APPLICATION_TYPE_UNKNOWN),
        (None, "http://localhost/cb", None),
    ],
)
def test_an_application_type_counts_if_it_is_stated(
    application_type: str | None, uri: str, reason: Reason | None
) -> None:
    members = {"redirect_uris": [uri], "application_type": application_type}
    if reason is None:
        assert registered(members).application_type == application_type
    else:
        assert refused(members) is reason


@pytest.mark.requirement("B-28")
def test_a_software_statement_is_ignored_as_a_whole() -> None:
    client = registered({**MINIMAL, "software_statement": "eyJ.eyJ.x"})
    assert "software_statement" not in registration_response(client, "s")
    assert client == registered({**MINIMAL, "software_statement": {"a": 1}})


def test_unknown_scopes_are_left_out_of_what_a_client_registers() -> None:
    client = registered({**MINIMAL, "scope": "tools nonsense offline_access"})
    assert client.scope == Scope(("tools", "offline_access"))
    assert registered({**MINIMAL, "scope": "nonsense"}).scope is None


@pytest.mark.requirement("B-05")
def test_an_operator_is_told_of_an_unknown_scope() -> None:
    def create(scope: str) -> Registered | Refused:
        return decide_client(
            {**MINIMAL, "scope": scope},
            POLICY,
            client_id="aocl_x",
            now=NOW,
            origin="pre-registered",
        )

    assert create("tools nonsense") == Refused(Reason.METADATA_SCOPE_MALFORMED)
    decision = create("tools")
    assert isinstance(decision, Registered)
    assert decision.client.origin == "pre-registered"
    assert decision.client.scope == Scope(("tools",))
