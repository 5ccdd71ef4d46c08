"""Refresh tokens that stay as they are: whose, and for how long."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.grants import Ending
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import Renewal, Rotation
from actor_oauth.oauth.refresh_reuse import RefreshRules
from actor_oauth.oauth.scopes import Scope
from tests.oauth.late_refreshes import OWNER, THIEF, answered, head_of
from tests.support.grants import START, a_chain, a_policy, parsed

STAYING = RefreshRules(rotation="unless_bound")


@pytest.mark.requirement("D-22")
def test_a_bound_refresh_token_may_stay_the_same() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING, refresh_idle=1000))
    chain.grant = replace(chain.grant, refresh_jkt="owner")
    access = set()
    for later in (500, 1000):
        chain.now = START + later
        outcome = chain.refresh(token, proof=OWNER)
        assert isinstance(outcome, Renewal)
        assert outcome.response.refresh_token == token
        assert chain.grant.deadline == START + later + 1000
        access.add(outcome.response.access_token)
    assert len(access) == 2
    assert chain.grant.generation == 1


@pytest.mark.requirement("D-22")
def test_a_client_with_a_credential_of_its_own_may_keep_its_refresh_token() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING))
    assert isinstance(chain.refresh(token, proves_client=True), Renewal)


@pytest.mark.requirement("D-22")
def test_public_bearer_clients_always_rotate() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING))
    assert isinstance(chain.refresh(token), Rotation)


@pytest.mark.requirement("D-22", "F-09")
def test_the_refresh_that_binds_a_token_still_rotates_it() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING))
    bound = chain.refresh(token, proof=OWNER, binds=True)
    assert isinstance(bound, Rotation)
    head = head_of(bound.response)
    assert isinstance(chain.refresh(head, proof=OWNER), Renewal)


@pytest.mark.requirement("D-21", "F-09")
def test_a_token_that_stays_still_needs_its_key() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING))
    chain.grant = replace(chain.grant, refresh_jkt="owner")
    assert chain.refresh(token, proof=THIEF) == Refused(Reason.REFRESH_KEY_MISMATCH)


@pytest.mark.requirement("D-24")
def test_a_token_that_stays_ends_with_its_grant() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING, refresh_absolute=1500))
    chain.now = START + 1000
    outcome = chain.refresh(token, proves_client=True)
    assert answered(outcome).expires_in == 500 - 1
    chain.now = START + 1500
    assert isinstance(chain.refresh(token, proves_client=True), Ending)


@pytest.mark.requirement("D-23")
def test_renewing_narrows_and_refuses_as_rotating_does() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING))
    narrow = chain.refresh(token, proves_client=True, scope=Scope(("read",)))
    assert answered(narrow).scope == Scope(("read",))
    wide = chain.refresh(token, proves_client=True, scope=Scope(("root",)))
    assert wide == Refused(Reason.SCOPE_NOT_GRANTED)


@pytest.mark.requirement("K-05")
def test_the_access_tokens_of_a_token_that_stays_open_the_props() -> None:
    chain, token = a_chain(policy=a_policy(rules=STAYING), props={"a": 1})
    wrapped = chain.rows[1].data_key
    assert wrapped is not None
    outcome = chain.refresh(token, proves_client=True)
    assert isinstance(outcome, Renewal)
    assert outcome.access.data_key is not None
    key = unwrap_data_key(outcome.access.data_key, outcome.access.token)
    assert key == unwrap_data_key(wrapped, parsed(token))


@pytest.mark.requirement("D-26")
def test_what_was_rotated_before_leads_to_the_token_that_stays() -> None:
    chain, first = a_chain(policy=a_policy())
    head = head_of(answered(chain.refresh(first, proves_client=True)))
    chain.policy = a_policy(rules=STAYING)
    assert isinstance(chain.refresh(head, proves_client=True), Renewal)
    assert head_of(answered(chain.refresh(first, proves_client=True))) == head
