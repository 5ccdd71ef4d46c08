"""Pushed authorization requests, owned by the client's actor.

A browser that comes with a request's name only reads. Completing writes, in a turn: of
any number of completions under one name the first gets it, in whatever worker they are.
"""

from typing import Final

import sqlite_utils

from actor_oauth.actors.proofs import forget_proofs, note_proof, unless_used
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.pushed_requests import (
    KEPT_AFTER_EXPIRY,
    StoredRequest,
    decide_completion,
)
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Actor, Database, turn, view

MAX_PUSHED: Final = 1000
"""Per public client: anybody can push in its name, but not fill the disk (C-22)."""

MAX_PUSHED_CONFIDENTIAL: Final = 20_000
"""Per client that authenticates, whose requests come from itself."""


def create_pushed_requests(db: sqlite_utils.Database) -> None:
    """Make the table: a step of the client actor's migrations."""
    db.execute(
        "CREATE TABLE pushed_requests (hash BLOB PRIMARY KEY, expires_at INTEGER"
        " NOT NULL, completion BLOB, request TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )


def delete_pushed_requests(db: Database, *, now: int) -> int | None:
    """Delete what nobody can complete any more; give when there will be more of it."""
    db.execute(
        "DELETE FROM pushed_requests WHERE expires_at <= ?", (now - KEPT_AFTER_EXPIRY,)
    )
    forget_proofs(db, now=now)
    row: tuple[int | None] = db.execute(
        "SELECT min(expires_at) FROM pushed_requests"
    ).fetchone()
    return None if row[0] is None else row[0] + KEPT_AFTER_EXPIRY


class PushedRequests(Actor, kind="client"):
    """The part of a client's actor that keeps the requests that the client pushed."""

    @turn
    def push(
        self,
        request: AuthorizationRequest,
        key: bytes,
        *,
        expires_at: int,
        limit: int,
        proof: Proof | None = None,
        now: int = 0,
    ) -> Refused | None:
        """Store a request.

        Args:
            request: As decided.
            key: The hash of its name.
            expires_at: Until when a browser may come with it.
            limit: How many the client may have.
            proof: Of a key, if one was sent; accepted once.
            now: The time of the turn.

        Returns:
            Refused if it has too many, or the proof was used before.
        """
        used = unless_used(self.db, proof, None)
        if used is not None:
            return used
        (count,) = self.db.execute("SELECT count(*) FROM pushed_requests").fetchone()
        if count >= limit:
            return Refused(Reason.TOO_MANY_PUSHED)
        self.db.execute(
            "INSERT INTO pushed_requests VALUES (?, ?, NULL, ?)",
            (key, expires_at, request.to_record()),
        )
        note_proof(self.db, proof, now=now)
        self.wake_by(expires_at + KEPT_AFTER_EXPIRY)
        return None

    @view
    def pushed_request(self, key: bytes) -> StoredRequest | None:
        """Give what is stored under the hash of a name, or None."""
        return _load(self.db, key)

    @turn
    def complete_pushed_request(self, key: bytes, completion: bytes) -> Refused | None:
        """Let one completion have a request; the same one may ask again (C-27).

        Args:
            key: The hash of the request's name.
            completion: Identifies the completion.

        Returns:
            Refused if another completion has it.
        """
        decision = decide_completion(_load(self.db, key), completion)
        if isinstance(decision, Refused):
            return decision
        self.db.execute(
            "UPDATE pushed_requests SET completion = ? WHERE hash = ?",
            (decision.completion, key),
        )
        return None


def _load(db: Database, key: bytes) -> StoredRequest | None:
    row: tuple[str, int, bytes | None] | None = db.execute(
        "SELECT request, expires_at, completion FROM pushed_requests WHERE hash = ?",
        (key,),
    ).fetchone()
    if row is None:
        return None
    return StoredRequest(
        request=AuthorizationRequest.from_record(row[0]),
        expires_at=row[1],
        completion=row[2],
    )
