"""Clients as values, and the life cycle of a registration."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.client_lifecycle import (
    TRANSITIONS,
    ClientEvent,
    ClientState,
    advance,
)
from actor_oauth.oauth.clients import Client, new_client_id
from actor_oauth.oauth.json_values import RecordError
from actor_oauth.oauth.scopes import Scope

FULL = Client(
    client_id="aocl_x",
    redirect_uris=("https://h.example/cb", "http://localhost/cb"),
    auth_method="client_secret_basic",
    auth_methods_accepted=frozenset(("client_secret_basic", "client_secret_post")),
    grant_types=("authorization_code",),
    response_types=("code",),
    origin="pre-registered",
    client_name="Näme",
    scope=Scope(("a", "b")),
    client_uri="https://h.example",
    logo_uri="https://h.example/logo",
    tos_uri="https://h.example/tos",
    policy_uri="https://h.example/policy",
    application_type="web",
    issued_at=1_700_000_000,
    epoch=3,
    metadata={"client_name#de": "Name", "contacts": ["a@h.example"]},
)


@pytest.mark.parametrize(
    "client", [FULL, Client(client_id="aocl_y", redirect_uris=("http://127.0.0.1/",))]
)
def test_a_client_survives_being_stored(client: Client) -> None:
    assert Client.from_record(client.to_record()) == client


@pytest.mark.requirement("K-15")
def test_what_an_older_record_lacks_is_not_allowed() -> None:
    client = Client.from_record('{"client_id":"x","auth_method":"none"}')
    assert client.redirect_uris == ()
    assert client.grant_types == ()
    assert client.response_types == ()
    assert client.auth_methods_accepted == frozenset()
    assert client.is_confidential
    assert client.origin == "dynamic"
    assert client.epoch == 0


def test_a_damaged_scope_is_one_that_allows_nothing() -> None:
    client = Client.from_record(
        '{"client_id":"x","auth_method":"none","scope":"a  b","origin":"invented"}'
    )
    assert client.scope == Scope()
    assert client.origin == "dynamic"


@pytest.mark.parametrize(
    "record",
    ["{}", '{"client_id":"x"}', '{"client_id":"x","auth_method":"magic"}', "x"],
)
def test_a_damaged_record_is_a_fault(record: str) -> None:
    with pytest.raises(RecordError):
        Client.from_record(record)


def test_who_has_a_secret_is_confidential() -> None:
    assert FULL.is_confidential
    assert not Client(client_id="x", redirect_uris=()).is_confidential


def test_only_an_operator_limits_what_a_client_may_be_granted() -> None:
    asked = Scope(("read", "write"))
    own = Client(client_id="app", redirect_uris=(), scope=Scope(("read",)))
    assert own.scope_limit is None
    assert own.may_hold(asked)
    limited = replace(own, origin="pre-registered")
    assert not limited.may_hold(asked)
    assert limited.may_hold(Scope(("offline_access", "read")))


@pytest.mark.requirement("B-01", "E-05")
@given(st.binary(min_size=16, max_size=16))
def test_a_client_id_needs_no_encoding_and_is_no_url(random: bytes) -> None:
    assert re.fullmatch(r"aocl_[A-Za-z0-9_-]{22}", new_client_id(random))


def test_a_client_id_needs_its_random_bytes() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        new_client_id(b"short")


def test_the_life_cycle_covers_every_state_and_reaches_it() -> None:
    assert set(TRANSITIONS) == set(ClientState)
    reached = {state for moves in TRANSITIONS.values() for state in moves.values()}
    assert reached | {ClientState.ABSENT} == set(ClientState)


@pytest.mark.requirement("B-36")
@pytest.mark.parametrize("event", ClientEvent)
def test_nothing_happens_to_a_deleted_client(event: ClientEvent) -> None:
    assert advance(ClientState.DELETED, event) is None


def test_only_a_move_in_the_table_is_made() -> None:
    assert advance(ClientState.ACTIVE, ClientEvent.DISABLED) is ClientState.DISABLED
    assert advance(ClientState.ACTIVE, ClientEvent.ENABLED) is None
    assert advance(ClientState.ABSENT, ClientEvent.DELETED) is None
