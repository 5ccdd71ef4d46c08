"""What other servers say about themselves, and what of it may be believed."""

import json
from typing import Final

import pytest

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.resource_metadata import (
    ResourceMetadata,
    decide_resource_metadata,
)
from actor_oauth.oauth.upstream.server_metadata import (
    UpstreamServer,
    decide_server_metadata,
)

URL: Final = "https://r.example/api/mcp"
ISSUER: Final = "https://as.example/t"
_F = UpstreamFault

RESOURCE: Final[dict[str, Json]] = {
    "resource": URL,
    "authorization_servers": [ISSUER],
}
SERVER: Final[dict[str, Json]] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://as.example/t/authorize",
    "token_endpoint": "https://as.example/t/token",
    "code_challenge_methods_supported": ["S256"],
}


def resource(url: str = URL, **changes: Json) -> ResourceMetadata | UpstreamFailed:
    body = json.dumps({**RESOURCE, **changes}).encode()
    return decide_resource_metadata(body, url, loopback=False)


def server(**changes: Json) -> UpstreamServer | UpstreamFailed:
    body = json.dumps({**SERVER, **changes}).encode()
    return decide_server_metadata(body, ISSUER, loopback=False)


def fault(answer: object) -> UpstreamFault:
    assert isinstance(answer, UpstreamFailed)
    return answer.fault


@pytest.mark.requirement("I-05")
@pytest.mark.parametrize(
    "identifier",
    [
        URL,
        "https://R.example:443/api/mcp",
        "https://r.example/api",
        "https://r.example",
    ],
)
def test_a_resource_may_speak_for_itself_and_what_is_below_it(identifier: str) -> None:
    found = resource(resource=identifier)

    assert isinstance(found, ResourceMetadata)
    assert found.resource == identifier


@pytest.mark.requirement("I-05")
@pytest.mark.parametrize(
    "identifier",
    [
        "https://evil.example/api/mcp",
        "https://r.example/api/mcp/deeper",
        "https://r.example/api/mc",
        "https://r.example/other",
        "http://r.example/api/mcp",
        "https://r.example:8443/api/mcp",
        "https://r.example/api/mcp?tenant=1",
        "nonsense",
    ],
)
def test_a_resource_that_speaks_for_another_one_is_refused(identifier: str) -> None:
    assert fault(resource(resource=identifier)) is _F.RESOURCE_MISMATCH


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resource": 1}', b"\xff"])
def test_a_document_without_a_resource_is_none(body: bytes) -> None:
    answer = decide_resource_metadata(body, URL, loopback=False)

    assert fault(answer) is _F.METADATA_MALFORMED


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize(
    "servers",
    [
        [],
        None,
        "https://as.example",
        ["http://as.example", "javascript:x", 7, "https://as.example/?x=1"],
        ["http://127.0.0.1"],
    ],
)
def test_an_issuer_is_an_https_url_without_a_query(servers: Json) -> None:
    assert fault(resource(authorization_servers=servers)) is _F.NO_AUTHORIZATION_SERVER


def test_issuers_on_this_machine_are_for_development() -> None:
    body = json.dumps({**RESOURCE, "authorization_servers": ["http://127.0.0.1:9"]})

    found = decide_resource_metadata(body.encode(), URL, loopback=True)

    assert isinstance(found, ResourceMetadata)
    assert found.authorization_servers == ("http://127.0.0.1:9",)


def test_scopes_and_name_are_read_and_limited() -> None:
    found = resource(
        scopes_supported=["a", 'b"', "c d", "a", 3],
        resource_name="n" * 300,
        authorization_servers=[f"https://as{number}.example" for number in range(20)],
    )

    assert isinstance(found, ResourceMetadata)
    assert found.scopes == Scope(("a", "c", "d"))
    assert found.name == "n" * 200
    assert len(found.authorization_servers) == 8


@pytest.mark.requirement("I-07")
@pytest.mark.parametrize(
    "issuer",
    ["https://as.example/t/", "https://as.example", "https://AS.example/t"],
)
def test_an_issuer_is_compared_character_for_character(issuer: str) -> None:
    assert fault(server(issuer=issuer)) is _F.ISSUER_MISMATCH


@pytest.mark.parametrize("body", [b"x", b"{}", b'{"issuer": 1}'])
def test_a_document_without_an_issuer_is_none(body: bytes) -> None:
    answer = decide_server_metadata(body, ISSUER, loopback=False)

    assert fault(answer) is _F.METADATA_MALFORMED


@pytest.mark.requirement("I-08")
@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256"])
def test_a_server_without_pkce_is_refused(methods: Json) -> None:
    assert (
        fault(server(code_challenge_methods_supported=methods)) is _F.PKCE_UNSUPPORTED
    )


def test_a_server_set_up_by_hand_need_not_say_that_it_has_pkce() -> None:
    body = json.dumps({**SERVER, "code_challenge_methods_supported": None}).encode()

    found = decide_server_metadata(body, ISSUER, loopback=False, needs_pkce=False)

    assert isinstance(found, UpstreamServer)


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "url", [None, 7, "", "http://as.example/x", "javascript:alert(1)", "//as.example/x"]
)
def test_an_endpoint_that_must_not_be_used_is_refused(name: str, url: Json) -> None:
    assert fault(server(**{name: url})) is _F.ENDPOINT_REFUSED


@pytest.mark.requirement("I-09")
def test_a_further_endpoint_that_must_not_be_used_is_as_if_absent() -> None:
    found = server(
        registration_endpoint="http://10.0.0.1/register",
        revocation_endpoint="file:///etc/passwd",
        jwks_uri="https://as.example/keys",
    )

    assert isinstance(found, UpstreamServer)
    assert found.registration_endpoint is None
    assert found.revocation_endpoint is None
    assert found.jwks_uri == "https://as.example/keys"


def test_what_a_server_does_not_say_is_as_the_standard_has_it() -> None:
    found = server()

    assert isinstance(found, UpstreamServer)
    assert found.token_endpoint_auth_methods_supported == ("client_secret_basic",)
    assert found.scopes_supported == Scope()
    assert not found.authorization_response_iss_parameter_supported


def test_a_stored_server_is_read_back() -> None:
    found = server(
        registration_endpoint="https://as.example/register",
        revocation_endpoint="https://as.example/revoke",
        pushed_authorization_request_endpoint="https://as.example/par",
        userinfo_endpoint="https://as.example/me",
        jwks_uri="https://as.example/keys",
        scopes_supported=["a", "b"],
        token_endpoint_auth_methods_supported=["none", "private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["ES256"],
        dpop_signing_alg_values_supported=["EdDSA"],
        authorization_response_iss_parameter_supported=True,
        client_id_metadata_document_supported=True,
        require_pushed_authorization_requests=True,
    )

    assert isinstance(found, UpstreamServer)
    assert UpstreamServer.from_record(found.to_record()) == found
