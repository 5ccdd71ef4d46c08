"""Convergent rotation: whoever presents a used token within its window is led to the head."""

import pytest

from actor_oauth.oauth.grants import GrantState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.refresh_retry import MAX_ACCESS_TOKENS, MAX_STEPS
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse, token_hash
from tests.oauth.rotations import REPLAYED, head_of, retried, rotated
from tests.support.grants import GRACE, KEYRING, SCOPE, START, a_chain, a_policy, parsed


@pytest.mark.requirement("D-26", "M-3")
def test_everybody_who_presents_the_same_token_gets_the_same_answer() -> None:
    chain, first = a_chain()
    answers = {repr_of(rotated(chain, first))}
    for later in (0, 1, GRACE):
        chain.now = START + later
        answers.add(repr_of(retried(chain, first)))
    assert len(answers) == 1
    assert chain.grant.generation == 2


@pytest.mark.requirement("D-26", "M-4")
def test_a_slow_session_several_rotations_behind_is_led_to_the_head() -> None:
    chain, first = a_chain()
    tokens = [first]
    for _ in range(5):
        tokens.append(head_of(rotated(chain, tokens[-1])))
        chain.now += 10
    answers = {repr_of(retried(chain, old)) for old in tokens[:-1]}
    assert len(answers) == 1
    assert answers.pop().split()[0] == tokens[-1]


@pytest.mark.requirement("D-27")
def test_using_the_successor_does_not_end_the_window() -> None:
    chain, first = a_chain()
    second = head_of(rotated(chain, first))
    third = head_of(rotated(chain, second))
    assert head_of(retried(chain, first)) == third


@pytest.mark.requirement("D-27")
def test_a_retry_does_not_prolong_the_window() -> None:
    chain, first = a_chain()
    rotated(chain, first)
    for later in range(0, GRACE + 1, 10):
        chain.now = START + later
        retried(chain, first)
    chain.now = START + GRACE + 1
    assert chain.refresh(first) == REPLAYED


@pytest.mark.requirement("D-26", "D-27")
def test_each_token_has_a_window_of_its_own() -> None:
    chain, first = a_chain()
    second = head_of(rotated(chain, first))
    chain.now = START + 100
    third = head_of(rotated(chain, second))
    chain.now = START + 220
    assert head_of(retried(chain, second)) == third
    assert chain.refresh(first) == REPLAYED


@pytest.mark.requirement("D-28", "D-31", "M-5")
def test_a_replay_after_the_window_ends_the_whole_grant() -> None:
    chain, first = a_chain()
    second = head_of(rotated(chain, first))
    chain.now = START + GRACE + 1
    assert chain.refresh(first) == REPLAYED
    assert chain.grant.state is GrantState.REVOKED
    assert chain.refresh(second) == Refused(Reason.GRANT_REVOKED)
    assert chain.refresh(first) == Refused(Reason.GRANT_REVOKED)


@pytest.mark.requirement("D-28")
def test_a_replay_that_also_asks_for_too_much_is_still_a_replay() -> None:
    chain, first = a_chain()
    rotated(chain, first)
    chain.now = START + GRACE + 1
    assert chain.refresh(first, scope=Scope(("root",))) == REPLAYED


@pytest.mark.requirement("D-28", "M-3")
def test_without_grace_every_reuse_is_a_replay() -> None:
    chain, first = a_chain(policy=a_policy(grace=0))
    rotated(chain, first)
    assert chain.rows[1].link is None
    assert chain.refresh(first) == REPLAYED


@pytest.mark.requirement("D-26")
def test_the_same_parameters_give_the_same_access_token() -> None:
    chain, first = a_chain()
    wide = rotated(chain, first)
    narrow = retried(chain, first, scope=Scope(("write", "read")))
    assert narrow.access_token != wide.access_token
    assert head_of(narrow) == head_of(wide)
    assert retried(chain, first, scope=Scope(("read", "write"))) == narrow
    assert retried(chain, first, scope=Scope(reversed_names())) == wide
    assert retried(chain, first) == wide
    assert len(chain.issued[2]) == 2


@pytest.mark.requirement("D-26")
def test_a_revoked_access_token_is_not_handed_out_again() -> None:
    chain, first = a_chain()
    seen = [rotated(chain, first).access_token]
    for _ in range(3):
        chain.issued[2][token_hash(parsed(seen[-1]))] = 0
        seen.append(retried(chain, first).access_token)
    assert len(set(seen)) == 4
    assert retried(chain, first).access_token == seen[-1]


@pytest.mark.requirement("D-26")
def test_an_expired_access_token_is_not_handed_out_again() -> None:
    chain, first = a_chain(policy=a_policy(access_token=10))
    response = rotated(chain, first)
    chain.now = START + 9
    assert retried(chain, first).expires_in == 1
    chain.now = START + 10
    again = retried(chain, first)
    assert again.access_token != response.access_token
    assert again.expires_in == 10


def test_the_derivation_of_access_tokens_for_one_head_is_bounded() -> None:
    chain, first = a_chain()
    response = rotated(chain, first)
    for _ in range(MAX_ACCESS_TOKENS - 1):
        chain.issued[2][token_hash(parsed(response.access_token))] = 0
        response = retried(chain, first)
    chain.issued[2][token_hash(parsed(response.access_token))] = 0
    assert chain.refresh(first) == Refused(Reason.RETRY_TOO_FAR)


def test_a_client_that_rotates_thousands_of_times_cannot_make_us_walk_them_all() -> (
    None
):
    chain, first = a_chain()
    token = head_of(rotated(chain, first))
    second = token
    for _ in range(MAX_STEPS):
        token = head_of(rotated(chain, token))
    assert chain.refresh(first) == Refused(Reason.RETRY_TOO_FAR)
    assert head_of(retried(chain, second)) == token
    # Honest or not, it is told to come back, not to throw its tokens away (D-06).
    assert Reason.RETRY_TOO_FAR.category.status == 503


# The operator changes something meanwhile


@pytest.mark.requirement("D-26")
def test_a_new_current_key_does_not_break_open_windows() -> None:
    chain, first = a_chain()
    response = rotated(chain, first)
    chain.keyring = KEYRING.with_current("k2", b"t" * 32)
    assert retried(chain, first) == response
    after = rotated(chain, head_of(response))
    assert chain.rows[2].link is not None
    assert chain.rows[2].link.kid == "k2"
    assert head_of(retried(chain, first)) == head_of(after)


def test_a_key_that_was_taken_out_costs_nobody_the_grant() -> None:
    chain, first = a_chain()
    head = head_of(rotated(chain, first))
    chain.keyring = KEYRING.with_current("k2", b"t" * 32).without("k1")
    assert chain.refresh(first) == Refused(Reason.RETRY_UNDERIVABLE)
    rotated(chain, head)


def test_a_window_that_was_shortened_meanwhile_costs_nobody_the_grant() -> None:
    chain, first = a_chain()
    second = head_of(rotated(chain, first))
    chain.policy = a_policy(grace=0)
    head = head_of(rotated(chain, second))
    assert chain.refresh(first) == Refused(Reason.RETRY_UNDERIVABLE)
    rotated(chain, head)


def repr_of(response: TokenResponse) -> str:
    return f"{response.refresh_token} {response.access_token}"


def reversed_names() -> tuple[str, ...]:
    return SCOPE.names[::-1]
