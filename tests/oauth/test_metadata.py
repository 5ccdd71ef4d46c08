"""Metadata documents: they say what is enabled, all of it and nothing else."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS
from actor_oauth.oauth.metadata import (
    AUTHORIZATION_SERVER,
    PROTECTED_RESOURCE,
    Endpoints,
    WellKnown,
    authorization_server_metadata,
    check_policy,
    endpoints_of,
    openid_configuration_paths,
    protected_resource_metadata,
    well_known_path,
    well_known_url,
)
from actor_oauth.oauth.policy import ResourcePolicy
from tests.oauth.policies import API, MCP, POLICY

ALGORITHMS = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"]


@pytest.mark.requirement("A-01", "A-04", "A-05", "A-06", "A-08", "A-09")
def test_the_authorization_server_says_what_is_enabled() -> None:
    assert authorization_server_metadata(POLICY, endpoints_of(POLICY)) == {
        "issuer": "https://h.example/t1",
        "authorization_endpoint": "https://h.example/t1/authorize",
        "token_endpoint": "https://h.example/t1/token",
        "registration_endpoint": "https://h.example/t1/register",
        "revocation_endpoint": "https://h.example/t1/revoke",
        "introspection_endpoint": "https://h.example/t1/introspect",
        "pushed_authorization_request_endpoint": "https://h.example/t1/par",
        "scopes_supported": ["mcp", "tools", "read", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": [*SIGNING_ALGORITHMS],
        "authorization_response_iss_parameter_supported": True,
    }


@pytest.mark.requirement("A-05", "A-08")
def test_what_is_not_served_is_not_named() -> None:
    bare = Endpoints(authorization="https://h.example/a", token="https://h.example/t")
    document = authorization_server_metadata(POLICY, bare)
    assert [name for name in document if name.endswith("_endpoint")] == [
        "authorization_endpoint",
        "token_endpoint",
    ]
    assert not [name for name in document if name.startswith(("revoc", "introsp"))]


@pytest.mark.requirement("A-05")
def test_metadata_documents_are_named_only_if_they_are_on() -> None:
    name = "client_id_metadata_document_supported"
    endpoints = endpoints_of(POLICY)
    opened = replace(POLICY, metadata_documents_enabled=True)
    assert name not in authorization_server_metadata(POLICY, endpoints)
    assert authorization_server_metadata(opened, endpoints)[name] is True


@pytest.mark.requirement("A-05")
def test_registration_is_named_only_if_it_is_on() -> None:
    closed = replace(POLICY, registration_enabled=False)
    assert endpoints_of(closed).registration is None


def test_a_slash_at_the_end_of_the_issuer_is_not_doubled() -> None:
    slashed = replace(POLICY, issuer="https://h.example/")
    assert endpoints_of(slashed).token == "https://h.example/token"


@pytest.mark.requirement("A-11", "A-13", "A-14")
def test_a_resource_is_described_as_it_is_configured() -> None:
    assert protected_resource_metadata(MCP, POLICY.issuer) == {
        "resource": "https://h.example/mcp",
        "authorization_servers": ["https://h.example/t1"],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["mcp"],
        "resource_name": "The tools",
    }


@pytest.mark.requirement("A-07")
def test_an_empty_list_is_left_out() -> None:
    bare = ResourcePolicy(identifier="https://h.example/x", default_scopes=())
    document = protected_resource_metadata(bare, POLICY.issuer)
    assert set(document) == {
        "resource",
        "authorization_servers",
        "bearer_methods_supported",
    }
    for value in authorization_server_metadata(POLICY, endpoints_of(POLICY)).values():
        assert value not in (None, [])


@pytest.mark.requirement("A-02", "A-10")
@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        (AUTHORIZATION_SERVER, "https://h", "/.well-known/oauth-authorization-server"),
        (AUTHORIZATION_SERVER, "https://h/", "/.well-known/oauth-authorization-server"),
        (
            AUTHORIZATION_SERVER,
            "https://h/t1",
            "/.well-known/oauth-authorization-server/t1",
        ),
        (
            AUTHORIZATION_SERVER,
            "https://h/t1/",
            "/.well-known/oauth-authorization-server/t1",
        ),
        (PROTECTED_RESOURCE, "https://h", "/.well-known/oauth-protected-resource"),
        (PROTECTED_RESOURCE, "https://h/", "/.well-known/oauth-protected-resource"),
        (
            PROTECTED_RESOURCE,
            "https://h/mcp",
            "/.well-known/oauth-protected-resource/mcp",
        ),
        (
            PROTECTED_RESOURCE,
            "https://h/mcp/",
            "/.well-known/oauth-protected-resource/mcp/",
        ),
        (
            PROTECTED_RESOURCE,
            "https://h/a/b?k=v",
            "/.well-known/oauth-protected-resource/a/b?k=v",
        ),
        (
            PROTECTED_RESOURCE,
            "https://h/?k=v",
            "/.well-known/oauth-protected-resource?k=v",
        ),
    ],
)
def test_the_well_known_part_is_inserted_before_the_path(
    kind: WellKnown, url: str, expected: str
) -> None:
    assert well_known_path(kind, url) == expected
    assert well_known_url(kind, url) == "https://h" + expected


def test_the_authority_stays_as_it_is_written() -> None:
    assert (
        well_known_url(PROTECTED_RESOURCE, "http://127.0.0.1:8000/mcp")
        == "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"
    )
    assert well_known_url(PROTECTED_RESOURCE, "http://[::1]:8000?a").startswith(
        "http://[::1]:8000/.well-known/"
    )


def test_only_a_web_url_has_a_well_known_path() -> None:
    with pytest.raises(ValueError, match="http"):
        well_known_path(PROTECTED_RESOURCE, "urn:x")


@pytest.mark.requirement("A-03", "A-08")
def test_openid_connect_is_described_in_full_or_not_at_all() -> None:
    policy = replace(POLICY, openid_enabled=True)

    document = authorization_server_metadata(policy, endpoints_of(policy))
    without = authorization_server_metadata(POLICY, endpoints_of(POLICY))

    added = {name: document[name] for name in document.keys() - without.keys()}
    claims = added.pop("claims_supported")
    assert added == {
        "jwks_uri": "https://h.example/t1/jwks",
        "userinfo_endpoint": "https://h.example/t1/userinfo",
        "end_session_endpoint": "https://h.example/t1/end_session",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    assert isinstance(claims, list)
    assert {"sub", "auth_time", "nonce", "preferred_username"} <= set(claims)
    assert document["scopes_supported"] == [
        "mcp",
        "tools",
        "read",
        "openid",
        "profile",
        "email",
        "offline_access",
    ]
    assert document["code_challenge_methods_supported"] == ["S256"]
    pages_of_its_own = replace(endpoints_of(policy), end_session=None)
    document = authorization_server_metadata(policy, pages_of_its_own)
    assert "end_session_endpoint" not in document


@pytest.mark.requirement("A-04", "A-08", "C-06", "C-07")
def test_legacy_ways_are_named_exactly_while_they_are_on() -> None:
    def told(**changes: bool) -> list[object]:
        policy = replace(POLICY, **changes)  # type: ignore[arg-type]  # flags only
        document = authorization_server_metadata(policy, endpoints_of(policy))
        return [
            document["response_types_supported"],
            document["response_modes_supported"],
            document["grant_types_supported"],
            document["code_challenge_methods_supported"],
        ]

    usual = ["authorization_code", "refresh_token"]
    assert told() == [["code"], ["query"], usual, ["S256"]]
    assert told(plain_pkce_enabled=True) == [
        ["code"],
        ["query"],
        usual,
        ["S256", "plain"],
    ]
    assert told(implicit_enabled=True) == [
        ["code", "token"],
        ["query", "fragment"],
        [*usual, "implicit"],
        ["S256"],
    ]


@pytest.mark.requirement("A-03")
@pytest.mark.parametrize(
    ("issuer", "paths"),
    [
        ("https://h.example", ["/.well-known/openid-configuration"]),
        ("https://h.example/", ["/.well-known/openid-configuration"]),
        (
            "https://h.example/t1",
            [
                "/.well-known/openid-configuration/t1",
                "/t1/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_the_openid_document_is_where_either_specification_looks(
    issuer: str, paths: list[str]
) -> None:
    assert list(openid_configuration_paths(issuer)) == paths


@pytest.mark.requirement("A-15")
def test_identity_scopes_and_the_userinfo_endpoint_are_no_resources() -> None:
    scoped = replace(MCP, scopes=("mcp", "email"))
    userinfo = replace(API, identifier="https://h.example/t1/userinfo")
    policy = replace(POLICY, resources=(scoped, userinfo))

    assert check_policy(policy) == []
    assert check_policy(replace(policy, openid_enabled=True)) == [
        "email is not a scope of a resource ('https://h.example/mcp').",
        "The userinfo endpoint cannot be a resource as well.",
    ]
