"""What an access token says now."""

import pytest

from actor_oauth.oauth.grants import GrantState
from actor_oauth.oauth.introspect import StoredAccessToken, access_of, decide_access
from actor_oauth.oauth.props import (
    encode_props,
    props_context,
    seal_props,
    wrap_data_key,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, TokenKind
from tests.support.grants import ACTOR_KEY, RESOURCE, START

TOKEN = Token(TokenKind.ACCESS, ACTOR_KEY, (7).to_bytes(4) + (1).to_bytes(4), b"t" * 32)
STORED = StoredAccessToken(
    issued_at=START,
    expires_at=START + 60,
    narrowed_scope=None,
    data_key=None,
    state=GrantState.ACTIVE,
    clock=START,
    client_id="app",
    resource=RESOURCE,
    scope="read write",
    metadata=None,
    sealed_props=None,
    user_id="ada",
)


def with_props(client_id: str = "app") -> StoredAccessToken:
    context = props_context(actor_key=ACTOR_KEY, number=7, client_id=client_id)
    key = b"d" * 32
    return STORED._replace(
        data_key=wrap_data_key(key, TOKEN),
        sealed_props=seal_props(encode_props({"a": 1}), data_key=key, context=context),
    )


@pytest.mark.requirement("G-05", "H-10")
def test_a_live_token_says_whose_it_is_and_what_for() -> None:
    info = decide_access(TOKEN, STORED, now=START + 59)
    assert info is not None
    assert (info.grant_id, info.client_id, info.user_id) == ("00000007", "app", "ada")
    assert (info.scope, info.resource) == (Scope(("read", "write")), RESOURCE)
    assert (info.issued_at, info.expires_at) == (START, START + 60)
    assert (info.props, info.metadata) == (None, None)


@pytest.mark.requirement("G-05")
def test_a_token_is_expired_at_its_expiry() -> None:
    assert decide_access(TOKEN, STORED, now=START + 60) is None


@pytest.mark.requirement("K-13")
def test_setting_the_clock_back_revives_no_token() -> None:
    seen = STORED._replace(clock=START + 60)
    assert decide_access(TOKEN, seen, now=START) is None


def test_an_unknown_token_says_nothing() -> None:
    assert decide_access(TOKEN, None, now=START) is None


@pytest.mark.requirement("G-05", "H-11")
@pytest.mark.parametrize("state", set(GrantState) - {GrantState.ACTIVE})
def test_a_token_dies_with_its_grant(state: GrantState) -> None:
    assert decide_access(TOKEN, STORED._replace(state=state), now=START) is None


def test_a_revoked_token_is_dead_at_any_time() -> None:
    revoked = STORED._replace(expires_at=0)
    assert decide_access(TOKEN, revoked, now=START) is None


@pytest.mark.requirement("D-23")
def test_a_narrowed_token_says_its_own_scope() -> None:
    info = decide_access(TOKEN, STORED._replace(narrowed_scope="read"), now=START)
    assert info is not None
    assert info.scope == Scope(("read",))


def test_props_and_metadata_come_with_the_token() -> None:
    info = decide_access(TOKEN, with_props()._replace(metadata='{"b":2}'), now=START)
    assert info is not None
    assert info.props == {"a": 1}
    assert info.metadata == {"b": 2}
    assert "'a'" not in repr(info)


def test_whoever_changes_what_they_were_told_changes_it_for_nobody_else() -> None:
    details = '[{"type":"pay","most":10}]'
    stored = with_props()._replace(metadata='{"b":[2]}', details=details)
    access = access_of(TOKEN, stored)
    assert access is not None
    first, second = access.at(START), access.at(START)
    assert first is not None
    assert first == second
    for told in (first.props, first.metadata, first.authorization_details):
        assert isinstance(told, dict | list)
        told.clear()
    assert access.at(START) == second


def test_what_an_access_weighs_grows_with_what_is_attached() -> None:
    plain, heavy = access_of(TOKEN, STORED), access_of(TOKEN, with_props())
    assert plain is not None
    assert heavy is not None
    assert heavy.weight == plain.weight + len('{"a":1}')
    assert "'a'" not in repr(heavy)


def test_introspection_leaves_the_props_closed() -> None:
    info = decide_access(TOKEN, with_props(), now=START, with_props=False)
    assert info is not None
    assert info.props is None


def test_props_without_a_key_for_this_token_stay_closed() -> None:
    info = decide_access(TOKEN, with_props()._replace(data_key=None), now=START)
    assert info is not None
    assert info.props is None


@pytest.mark.requirement("K-06")
def test_props_of_another_client_do_not_open() -> None:
    with pytest.raises(ValueError, match="grant"):
        decide_access(TOKEN, with_props(client_id="other"), now=START)
