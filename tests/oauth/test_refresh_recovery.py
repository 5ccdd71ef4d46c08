"""Late reuse by the owner: who gets the chain's head all the same."""

import pytest

from actor_oauth.oauth.grants import Ending, GrantState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import Retry, Rotation
from actor_oauth.oauth.refresh_reuse import RefreshRules
from actor_oauth.oauth.scopes import Scope
from tests.oauth.late_refreshes import (
    DAY,
    OWNER,
    a_chain_of,
    answered,
    head_of,
    rejected,
)
from tests.support.grants import GRACE, START, a_chain, a_policy


@pytest.mark.requirement("D-21", "D-26", "F-09")
def test_whoever_proves_the_key_gets_the_head_days_later() -> None:
    chain, tokens = a_chain_of(RefreshRules(), generations=5, jkt="owner")
    chain.now += 3 * DAY
    response = answered(chain.refresh(tokens[0], proof=OWNER))
    assert response.refresh_token == tokens[-1]
    assert chain.grant.state is GrantState.ACTIVE
    assert chain.grant.contested_at is None


@pytest.mark.requirement("D-21", "D-26")
def test_a_client_with_a_credential_of_its_own_gets_the_head_days_later() -> None:
    chain, token = a_chain(policy=a_policy())
    head = head_of(answered(chain.refresh(token, proves_client=True)))
    chain.now += 3 * DAY
    late = answered(chain.refresh(token, proves_client=True))
    assert late.refresh_token == head


@pytest.mark.requirement("D-30")
def test_what_is_kept_for_the_owner_is_of_no_use_to_others() -> None:
    chain, token = a_chain(policy=a_policy())
    chain.refresh(token, proves_client=True)
    assert chain.rows[1].link is not None
    chain.now += GRACE + 1
    assert isinstance(chain.refresh(token), Ending)


@pytest.mark.requirement("D-28", "D-30")
def test_after_recovery_the_owner_is_refused_and_the_grant_lives() -> None:
    rules = RefreshRules(recovery=DAY)
    chain, tokens = a_chain_of(rules, jkt="owner")
    chain.now = START + 2 * DAY
    outcome = rejected(chain.refresh(tokens[0], proof=OWNER))
    assert not outcome.contests
    assert chain.grant.contested_at is None
    assert isinstance(chain.refresh(tokens[-1], proof=OWNER), Rotation)


@pytest.mark.requirement("D-26")
def test_who_shares_the_store_with_a_late_owner_is_not_judged_anew() -> None:
    chain, tokens = a_chain_of(RefreshRules(), jkt="owner")
    first = chain.refresh(tokens[0], proof=OWNER)
    chain.now += GRACE
    second = chain.refresh(tokens[0], proof=OWNER)
    assert isinstance(first, Retry)
    assert isinstance(second, Retry)
    assert first.accepted is not None
    assert second.accepted is None
    assert answered(first).access_token == answered(second).access_token


@pytest.mark.requirement("D-07", "D-23")
def test_a_late_owner_who_asks_for_too_much_changes_nothing() -> None:
    chain, tokens = a_chain_of(RefreshRules(), jkt="owner")
    before = chain.grant
    asked = chain.refresh(tokens[0], proof=OWNER, scope=Scope(("root",)))
    assert asked == Refused(Reason.SCOPE_NOT_GRANTED)
    assert chain.grant == before


# Lost answers


LOSING = RefreshRules(lost_answer=DAY)


@pytest.mark.requirement("D-26")
def test_an_answer_may_have_been_lost_if_nobody_used_what_was_in_it() -> None:
    chain, tokens = a_chain_of(LOSING, generations=2)
    chain.now += DAY // 2
    assert answered(chain.refresh(tokens[0])).refresh_token == tokens[1]
    assert chain.grant.recovered_at == chain.now


@pytest.mark.requirement("D-28")
@pytest.mark.parametrize("presented", [0, 1])
def test_no_answer_was_lost_if_its_head_was_used(presented: int) -> None:
    chain, tokens = a_chain_of(LOSING, generations=4)
    assert isinstance(chain.refresh(tokens[presented]), Ending)


@pytest.mark.requirement("D-28")
def test_an_answer_is_lost_for_some_hours_only() -> None:
    chain, tokens = a_chain_of(LOSING, generations=2)
    chain.now += DAY + 1
    assert isinstance(chain.refresh(tokens[0]), Ending)


@pytest.mark.requirement("D-28")
def test_two_lost_answers_in_a_row_are_not_believed() -> None:
    chain, tokens = a_chain_of(LOSING, generations=2)
    # A thief has refreshed first. The owner is answered once, and then found out.
    owner = head_of(answered(chain.refresh(tokens[0])))
    chain.now += GRACE + 1
    assert isinstance(chain.refresh(owner), Rotation)
    chain.now += GRACE + 1
    assert isinstance(chain.refresh(owner), Ending)


def test_answers_may_be_lost_again_after_that_time() -> None:
    chain, tokens = a_chain_of(LOSING, generations=2)
    token = head_of(answered(chain.refresh(tokens[0])))
    chain.now += DAY
    head = head_of(answered(chain.refresh(token)))
    chain.now += GRACE + 1
    assert answered(chain.refresh(token)).refresh_token == head
