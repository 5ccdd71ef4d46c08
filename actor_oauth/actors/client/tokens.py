"""A client's own tokens, in the client's actor.

Rule 1: a token lives only as long as the client does. Every check asks for the client as
it is now, and a token of an epoch that has ended is dead, so that disabling or deleting
the client ends them in the turn that does it.
Rule 2: time never runs backwards: the actor remembers the latest time at which it issued
or purged, and a clock that is set back revives nothing (K-13).
Rule 3: there are at most `MAX_TOKENS`. A client in a loop is told to wait, and the
tokens that its other processes hold stay valid.
"""

from abc import abstractmethod
from typing import Final

import sqlite_utils

from actor_oauth.oauth.client_credentials import (
    ClientTokenRequest,
    IssuedClientToken,
    decide_client_credentials,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.introspect import Access
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.revoke import Revoked
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import (
    AccessTokenInfo,
    Token,
    TokenKind,
    TokenResponse,
    token_hash,
)
from actor_oauth.runtime import Actor, Database, turn, view

MAX_TOKENS: Final = 4096
"""Live tokens of one client."""

PURGE_GRID: Final = 3600
"""Seconds by which a token's row may outlive the token."""


def create_token_tables(db: sqlite_utils.Database) -> None:
    """The tokens by their hash, and the latest time that was seen."""
    db.execute(
        "CREATE TABLE tokens (hash BLOB PRIMARY KEY, epoch INTEGER NOT NULL,"
        " issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
        " scope TEXT NOT NULL, resource TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE token_clock (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " latest INTEGER NOT NULL) STRICT"
    )


class TokenHolder(Actor, kind="client"):
    """The part of a client's actor that holds the client's own tokens."""

    @abstractmethod
    def client_in_force(self) -> Client | None:
        """Give the client with its current epoch; None unless it is active."""

    @turn
    def issue_token(
        self, request: ClientTokenRequest, *, policy: Policy, fresh: bytes, now: int
    ) -> TokenResponse | Refused:
        """Give the authenticated client a token of its own (D-33).

        What was authenticated may have ended since: the client is read again.
        """
        client = self.client_in_force()
        if client is None or client.epoch != request.client.epoch:
            return Refused(Reason.CLIENT_UNKNOWN)
        now = max(now, _latest(self.db))
        decision = decide_client_credentials(
            request, actor_key=self.address.key, policy=policy, fresh=fresh, now=now
        )
        if isinstance(decision, Refused):
            return decision
        if not _has_room(self.db, now=now):
            return Refused(Reason.TOKENS_TOO_MANY)
        _insert(self.db, decision, epoch=client.epoch)
        self._purge_by(decision.expires_at)
        return decision.response

    @view(remembered_by=token_hash)
    def access(self, token: Token) -> Access | None:
        """Give what a token of the client allows while it is valid."""
        client = self.client_in_force()
        if client is None or token.kind is not TokenKind.CLIENT_ACCESS:
            return None
        row: tuple[int, int, str, str, int] | None = self.db.execute(
            "SELECT issued_at, expires_at, scope, resource, latest"
            " FROM tokens, token_clock WHERE hash = ? AND epoch = ?",
            (token_hash(token), client.epoch),
        ).fetchone()
        if row is None:
            return None
        issued_at, expires_at, scope, resource, latest = row
        info = AccessTokenInfo(
            grant_id="",
            client_id=client.client_id,
            user_id=client.client_id,
            scope=parse_scope(scope) or Scope(),
            resource=resource,
            issued_at=issued_at,
            expires_at=expires_at,
            principal="client",
        )
        return Access(info=info, clock=latest)

    @turn
    def revoke_token(
        self,
        token: Token,
        *,
        client_id: str,
        now: int,  # noqa: ARG002 as for a user's tokens
    ) -> Revoked:
        """Revoke a token at its client's request; another client's stays valid (H-04)."""
        client = self.client_in_force()
        if client is None or client.client_id != client_id:
            return Revoked.NOTHING
        deleted = self.db.execute(
            "DELETE FROM tokens WHERE hash = ?", (token_hash(token),)
        ).rowcount
        return Revoked.ACCESS_TOKEN if deleted else Revoked.NOTHING

    def purge_tokens(self, *, now: int) -> None:
        """Delete expired tokens, inside a turn, and schedule the next purge."""
        _see(self.db, now)
        self.db.execute(
            "DELETE FROM tokens WHERE expires_at <= (SELECT latest FROM token_clock)"
        )
        row: tuple[int | None] = self.db.execute(
            "SELECT min(expires_at) FROM tokens"
        ).fetchone()
        if row[0] is not None:
            self._purge_by(row[0])

    def _purge_by(self, expires_at: int) -> None:
        self.wake_by((expires_at // PURGE_GRID + 1) * PURGE_GRID)


def forget_tokens(db: Database) -> None:
    """Delete every token of the client."""
    db.execute("DELETE FROM tokens")


def _has_room(db: Database, *, now: int) -> bool:
    if _count(db) < MAX_TOKENS:
        return True
    db.execute("DELETE FROM tokens WHERE expires_at <= ?", (now,))
    return _count(db) < MAX_TOKENS


def _count(db: Database) -> int:
    row: tuple[int] = db.execute("SELECT count(*) FROM tokens").fetchone()
    return row[0]


def _insert(db: Database, issued: IssuedClientToken, *, epoch: int) -> None:
    _see(db, issued.issued_at)
    db.execute(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
        (
            token_hash(issued.token),
            epoch,
            issued.issued_at,
            issued.expires_at,
            str(issued.scope),
            issued.resource,
        ),
    )


def _see(db: Database, now: int) -> None:
    db.execute(
        "INSERT INTO token_clock VALUES (1, ?1) ON CONFLICT (id)"
        " DO UPDATE SET latest = max(latest, ?1)",
        (now,),
    )


def _latest(db: Database) -> int:
    row: tuple[int] | None = db.execute("SELECT latest FROM token_clock").fetchone()
    return 0 if row is None else row[0]
