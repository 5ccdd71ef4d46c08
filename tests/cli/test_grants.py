import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.tokens import TokenResponse
from actor_oauth.provider import Provider
from tests.cli.conftest import Command

PASSWORD = "correct horse battery staple"
VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636"
CALLBACK = "http://127.0.0.1/callback"


@pytest.fixture
def granted(actor_oauth: Command) -> str:
    """Alice has allowed a client something; gives its client id."""
    actor_oauth("users", "add", "alice", "--password-stdin", stdin=PASSWORD)
    added = actor_oauth(
        "clients", "add", "--name", "Notes", "--redirect-uri", CALLBACK, "--json"
    )
    client_id: str = json.loads(added.out)["client_id"]
    challenge = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode()
    request = {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "code_challenge": challenge.rstrip("="),
        "code_challenge_method": "S256",
    }

    async def allow() -> None:
        async with Provider(Settings()).open() as running:
            server = running.server
            asked = await server.parse_auth_request(urlencode(request))
            assert isinstance(asked, AuthorizationRequest)
            answer = await server.complete_authorization(asked, user_id="alice")
            assert isinstance(answer, Redirect)
            exchange = {
                "grant_type": "authorization_code",
                "client_id": client_id,
                "redirect_uri": CALLBACK,
                "code": parse_qs(urlsplit(answer.url).query)["code"][0],
                "code_verifier": VERIFIER,
            }
            form = parse_form(urlencode(exchange).encode())
            assert isinstance(form, Parameters)
            assert isinstance(await server.token(form, None), TokenResponse)

    trio.run(allow)
    return client_id


@pytest.mark.requirement("H-11")
def test_a_grant_is_listed_until_it_is_revoked(
    actor_oauth: Command, granted: str
) -> None:
    [grant] = json.loads(actor_oauth("grants", "list", "alice", "--json").out)
    assert grant["client_id"] == granted
    assert grant["resource"] == "http://127.0.0.1:8000/mcp"
    assert grant["scope"] == "mcp"
    heading, row = actor_oauth("grants", "list", "alice").out.splitlines()
    assert heading.split()[0] == "grant"
    assert grant["grant_id"] in row
    assert " UTC" in row
    revoke = ("grants", "revoke", "alice", grant["grant_id"])
    assert actor_oauth(*revoke).status == 0
    assert json.loads(actor_oauth("grants", "list", "alice", "--json").out) == []
    assert actor_oauth(*revoke).status == 1


def test_deleting_the_client_revokes_its_grants(
    actor_oauth: Command, granted: str
) -> None:
    assert actor_oauth("clients", "delete", granted).status == 0
    assert json.loads(actor_oauth("grants", "list", "alice", "--json").out) == []


def test_nobody_has_no_grants_to_list(actor_oauth: Command) -> None:
    done = actor_oauth("grants", "list", "nobody")
    assert (done.status, done.err) == (1, "actor-oauth: there is no user nobody\n")


def test_what_is_no_grant_cannot_be_revoked(actor_oauth: Command) -> None:
    done = actor_oauth("grants", "revoke", "nobody", "../../etc")
    assert done.status == 1
    assert "in force" in done.err
