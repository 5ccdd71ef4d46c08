"""Dynamic registration."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.client_metadata import MAX_LIST_LENGTH, MAX_LOCALIZED
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.registration import (
    MAX_REGISTRATION_BYTES,
    Registered,
    decide_client,
    decide_registration,
    registration_response,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.wire import Category, Reason, Refused

NOW = 1_700_000_000
POLICY = Policy(
    issuer="https://h.example",
    resources=(
        ResourcePolicy(identifier="https://h.example/mcp", scopes=("mcp", "tools")),
    ),
    private_use_schemes=frozenset(("cursor",)),
)
MINIMAL: Mapping[str, Json] = {"redirect_uris": ["https://c.example/cb"]}


def decide(members: object, policy: Policy = POLICY) -> Registered | Refused:
    return decide_registration(
        json.dumps(members).encode(), policy, client_id="aocl_x", now=NOW
    )


def registered(members: object) -> Client:
    decision = decide(members)
    assert isinstance(decision, Registered), decision
    return decision.client


def refused(members: object) -> Reason:
    decision = decide(members)
    assert isinstance(decision, Refused), decision
    return decision.reason


# What clients send, as captured or as in their source.
REAL_CLIENTS: list[dict[str, Json]] = [
    {  # Claude
        "client_name": "Claude",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "mcp offline_access",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
    },
    {  # Claude Code
        "client_name": "Claude Code (example)",
        "redirect_uris": ["http://localhost:3118/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    {  # VS Code
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_types": ["code"],
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    {  # Cursor
        "client_name": "Cursor",
        "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    {  # mcp-remote
        "redirect_uris": ["http://localhost:3335/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "MCP CLI Proxy",
        "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
        "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        "software_version": "0.1.31",
    },
    {  # MCP Inspector
        "redirect_uris": [
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
        ],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "MCP Inspector",
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "scope": "mcp",
    },
    {  # Gemini CLI
        "client_name": "Gemini CLI (Google ADK)",
        "redirect_uris": ["http://localhost:7777/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "",
    },
    {  # MCP Python SDK: members without a value are null
        "redirect_uris": ["http://localhost:3030/callback"],
        "token_endpoint_auth_method": None,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "mcp",
        "client_name": "Simple Auth Client",
        "client_uri": None,
        "logo_uri": None,
        "contacts": None,
        "tos_uri": None,
        "policy_uri": None,
        "jwks_uri": None,
        "jwks": None,
        "software_id": None,
        "software_version": None,
    },
]


@pytest.mark.requirement("B-21", "B-24")
@pytest.mark.parametrize(
    "members", REAL_CLIENTS, ids=[str(m.get("client_name")) for m in REAL_CLIENTS]
)
def test_real_clients_can_register(members: dict[str, Json]) -> None:
    client = registered(members)
    assert list(client.redirect_uris) == members["redirect_uris"]
    assert client.grant_types == ("authorization_code", "refresh_token")


@pytest.mark.requirement("B-23")
def test_what_is_left_out_has_the_defaults_of_the_rfc() -> None:
    decision = decide(MINIMAL)
    assert isinstance(decision, Registered)
    client = decision.client
    assert client.auth_method == "client_secret_basic"
    assert client.grant_types == ("authorization_code",)
    assert client.response_types == ("code",)
    assert decision.needs_secret
    assert client.issued_at == NOW
    assert client.origin == "dynamic"


@pytest.mark.requirement("B-23", "B-29")
@pytest.mark.parametrize(
    ("stated", "accepted"),
    [
        (None, {"client_secret_basic", "client_secret_post"}),
        ("client_secret_basic", {"client_secret_basic"}),
        ("client_secret_post", {"client_secret_post"}),
        ("none", {"none"}),
    ],
)
def test_a_stated_method_is_the_only_one(
    stated: str | None, accepted: set[str]
) -> None:
    decision = decide({**MINIMAL, "token_endpoint_auth_method": stated})
    assert isinstance(decision, Registered)
    assert decision.client.auth_methods_accepted == accepted
    assert decision.needs_secret is (stated != "none")


@pytest.mark.requirement("E-10", "B-22")
@pytest.mark.parametrize(
    "keys", [{"jwks": {"keys": []}}, {"jwks_uri": "https://c.example/jwks.json"}]
)
def test_a_client_with_a_key_of_its_own_needs_no_secret(keys: dict[str, Json]) -> None:
    decision = decide(
        {
            **MINIMAL,
            **keys,
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
        }
    )
    assert isinstance(decision, Registered)
    assert not decision.needs_secret
    assert decision.client.is_confidential
    response = registration_response(decision.client)
    assert response["token_endpoint_auth_signing_alg"] == "ES256"
    assert keys.items() <= response.items()
    assert Client.from_record(decision.client.to_record()) == decision.client


def test_an_operator_may_keep_public_clients_from_registering() -> None:
    closed = replace(POLICY, public_registration=False)
    public = {**MINIMAL, "token_endpoint_auth_method": "none"}
    assert decide(public, closed) == Refused(Reason.PUBLIC_CLIENT_REFUSED)
    assert isinstance(decide(MINIMAL, closed), Registered)
    made = decide_client(
        public, closed, client_id="x", now=NOW, origin="pre-registered"
    )
    assert isinstance(made, Registered)


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


@pytest.mark.requirement("B-21", "B-24")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.REGISTRATION_MALFORMED),
        (b"redirect_uris=x", Reason.REGISTRATION_MALFORMED),
        (b"[]", Reason.REGISTRATION_MALFORMED),
        (
            b'{"redirect_uris":["https://c.example"],"a":NaN}',
            Reason.REGISTRATION_MALFORMED,
        ),
        (b'{"a":' * 5000, Reason.REGISTRATION_MALFORMED),
        (b" " * (MAX_REGISTRATION_BYTES + 1), Reason.REGISTRATION_TOO_LARGE),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, reason: Reason) -> None:
    decision = decide_registration(body, POLICY, client_id="aocl_x", now=NOW)
    assert decision == Refused(reason)


def test_registration_can_be_switched_off() -> None:
    closed = Policy(
        issuer=POLICY.issuer, resources=POLICY.resources, registration_enabled=False
    )
    assert decide(MINIMAL, closed) == Refused(Reason.REGISTRATION_DISABLED)


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


@pytest.mark.requirement("B-22")
def test_the_answer_holds_everything_as_it_was_registered() -> None:
    client = registered(
        {
            "redirect_uris": ["https://c.example/cb", "https://c.example/cb"],
            "client_name": "Name",
            "client_name#de": "Der Name",
            "scope": "tools nonsense",
            "client_uri": "https://c.example",
            "contacts": ["a@c.example"],
            "application_type": "web",
            "token_endpoint_auth_method": "client_secret_post",
        }
    )
    assert registration_response(client, "the secret") == {
        "client_id": "aocl_x",
        "client_id_issued_at": NOW,
        "client_secret": "the secret",
        "client_secret_expires_at": 0,
        "redirect_uris": ["https://c.example/cb"],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "client_name": "Name",
        "client_name#de": "Der Name",
        "scope": "tools",
        "client_uri": "https://c.example",
        "contacts": ["a@c.example"],
        "application_type": "web",
    }


@pytest.mark.requirement("B-22", "B-31")
def test_a_public_client_gets_nothing_about_a_secret_or_management() -> None:
    client = registered({**MINIMAL, "token_endpoint_auth_method": "none"})
    response = registration_response(client)
    assert not {
        "client_secret",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    } & set(response)


@given(st.binary(max_size=300))
def test_deciding_on_any_bytes_never_raises(body: bytes) -> None:
    decide_registration(body, POLICY, client_id="aocl_x", now=NOW)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBER_NAMES = st.sampled_from(
    [
        "redirect_uris",
        "client_name",
        "client_name#de",
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "scope",
        "contacts",
        "jwks",
        "jwks_uri",
        "client_uri",
        "logo_uri#x-y",
        "application_type",
        "software_statement",
        "software_id",
    ]
)


@given(st.dictionaries(MEMBER_NAMES, JSON_VALUES))
def test_deciding_on_any_members_never_raises_and_stores_what_it_returns(
    members: dict[str, object],
) -> None:
    decision = decide({**MINIMAL, **members})
    if isinstance(decision, Registered):
        client = decision.client
        assert Client.from_record(client.to_record()) == client
        json.dumps(registration_response(client, "s"))
