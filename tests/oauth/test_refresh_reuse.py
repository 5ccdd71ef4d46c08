"""Late reuse: who is refused, and what that does to the grant."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grants import Ending, GrantEvent, GrantState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import (
    RefreshRequest,
    Rejection,
    Retry,
    ReuseDue,
    Rotation,
)
from actor_oauth.oauth.refresh_reuse import (
    RefreshRules,
    ReusePolicy,
    ReuseSignals,
    ReuseVerdict,
    judge_reuse,
)
from actor_oauth.oauth.tokens import token_hash
from tests.oauth.late_refreshes import (
    DAY,
    OWNER,
    THIEF,
    a_chain_of,
    answered,
    head_of,
    rejected,
)
from tests.support.grants import (
    CLIENT,
    GRACE,
    RESOURCE,
    START,
    a_chain,
    a_policy,
    parsed,
)

REJECT = RefreshRules(reuse=ReusePolicy.REJECT)
ASKING = RefreshRules(asks=True)


@pytest.mark.requirement("D-28")
def test_by_default_a_late_bearer_token_ends_the_grant() -> None:
    chain, tokens = a_chain_of(RefreshRules())
    assert chain.refresh(tokens[0]) == Ending(
        refused=Refused(Reason.REFRESH_REPLAYED), event=GrantEvent.REFRESH_REPLAYED
    )
    assert chain.refresh(tokens[-1]) == Refused(Reason.GRANT_REVOKED)


@pytest.mark.requirement("D-28")
def test_by_the_strict_rule_not_even_a_key_speaks_for_a_late_presenter() -> None:
    chain, tokens = a_chain_of(RefreshRules(same_instance=False), jkt="owner")
    assert isinstance(chain.refresh(tokens[0], proof=OWNER), Ending)


@pytest.mark.requirement("D-21", "D-28", "F-09")
def test_a_thief_without_the_key_is_no_event_at_all() -> None:
    chain, tokens = a_chain_of(REJECT, jkt="owner")
    before = chain.grant
    for proof in (None, THIEF):
        assert chain.refresh(tokens[0], proof=proof) == Refused(
            Reason.REFRESH_KEY_MISMATCH
        )
    assert chain.grant == before
    assert not chain.rows[1].is_rejected


# Reject: the chain lives, contested


@pytest.mark.requirement("D-28")
def test_rejecting_costs_only_the_stale_presenter() -> None:
    chain, tokens = a_chain_of(REJECT)
    outcome = rejected(chain.refresh(tokens[0]))
    assert outcome.refused.reason is Reason.REFRESH_STALE
    assert outcome.refused.detail == "2 generations behind the head"
    assert chain.grant.state is GrantState.ACTIVE
    assert isinstance(chain.refresh(tokens[-1]), Rotation)


@pytest.mark.requirement("D-24", "D-28")
def test_a_contested_grant_ends_some_days_later_at_the_latest() -> None:
    chain, tokens = a_chain_of(REJECT)
    rejected(chain.refresh(tokens[0]))
    end = chain.now + REJECT.contest
    assert (chain.grant.contested_at, chain.grant.expires_at) == (chain.now, end)
    # A second stale presenter neither prolongs nor renews it.
    contested_at, chain.now = chain.now, chain.now + DAY
    rejected(chain.refresh(tokens[1]))
    assert (chain.grant.contested_at, chain.grant.expires_at) == (contested_at, end)
    head = head_of(answered(chain.refresh(tokens[-1])))
    chain.now = end
    assert chain.refresh(head) == Ending(
        refused=Refused(Reason.GRANT_EXPIRED), event=GrantEvent.LIFETIME_ENDED
    )


def test_a_contest_never_lengthens_a_grant() -> None:
    chain, tokens = a_chain_of(REJECT)
    chain.grant = replace(chain.grant, expires_at=chain.now + 60)
    assert rejected(chain.refresh(tokens[0])).expires_at == chain.now + 60


def test_without_contest_the_chain_goes_on_as_if_nothing_had_been() -> None:
    chain, tokens = a_chain_of(replace(REJECT, contest=0))
    before = chain.grant
    assert not rejected(chain.refresh(tokens[0])).contests
    assert chain.grant == replace(before, clock=chain.now)


@pytest.mark.requirement("D-28")
def test_a_token_is_an_event_once() -> None:
    chain, tokens = a_chain_of(REJECT)
    rejected(chain.refresh(tokens[0]))
    after = chain.grant
    chain.now += DAY
    assert chain.refresh(tokens[0]) == Refused(Reason.REFRESH_STALE)
    assert chain.grant == after
    rejected(chain.refresh(tokens[1]))


@pytest.mark.requirement("D-28")
def test_an_operator_who_turns_strict_ends_what_was_rejected_before() -> None:
    chain, tokens = a_chain_of(REJECT)
    rejected(chain.refresh(tokens[0]))
    chain.policy = a_policy()
    assert isinstance(chain.refresh(tokens[0]), Ending)


@pytest.mark.requirement("K-13")
def test_setting_the_clock_back_undoes_no_rejection() -> None:
    chain, tokens = a_chain_of(REJECT)
    rejected(chain.refresh(tokens[0]))
    chain.now = START
    assert chain.refresh(tokens[0]) == Refused(Reason.REFRESH_STALE)
    rejected(chain.refresh(tokens[1]))


@pytest.mark.requirement("D-29")
def test_a_guess_is_rejected_by_nobody() -> None:
    chain, tokens = a_chain_of(REJECT)
    guess = replace(parsed(tokens[0]), secret=b"g" * 32)
    assert chain.refresh(guess) == Refused(Reason.REFRESH_UNKNOWN)
    assert chain.refresh(tokens[0], client_id="other") == Refused(
        Reason.REFRESH_CLIENT_MISMATCH
    )
    assert chain.grant.contested_at is None


# The application's word


@pytest.mark.requirement("D-28")
def test_the_application_is_told_everything_but_secrets() -> None:
    chain, tokens = a_chain_of(replace(ASKING, reuse=ReusePolicy.REJECT))
    before = chain.grant
    due = chain.refresh(tokens[0])
    assert isinstance(due, ReuseDue)
    assert due.event.generation == 1
    assert due.event.age == 2 * (GRACE + 1)
    assert due.event.verdict is ReuseVerdict.REJECT
    assert (due.event.client_id, due.event.resource) == ("app", RESOURCE)
    assert due.event.signals == ReuseSignals(
        proves_key=False,
        proves_client=False,
        behind=2,
        derivable=True,
        recovered_ago=None,
    )
    text = repr(due)
    for token in tokens:
        assert token not in text
        assert parsed(token).secret.hex() not in text
    assert chain.grant == before


@pytest.mark.requirement("D-28", "D-26")
@pytest.mark.parametrize("presented", [0, 1])
def test_the_application_may_accept_anybody(presented: int) -> None:
    chain, tokens = a_chain_of(ASKING)
    outcome = chain.refresh(tokens[presented], verdict=ReuseVerdict.ACCEPT)
    assert answered(outcome).refresh_token == tokens[-1]


def test_the_application_may_revoke_what_the_rules_would_answer() -> None:
    chain, tokens = a_chain_of(ASKING, jkt="owner")
    outcome = chain.refresh(tokens[0], proof=OWNER, verdict=ReuseVerdict.REVOKE)
    assert isinstance(outcome, Ending)


def test_what_cannot_be_derived_is_refused_whatever_the_application_says() -> None:
    chain, tokens = a_chain_of(replace(ASKING, recovery=DAY))
    chain.now += 2 * DAY
    assert isinstance(chain.refresh(tokens[0]), ReuseDue)
    rejected(chain.refresh(tokens[0], verdict=ReuseVerdict.ACCEPT))


@pytest.mark.requirement("D-28")
def test_the_application_is_not_asked_again_about_a_token_it_rejected() -> None:
    chain, tokens = a_chain_of(replace(ASKING, reuse=ReusePolicy.REJECT))
    rejected(chain.refresh(tokens[0], verdict=ReuseVerdict.REJECT))
    assert chain.refresh(tokens[0]) == Refused(Reason.REFRESH_STALE)


def test_an_event_about_a_token_of_an_older_release_has_no_age() -> None:
    chain, tokens = a_chain_of(ASKING)
    chain.rows[1] = replace(chain.rows[1], used_at=None)
    due = chain.refresh(tokens[0])
    assert isinstance(due, ReuseDue)
    assert due.event.age is None


# By client


@pytest.mark.requirement("D-22", "D-28")
def test_each_client_has_its_own_rules() -> None:
    chain, tokens = a_chain_of(RefreshRules())
    chain.policy = replace(chain.policy, client_refresh={"app": REJECT})
    rejected(chain.refresh(tokens[0]))


def test_asking_is_for_every_client() -> None:
    policy = replace(a_policy(), client_refresh={"app": REJECT}).asking_about_reuse()
    assert policy.refresh_rules("other").asks
    assert policy.refresh_rules("app") == replace(REJECT, asks=True)


@pytest.mark.parametrize(
    ("client", "apart"),
    [
        (CLIENT, False),
        (_confidential := replace(CLIENT, auth_methods_accepted=frozenset()), False),
        (replace(_confidential, origin="pre-registered"), True),
        (replace(_confidential, auth_method="private_key_jwt"), True),
        (replace(CLIENT, origin="pre-registered"), False),
    ],
)
def test_a_secret_that_lies_beside_the_token_proves_nothing(
    client: Client, apart: bool
) -> None:
    assert client.has_credential_apart == apart
    _, token = a_chain()
    request = RefreshRequest.of(client, parsed(token), None, (), None)
    assert request.proves_client == apart
    assert request.binds == (not client.is_confidential)


# Whatever happens


rules_of_any_kind = st.builds(
    RefreshRules,
    reuse=st.sampled_from(ReusePolicy),
    same_instance=st.booleans(),
    lost_answer=st.sampled_from((0, 60, DAY)),
)
signals_of_any_kind = st.builds(
    ReuseSignals,
    proves_key=st.booleans(),
    proves_client=st.booleans(),
    behind=st.integers(1, 4),
    derivable=st.booleans(),
    recovered_ago=st.none() | st.integers(0, 2 * DAY),
)


@pytest.mark.requirement("D-28")
@given(signals_of_any_kind, rules_of_any_kind)
def test_nobody_is_answered_for_whom_nothing_speaks(
    signals: ReuseSignals, rules: RefreshRules
) -> None:
    verdict = judge_reuse(signals, rules)
    possession = rules.same_instance and signals.is_bound
    lost = rules.lost_answer > 0 and signals.behind == 1
    if verdict is ReuseVerdict.ACCEPT:
        assert signals.derivable
        assert possession or lost
    elif verdict is ReuseVerdict.REVOKE:
        assert rules.reuse is ReusePolicy.REVOKE
        assert not possession
    else:
        assert rules.reuse is ReusePolicy.REJECT or possession


@pytest.mark.requirement("D-25", "D-26")
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2 * DAY)), max_size=12))
def test_late_answers_never_fork_the_chain(steps: list[tuple[int, int]]) -> None:
    chain, tokens = a_chain_of(RefreshRules(), generations=4, jkt="owner")
    for which, later in steps:
        chain.now += later
        outcome = chain.refresh(tokens[which], proof=OWNER)
        if isinstance(outcome, Rotation):
            tokens.append(head_of(outcome.response))
        elif isinstance(outcome, Retry):
            assert head_of(outcome.response) == tokens[-1]
        else:
            assert isinstance(outcome, Rejection | Refused)
    hashes = [token_hash(parsed(token)) for token in tokens]
    assert [row.hash for row in chain.rows.values()] == hashes
