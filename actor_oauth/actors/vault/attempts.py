"""The rows of pending sign-ins at other services.

An attempt is *begun*, then *taken* by the first response that names it, and then has an
outcome. A second response only learns the outcome (I-20).
"""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.upstream.attempts import Attempt
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.runtime import Database

MAX_ATTEMPTS: Final = 50
"""Maximum per user; beyond it the oldest one is dropped."""


class Stage(StrEnum):
    """Where an attempt stands."""

    BEGUN = "begun"
    TAKEN = "taken"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttempt:
    """An attempt as it is stored.

    Attributes:
        stage: Where it stands.
        resource: What it is for.
        fault: Why it came to nothing; None if it did not.
    """

    stage: Stage
    resource: str
    fault: UpstreamFault | None


def insert(
    db: Database, key: bytes, attempt: Attempt, *, browser: bytes, seals: Seals
) -> None:
    """Store an attempt that begins."""
    db.execute(
        "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts"
        " ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
        (MAX_ATTEMPTS - 1,),
    )
    db.execute(
        "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, NULL, ?)",
        (
            key,
            browser,
            attempt.resource,
            attempt.expires_at,
            Stage.BEGUN,
            seals.seal(attempt.to_record(), _place(key)),
        ),
    )


def find(db: Database, key: bytes, *, browser: bytes, now: int) -> StoredAttempt | None:
    """Give an attempt of this browser that has not expired, or None (I-18)."""
    row: tuple[str, str, str | None, bytes, int] | None = db.execute(
        "SELECT stage, resource, outcome, browser, expires_at FROM attempts"
        " WHERE key = ?",
        (key,),
    ).fetchone()
    if row is None or now >= row[4] or not hmac.compare_digest(row[3], browser):
        return None
    outcome = row[2]
    return StoredAttempt(
        stage=Stage(row[0]),
        resource=row[1],
        fault=None if outcome is None else UpstreamFault(outcome),
    )


def take(db: Database, key: bytes, seals: Seals) -> Attempt | None:
    """Take an attempt that was found to be begun; None if its key is gone."""
    db.execute("UPDATE attempts SET stage = ? WHERE key = ?", (Stage.TAKEN, key))
    row: tuple[bytes] = db.execute(
        "SELECT record FROM attempts WHERE key = ?", (key,)
    ).fetchone()
    text = seals.unseal(row[0], _place(key))
    return None if text is None else Attempt.from_record(text)


def finish(db: Database, key: bytes, fault: UpstreamFault | None) -> bool:
    """Note how an attempt ended, and forget its secrets.

    Returns:
        False if it is not waited for any more: the connection was removed meanwhile.
    """
    changed = db.execute(
        "UPDATE attempts SET stage = ?, outcome = ?, record = NULL"
        " WHERE key = ? AND stage = ?",
        (Stage.OVER, fault, key, Stage.TAKEN),
    ).rowcount
    return changed == 1


def forget_for(db: Database, resource: str) -> None:
    """Forget the attempts for a resource: what they bring is not wanted any more."""
    db.execute("DELETE FROM attempts WHERE resource = ?", (resource,))


def purge(db: Database, *, now: int) -> int | None:
    """Delete what has expired; give when the next one does."""
    db.execute("DELETE FROM attempts WHERE expires_at <= ?", (now,))
    row: tuple[int | None] = db.execute(
        "SELECT min(expires_at) FROM attempts"
    ).fetchone()
    return row[0]


def _place(key: bytes) -> str:
    return f"attempt/{key.hex()}"
