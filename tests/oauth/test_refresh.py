"""Convergent rotation: what presenting the head of a chain does."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.grants import Ending, GrantEvent, GrantState
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh import decide_refresh
from actor_oauth.oauth.refresh_chain import Link, RefreshRequest, Retry, Rotation
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenKind, token_hash
from tests.oauth.rotations import REPLAYED, head_of, retried, rotated
from tests.support.grants import (
    GRACE,
    KEYRING,
    RESOURCE,
    SCOPE,
    START,
    a_chain,
    a_policy,
    fresh,
    parsed,
)

NARROW = Scope(("read",))


@pytest.mark.requirement("D-22", "D-25")
def test_the_head_rotates_into_a_new_head() -> None:
    chain, first = a_chain()
    response = rotated(chain, first)
    assert head_of(response) != first
    assert chain.grant.generation == 2
    assert (response.expires_in, response.scope, response.resource) == (
        3600,
        SCOPE,
        RESOURCE,
    )
    assert parsed(response.access_token).kind is TokenKind.ACCESS


@pytest.mark.requirement("D-30")
def test_nothing_that_is_stored_is_a_token() -> None:
    chain, first = a_chain()
    response = rotated(chain, first)
    stored = repr(chain.rows) + repr(chain.issued) + repr(chain.grant)
    for text in (first, head_of(response), response.access_token):
        token = parsed(text)
        assert repr(token.secret)[2:-1] not in stored
        assert token.secret.hex() not in stored


@pytest.mark.requirement("D-30")
def test_a_successor_needs_the_salt_the_keyring_and_the_presented_secret() -> None:
    successors = set()
    for salt, keyring, secret in (
        (b"1" * 16, KEYRING, None),
        (b"2" * 16, KEYRING, None),
        (b"1" * 16, replace(KEYRING, secrets={"k1": b"x" * 32}), None),
        (b"1" * 16, KEYRING, b"y" * 32),
    ):
        chain, first = a_chain()
        token = parsed(first)
        token = token if secret is None else replace(token, secret=secret)
        link = Link(kid="k1", salt=salt, window_ends_at=START + GRACE)
        chain.keyring = keyring
        chain.rows = {
            1: replace(chain.rows[1], hash=token_hash(token), link=link),
            2: replace(chain.rows[1], generation=2),
        }
        chain.issued[2] = {}
        chain.grant = replace(chain.grant, generation=2)
        # The walk arrives somewhere else each time, so nothing stored can match.
        assert chain.refresh(token) == Refused(Reason.RETRY_UNDERIVABLE)
        chain.rows = {1: replace(chain.rows[1], link=None)}
        chain.grant = replace(chain.grant, generation=1)
        rotation = chain.refresh(token)
        assert isinstance(rotation, Rotation)
        successors.add(rotation.refresh.token.secret)
    assert len(successors) == 4


@pytest.mark.requirement("D-24")
def test_idle_expiry_slides_with_each_rotation_and_absolute_expiry_stays() -> None:
    chain, token = a_chain(policy=a_policy(refresh_idle=1000, refresh_absolute=2500))
    for later in (900, 1800):
        chain.now = START + later
        token = head_of(rotated(chain, token))
        assert chain.grant.deadline == min(START + later + 1000, START + 2500)
        assert chain.grant.expires_at == START + 2500
    chain.now = START + 2500
    assert chain.refresh(token) == Ending(
        refused=Refused(Reason.GRANT_EXPIRED), event=GrantEvent.LIFETIME_ENDED
    )


@pytest.mark.requirement("D-24")
def test_an_idle_refresh_token_expires() -> None:
    chain, token = a_chain(policy=a_policy(refresh_idle=1000))
    chain.now = START + 1000
    assert isinstance(chain.refresh(token), Ending)
    assert chain.grant.state is GrantState.EXPIRED


@pytest.mark.requirement("K-13")
def test_setting_the_clock_back_revives_no_expired_grant() -> None:
    chain, token = a_chain(policy=a_policy(refresh_idle=1000))
    chain.now = START + 1000
    chain.refresh(token)
    chain.now = START
    assert chain.refresh(token) == Refused(Reason.GRANT_EXPIRED)


@pytest.mark.requirement("K-13")
def test_setting_the_clock_back_reopens_no_window() -> None:
    chain, first = a_chain()
    second = head_of(rotated(chain, first))
    chain.now = START + GRACE + 1
    rotated(chain, second)
    chain.now = START
    assert chain.refresh(first) == REPLAYED


@pytest.mark.requirement("D-09")
def test_an_access_token_never_outlives_its_grant() -> None:
    chain, token = a_chain(policy=a_policy(refresh_absolute=1000))
    chain.now = START + 999
    assert rotated(chain, token).expires_in == 1


@pytest.mark.requirement("D-04")
def test_an_access_token_lives_at_least_as_long_as_its_holder_was_told() -> None:
    # Issued in the last moment of a second that began at START.
    chain, token = a_chain(policy=a_policy(access_token=10))
    rotation = chain.refresh(token)
    assert isinstance(rotation, Rotation)
    assert rotation.response.expires_in == 10
    assert rotation.access.expires_at >= START + 1 + 10


# What is asked for


@pytest.mark.requirement("D-23")
def test_a_narrower_scope_narrows_this_access_token_only() -> None:
    chain, token = a_chain()
    response = rotated(chain, token, scope=NARROW)
    assert response.scope == NARROW
    assert rotated(chain, head_of(response)).scope == SCOPE


@pytest.mark.requirement("D-07", "D-23")
@pytest.mark.parametrize(
    ("scope", "resources", "reason"),
    [
        (Scope(("read", "root")), (), Reason.SCOPE_NOT_GRANTED),
        (None, ("https://evil.example",), Reason.RESOURCE_NOT_GRANTED),
        (None, (RESOURCE, "https://evil.example"), Reason.RESOURCE_NOT_GRANTED),
    ],
)
def test_asking_for_too_much_costs_neither_token_nor_grant(
    scope: Scope | None, resources: tuple[str, ...], reason: Reason
) -> None:
    chain, token = a_chain()
    assert chain.refresh(token, scope=scope, resources=resources) == Refused(reason)
    assert chain.grant.generation == 1
    rotated(chain, token)
    assert chain.refresh(token, scope=scope, resources=resources) == Refused(reason)
    retried(chain, token)


@pytest.mark.requirement("D-21")
@pytest.mark.parametrize("later", [0, GRACE + 1])
def test_another_clients_request_changes_nothing_even_with_a_replay(later: int) -> None:
    chain, first = a_chain()
    refused = Refused(Reason.REFRESH_CLIENT_MISMATCH)
    assert chain.refresh(first, client_id="other") == refused
    head = head_of(rotated(chain, first))
    chain.now = START + later
    assert chain.refresh(first, client_id="other") == refused
    assert chain.refresh(head, client_id="other") == refused
    rotated(chain, head)


@pytest.mark.requirement("D-29")
def test_a_secret_that_matches_nothing_changes_nothing() -> None:
    chain, first = a_chain()
    head = head_of(rotated(chain, first))
    chain.now = START + GRACE + 1
    for text in (first, head):
        token = parsed(text)
        assert chain.refresh(replace(token, secret=b"x" * 32)) == Refused(
            Reason.REFRESH_UNKNOWN
        )
        assert chain.refresh(replace(token, kind=TokenKind.ACCESS)) == Refused(
            Reason.REFRESH_UNKNOWN
        )
    assert chain.grant.state is GrantState.ACTIVE


@pytest.mark.requirement("D-29")
def test_a_generation_that_never_was_changes_nothing() -> None:
    chain, first = a_chain()
    future = replace(parsed(first), record=(7).to_bytes(4) + (9).to_bytes(4))
    assert chain.refresh(future) == Refused(Reason.REFRESH_UNKNOWN)


def test_a_token_of_no_grant_is_unknown() -> None:
    _, first = a_chain()
    decision = decide_refresh(
        RefreshRequest(parsed(first), "app"),
        None,
        None,
        keyring=KEYRING,
        policy=a_policy(),
        fresh=fresh(),
        now=START,
    )
    assert decision == Refused(Reason.REFRESH_UNKNOWN)


# Props


@pytest.mark.requirement("K-05", "M-8")
def test_every_token_of_a_chain_opens_the_same_data_key() -> None:
    chain, first = a_chain(props={"a": 1})
    assert chain.rows[1].data_key is not None
    data_key = unwrap_data_key(chain.rows[1].data_key, parsed(first))
    rotation = chain.refresh(first)
    assert isinstance(rotation, Rotation)
    again = chain.refresh(first, scope=NARROW)
    assert isinstance(again, Retry)
    for access in (rotation.access, again.access):
        assert access is not None
        assert access.data_key is not None
        assert unwrap_data_key(access.data_key, access.token) == data_key
    assert rotation.refresh.data_key is not None
    assert unwrap_data_key(rotation.refresh.data_key, rotation.refresh.token) == (
        data_key
    )
