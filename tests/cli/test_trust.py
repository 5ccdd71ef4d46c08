"""Commands around trusted issuers."""

import json

import pytest

from actor_oauth.oauth.grant_types import TOKEN_EXCHANGE
from tests.cli.conftest import Command
from tests.support.issuers import IDP, JWT_BEARER

ADD = ("clients", "add", "--name", "Agent", "--assertions", "--confidential", "--json")
TRUSTED = json.dumps([{"issuer": IDP, "jwks_uri": f"{IDP}/keys"}])
ID = ("users", "id", "--issuer", IDP)


@pytest.mark.requirement("D-40", "B-05")
def test_a_client_that_only_presents_assertions_needs_no_redirect_uri(
    actor_oauth: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTOR_OAUTH_TRUSTED_ISSUERS", TRUSTED)
    client = json.loads(actor_oauth(*ADD).out)
    assert client["grant_types"] == [JWT_BEARER]
    assert client["redirect_uris"] == []
    assert client["client_secret"]

    both = actor_oauth(*ADD, "--redirect-uri", "https://a.example/cb")
    assert JWT_BEARER in json.loads(both.out)["grant_types"]
    assert "authorization_code" in json.loads(both.out)["grant_types"]

    monkeypatch.setenv("ACTOR_OAUTH_TOKEN_EXCHANGE_ENABLED", "true")
    more = json.loads(actor_oauth(*ADD, "--exchange").out)
    assert more["grant_types"] == ["refresh_token", TOKEN_EXCHANGE, JWT_BEARER]


def test_without_a_trusted_issuer_there_are_no_assertions(actor_oauth: Command) -> None:
    done = actor_oauth(*ADD)
    assert done.status != 0
    assert "grant type is not supported" in done.err


def test_without_anything_to_do_there_is_no_client(actor_oauth: Command) -> None:
    done = actor_oauth("clients", "add", "--name", "Agent")
    assert done.status != 0
    assert "specify --redirect-uri" in done.err


@pytest.mark.requirement("D-48")
def test_the_name_of_somebody_whom_an_issuer_knows_is_told(
    actor_oauth: Command,
) -> None:
    alice = actor_oauth(*ID, "--subject", "alice").out
    assert alice.startswith("fed_")
    assert actor_oauth(*ID, "--subject", "alice").out == alice
    assert actor_oauth(*ID, "--subject", "alice", "--tenant", "t").out != alice
