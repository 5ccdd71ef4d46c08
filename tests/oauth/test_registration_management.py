"""What a client may do with its own registration."""

import json
from dataclasses import replace

import pytest

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.registration import MAX_REGISTRATION_BYTES, is_reduced
from actor_oauth.oauth.registration_management import (
    Replacement,
    decide_replacement,
    derive_successors,
    managed_response,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import NO_RECORD, Token, TokenKind, parse_token
from actor_oauth.oauth.wire import Reason, Refused

POLICY = Policy(
    issuer="https://as.example",
    resources=(
        ResourcePolicy(identifier="https://as.example/mcp", scopes=("mcp", "tools")),
    ),
)
CLIENT = Client(
    client_id="aocl_x",
    redirect_uris=("https://c.example/a", "https://c.example/b"),
    client_name="A client",
    scope=Scope(("mcp", "tools")),
    issued_at=1_700_000_000,
)
TOKEN = Token(TokenKind.REGISTRATION, "ab" * 16, NO_RECORD, b"s" * 32)


@pytest.mark.requirement("B-33")
def test_a_replacement_keeps_who_the_client_is_and_nothing_else() -> None:
    body = json.dumps(
        {
            "client_id": "aocl_x",
            "redirect_uris": ["https://c.example/c"],
            "client_secret": "s",
        }
    )
    decision = decide_replacement(body.encode(), CLIENT, POLICY)
    assert isinstance(decision, Replacement)
    assert decision.client.client_id == "aocl_x"
    assert decision.client.issued_at == CLIENT.issued_at
    assert decision.client.client_name is None
    assert decision.client.scope is None
    assert decision.needs_secret
    assert decision.client_secret == "s"
    assert "'s'" not in repr(decision)


@pytest.mark.requirement("B-33")
def test_a_replacement_has_the_limits_of_a_registration() -> None:
    huge = b" " * (MAX_REGISTRATION_BYTES + 1)
    refused = decide_replacement(huge, CLIENT, POLICY)
    assert refused == Refused(Reason.REGISTRATION_TOO_LARGE)


@pytest.mark.requirement("B-35")
def test_what_follows_is_the_same_each_time_and_different_for_all_else() -> None:
    first = derive_successors(TOKEN, b"1" * 32)
    assert derive_successors(TOKEN, b"1" * 32) == first
    others = [
        derive_successors(TOKEN, b"2" * 32),
        derive_successors(replace(TOKEN, secret=b"t" * 32), b"1" * 32),
    ]
    secrets = {first.access.secret, first.secret.secret, TOKEN.secret}
    for other in others:
        secrets |= {other.access.secret, other.secret.secret}
    assert len(secrets) == 7
    assert parse_token(first.access.render()) == first.access
    assert first.secret.kind is TokenKind.CLIENT_SECRET


@pytest.mark.requirement("B-31")
def test_the_answer_says_where_and_with_what_to_come_back() -> None:
    answer = managed_response(
        CLIENT, management_endpoint="https://as.example/m", access_token="t"
    )
    assert answer["registration_client_uri"] == "https://as.example/m?client_id=aocl_x"
    assert answer["registration_access_token"] == "t"
    assert "client_secret" not in answer


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"client_name": "Another"}, True),
        ({"redirect_uris": ("https://c.example/b",)}, True),
        ({"grant_types": ("authorization_code",)}, True),
        ({"scope": Scope(("mcp",))}, True),
        ({"metadata": {"contacts": ["x"]}}, True),
        ({"redirect_uris": ()}, False),
        ({"redirect_uris": ("https://c.example/a", "https://d.example")}, False),
        ({"grant_types": ("refresh_token",)}, False),
        ({"grant_types": ("authorization_code", "magic")}, False),
        ({"scope": Scope(("mcp", "more"))}, False),
        ({"client_id": "another"}, False),
        ({"auth_method": "client_secret_post"}, False),
        ({"auth_methods_accepted": frozenset()}, False),
        ({"origin": "pre-registered"}, False),
        ({"epoch": 2}, False),
    ],
)
def test_an_application_may_take_from_a_client_but_give_it_nothing(
    change: dict[str, object], accepted: bool
) -> None:
    changed = replace(CLIENT, **change)  # type: ignore[arg-type]  # members of a client
    assert is_reduced(CLIENT, changed) is accepted


def test_an_application_may_approve_a_client_that_has_no_browser() -> None:
    device = replace(CLIENT, redirect_uris=(), grant_types=("device", "refresh_token"))
    assert is_reduced(device, device)
    assert is_reduced(device, replace(device, grant_types=("device",)))
    assert not is_reduced(device, replace(device, grant_types=()))
    assert not is_reduced(device, CLIENT)
