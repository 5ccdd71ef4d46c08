"""Who this server is elsewhere, and how it becomes that."""

import json
from dataclasses import replace
from typing import Final

import pytest

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.upstream.clients import (
    UpstreamClient,
    choose_method,
    client_metadata,
    decide_registration,
    document_method,
)
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

NOW: Final = 1_800_000_000
CALLBACK: Final = "https://us.example/oauth/callback/as.example"
SERVER: Final = UpstreamServer(
    issuer="https://as.example",
    authorization_endpoint="https://as.example/authorize",
    token_endpoint="https://as.example/token",
)


def offering(*methods: str, algorithms: tuple[str, ...] = ()) -> UpstreamServer:
    return replace(
        SERVER,
        token_endpoint_auth_methods_supported=methods,
        token_endpoint_auth_signing_alg_values_supported=algorithms,
    )


def registered(
    members: dict[str, Json], status: int = 201
) -> UpstreamClient | UpstreamFailed:
    body = json.dumps({"client_id": "us", **members}).encode()
    return decide_registration(status, body, redirect_uri=CALLBACK, now=NOW)


@pytest.mark.requirement("I-13")
@pytest.mark.parametrize(
    ("server", "registering", "publishing"),
    [
        (SERVER, "client_secret_basic", "none"),
        (offering("none", "client_secret_post"), "client_secret_post", "none"),
        (offering("none", "private_key_jwt"), "private_key_jwt", "private_key_jwt"),
        (
            offering("none", "private_key_jwt", algorithms=("RS256",)),
            "none",
            "none",
        ),
        (
            offering("private_key_jwt", algorithms=("RS256", "ES256")),
            "private_key_jwt",
            "private_key_jwt",
        ),
        (offering("tls_client_auth"), None, "none"),
    ],
)
def test_the_method_is_one_that_the_server_has(
    server: UpstreamServer, registering: str | None, publishing: str
) -> None:
    assert choose_method(server, signs=True) == registering
    assert choose_method(server, signs=False) != "private_key_jwt"
    assert document_method(server) == publishing


@pytest.mark.requirement("I-13")
@pytest.mark.parametrize(
    ("redirect_uri", "kind"),
    [(CALLBACK, "web"), ("http://127.0.0.1:8000/oauth/callback/x", "native")],
)
def test_a_hosted_callback_makes_a_web_application(
    redirect_uri: str, kind: str
) -> None:
    members = client_metadata(
        client_name="Us",
        redirect_uri=redirect_uri,
        method="none",
        client_uri="https://us.example",
        jwks_uri="https://us.example/oauth/jwks",
    )

    assert members == {
        "client_name": "Us",
        "client_uri": "https://us.example",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": kind,
        "token_endpoint_auth_method": "none",
    }


def test_a_client_that_signs_says_where_its_keys_are() -> None:
    members = client_metadata(
        client_name="Us",
        redirect_uri=CALLBACK,
        method="private_key_jwt",
        client_uri="https://us.example",
        jwks_uri="https://us.example/oauth/jwks",
    )

    assert members["jwks_uri"] == "https://us.example/oauth/jwks"
    assert members["token_endpoint_auth_signing_alg"] == "ES256"


@pytest.mark.requirement("I-13")
@pytest.mark.parametrize(
    ("members", "method", "secret", "expires_at"),
    [
        ({}, "none", None, 0),
        ({"client_secret": "s"}, "client_secret_basic", "s", 0),
        (
            {"client_secret": "s", "client_secret_expires_at": NOW + 9},
            "client_secret_basic",
            "s",
            NOW + 9,
        ),
        # What the server says counts, whatever was asked for.
        (
            {"client_secret": "s", "token_endpoint_auth_method": "client_secret_post"},
            "client_secret_post",
            "s",
            0,
        ),
        ({"client_secret": "s", "token_endpoint_auth_method": "none"}, "none", None, 0),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt", None, 0),
        ({"redirect_uris": ["https://x.example", CALLBACK]}, "none", None, 0),
        ({"client_secret_expires_at": NOW + 9}, "none", None, 0),
        (
            {"client_secret": "s", "client_secret_expires_at": -1},
            "client_secret_basic",
            "s",
            0,
        ),
    ],
)
def test_the_answer_says_who_this_server_is(
    members: dict[str, Json], method: str, secret: str | None, expires_at: int
) -> None:
    for status in (200, 201):
        client = registered(members, status)

        assert isinstance(client, UpstreamClient)
        assert (client.client_id, client.origin) == ("us", "registered")
        assert (client.method, client.secret) == (method, secret)
        assert client.expires_at == expires_at
        assert "'s'" not in repr(client)


@pytest.mark.requirement("I-13")
@pytest.mark.parametrize(
    "members",
    [
        {"client_id": None},
        {"client_id": "x" * 2049},
        {"client_secret": "x" * 2049},
        {"redirect_uris": ["https://evil.example/"]},
        {"redirect_uris": CALLBACK},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"client_secret": "s", "client_secret_expires_at": NOW},
    ],
)
def test_an_answer_that_cannot_be_used_registers_nobody(
    members: dict[str, Json],
) -> None:
    refused = registered(members)

    assert isinstance(refused, UpstreamFailed)
    assert refused.fault is UpstreamFault.REGISTRATION_REFUSED


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, b'{"error": "invalid_redirect_uri"}'), (201, b"<html>"), (403, b"")],
)
def test_a_refusal_registers_nobody(status: int, body: bytes) -> None:
    refused = decide_registration(status, body, redirect_uri=CALLBACK, now=NOW)

    assert isinstance(refused, UpstreamFailed)
    assert refused.detail.startswith(str(status))


def test_a_stored_client_is_read_back_and_knows_when_it_ends() -> None:
    client = registered({"client_secret": "s", "client_secret_expires_at": NOW + 9})

    assert isinstance(client, UpstreamClient)
    assert UpstreamClient.from_record(client.to_record()) == client
