"""Late reuse: who is answered, who is refused, and what that does to the grant."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grants import Ending, GrantEvent, GrantState
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_chain import (
    RefreshRequest,
    Rejection,
    Renewal,
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
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse, token_hash
from tests.support.grants import (
    CLIENT,
    GRACE,
    RESOURCE,
    START,
    ChainInMemory,
    Outcome,
    a_chain,
    a_policy,
    parsed,
)

DAY = 86_400
REJECT = RefreshRules(reuse=ReusePolicy.REJECT)
STAYING = RefreshRules(rotation="unless_bound")
ASKING = RefreshRules(asks=True)

OWNER = Proof(jkt="owner", key=b"", issued_at=START)
THIEF = Proof(jkt="thief", key=b"", issued_at=START)


def a_chain_of(
    rules: RefreshRules, *, generations: int = 3, jkt: str | None = None
) -> tuple[ChainInMemory, list[str]]:
    """Give a chain that has rotated some times, a window apart, and all its tokens."""
    chain, token = a_chain(policy=a_policy(rules=rules))
    chain.grant = replace(chain.grant, refresh_jkt=jkt)
    proof = None if jkt is None else Proof(jkt=jkt, key=b"", issued_at=START)
    tokens = [token]
    for _ in range(generations - 1):
        response = answered(chain.refresh(tokens[-1], proof=proof))
        tokens.append(head_of(response))
        chain.now += GRACE + 1
    return chain, tokens


def answered(outcome: Outcome) -> TokenResponse:
    assert isinstance(outcome, Rotation | Renewal | Retry), outcome
    return outcome.response


def head_of(response: TokenResponse) -> str:
    assert response.refresh_token is not None
    return response.refresh_token


def rejected(outcome: Outcome) -> Rejection:
    assert isinstance(outcome, Rejection), outcome
    return outcome


# Revoke, the rule for whom nothing speaks


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


# The same instance: whoever proves more than the token


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


# Rotation by client


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
