"""Dynamic registration: what it takes, and the answer."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.registration import (
    MAX_REGISTRATION_BYTES,
    Registered,
    decide_client,
    decide_registration,
    registration_response,
)
from actor_oauth.oauth.wire import Reason, Refused
from tests.oauth.registrations import MINIMAL, NOW, POLICY, decide, registered

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
