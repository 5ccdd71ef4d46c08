"""The memory of used proofs in an actor's database: bounded, and forgotten in time."""

import pytest

from actor_oauth.actors.proofs import (
    MAX_PER_SECOND,
    forget_proofs,
    note_proof,
    unless_used,
)
from actor_oauth.oauth.dpop import WINDOW, Proof
from actor_oauth.oauth.reasons import Reason, Refused
from tests.support.grants import START
from tests.support.user_database import UserDatabase


def a_proof(number: int, issued_at: int = START) -> Proof:
    return Proof(jkt="k" * 43, key=number.to_bytes(32), issued_at=issued_at)


@pytest.mark.requirement("F-06", "K-14")
def test_a_proof_is_good_once() -> None:
    user = UserDatabase()

    assert unless_used(user.db, a_proof(1), "outcome") == "outcome"
    note_proof(user.db, a_proof(1), now=START)

    assert unless_used(user.db, a_proof(1), "x") == Refused(Reason.DPOP_PROOF_REPLAYED)
    assert unless_used(user.db, a_proof(2), "x") == "x"
    user.close()


def test_without_a_proof_nothing_is_looked_up_or_noted() -> None:
    user = UserDatabase()

    assert unless_used(user.db, None, "outcome") == "outcome"
    note_proof(user.db, None, now=START)

    assert user.count("short_lived") == 0
    user.close()


def test_a_refusal_stays_what_it_is() -> None:
    user = UserDatabase()
    note_proof(user.db, a_proof(1), now=START)
    refused = Refused(Reason.CODE_UNKNOWN)

    assert unless_used(user.db, a_proof(1), refused) is refused
    user.close()


@pytest.mark.requirement("K-14")
def test_of_one_second_there_are_only_so_many() -> None:
    user = UserDatabase()
    for number in range(MAX_PER_SECOND):
        note_proof(user.db, a_proof(number), now=START)

    more = unless_used(user.db, a_proof(MAX_PER_SECOND), "x")

    assert more == Refused(Reason.DPOP_PROOFS_TOO_MANY)
    assert unless_used(user.db, a_proof(1, START + 1), "x") == "x"
    user.close()


@pytest.mark.requirement("K-14", "F-04")
def test_a_proof_is_remembered_for_longer_than_its_time_admits_it() -> None:
    user = UserDatabase()
    note_proof(user.db, a_proof(1), now=START)

    forget_proofs(user.db, now=START + WINDOW + 1)
    assert user.count("short_lived") == 1
    note_proof(user.db, a_proof(2, START + 999), now=START + 999)
    assert user.count("short_lived") == 1
    user.now = START + 2000
    user.sweep()
    assert user.count("short_lived") == 0
    user.close()
