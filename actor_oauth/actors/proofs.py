"""Used DPoP proofs, remembered by the actor that owns what they are for.

Rule 1: checking and recording are one turn, the one that issues or admits: of any
number of copies of a proof one is accepted, whichever processes they reach (F-06,
K-14).
Rule 2: only a proof that was good for something is noted. Strangers cannot fill the
memory, and a refused request uses nothing up (D-07).
Rule 3: a proof is forgotten once its time alone refuses it, and of one second there are
at most `MAX_PER_SECOND`.
"""

from typing import Final, TypeVar

import sqlite_utils

from actor_oauth.oauth.dpop import WINDOW, Proof
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Database

MAX_PER_SECOND: Final = 128
"""Maximum of one actor's proofs with the same time."""

_KEPT: Final = WINDOW + 60
"""Seconds after its own time for which a proof is remembered: clocks may differ."""

D = TypeVar("D")


def create_proofs(db: sqlite_utils.Database) -> None:
    """Make the table for an actor that has none for what is short-lived."""
    db.execute(
        "CREATE TABLE short_lived (kind TEXT, key BLOB, expires_at INTEGER NOT NULL,"
        " record TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID"
    )


def unless_used(db: Database, proof: Proof | None, outcome: D) -> D | Refused:
    """Give the outcome, and record its proof; Refused if the proof was used before."""
    if proof is None or isinstance(outcome, Refused):
        return outcome
    second = proof.issued_at
    (same, count) = db.execute(
        "SELECT ifnull(sum(key = ?), 0), count(*) FROM short_lived"
        " WHERE kind = 'proof' AND key >= ? AND key < ?",
        (_key(proof), _second(second), _second(second + 1)),
    ).fetchone()
    if same:
        return Refused(Reason.DPOP_PROOF_REPLAYED)
    return Refused(Reason.DPOP_PROOFS_TOO_MANY) if count >= MAX_PER_SECOND else outcome


def note_proof(db: Database, proof: Proof | None, *, now: int) -> None:
    """Note that a proof was used, and forget those that nobody could use any more."""
    if proof is None:
        return
    forget_proofs(db, now=now)
    db.execute(
        "INSERT INTO short_lived VALUES ('proof', ?, ?, '')",
        (_key(proof), proof.issued_at + _KEPT),
    )


def forget_proofs(db: Database, *, now: int) -> None:
    """Forget the proofs that are refused for their time."""
    db.execute(
        "DELETE FROM short_lived WHERE kind = 'proof' AND key < ?",
        (_second(now - _KEPT),),
    )


def _key(proof: Proof) -> bytes:
    # The time comes first, so that all expired keys form one range.
    return _second(proof.issued_at) + proof.key


def _second(time: int) -> bytes:
    return max(time, 0).to_bytes(8)
