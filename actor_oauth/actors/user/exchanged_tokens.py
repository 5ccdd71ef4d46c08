"""Exchanged tokens at rest: access tokens of the grant, with a holder and a root."""

from actor_oauth.actors.proofs import note_proof, unless_used
from actor_oauth.actors.user.authorization import ended_epoch
from actor_oauth.actors.user.tokens import find_access_token, insert_access_token
from actor_oauth.oauth.exchange_token import (
    MAX_EXCHANGED,
    ExchangedToken,
    ExchangeRequest,
    decide_exchange,
)
from actor_oauth.oauth.grants import parse_record
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.tokens import Token, TokenResponse, token_hash
from actor_oauth.runtime import Database


def exchange(
    db: Database,
    request: ExchangeRequest,
    *,
    client_epoch: int | None,
    policy: Policy,
    fresh: bytes,
    now: int,
) -> TokenResponse | Refused:
    """Exchange a token: what is decided is what is committed.

    Args:
        db: The user's database.
        request: What the client sent.
        client_epoch: The epoch under which the client enlisted, if the token is another
            client's; None if it is its own, and ends with the grant.
        policy: What the operator decided.
        fresh: Random bytes for this decision.
        now: The time of the turn.
    """
    client = request.client
    if (
        client is not None
        and client_epoch is not None
        and client_epoch <= ended_epoch(db, client.client_id)
    ):
        return Refused(Reason.CLIENT_UNKNOWN)
    stored = find_access_token(db, request.subject)
    decision = decide_exchange(request, stored, policy=policy, fresh=fresh, now=now)
    decision = unless_used(db, request.proof, decision)
    if isinstance(decision, Refused):
        return decision
    number, _ = parse_record(request.subject)
    if not _has_room(db, number, now=now):
        return Refused(Reason.TOKENS_TOO_MANY)
    note_proof(db, request.proof, now=now)
    _insert(db, number, request.subject, decision)
    return decision.response


def holder_of(db: Database, token: Token) -> str | None:
    """Give the client that an exchanged token was issued to; None for any other token."""
    number, generation = parse_record(token)
    row: tuple[str | None] | None = db.execute(
        "SELECT client_id FROM access_tokens"
        " WHERE number = ? AND generation = ? AND hash = ?",
        (number, generation, token_hash(token)),
    ).fetchone()
    return None if row is None else row[0]


def forget_tokens_of(db: Database, client_id: str) -> None:
    """Delete what a client got by exchange in grants of other clients."""
    db.execute("DELETE FROM access_tokens WHERE client_id = ?", (client_id,))


def _has_room(db: Database, number: int, *, now: int) -> bool:
    if _count(db, number) < MAX_EXCHANGED:
        return True
    # Nothing derives an exchanged token again: its row need not wait for a link.
    db.execute(
        "DELETE FROM access_tokens"
        " WHERE number = ? AND root IS NOT NULL AND expires_at <= ?",
        (number, now),
    )
    return _count(db, number) < MAX_EXCHANGED


def _count(db: Database, number: int) -> int:
    row: tuple[int] = db.execute(
        "SELECT count(*) FROM access_tokens WHERE number = ? AND root IS NOT NULL",
        (number,),
    ).fetchone()
    return row[0]


def _insert(
    db: Database, number: int, subject: Token, exchanged: ExchangedToken
) -> None:
    access = exchanged.access
    insert_access_token(db, number, access)
    key = (number, access.generation)
    # With props and details of its own, if the subject token had some.
    db.execute(
        "UPDATE access_tokens SET resource = ?, client_id = ?, root = ?,"
        " (props_version, props, details) = (SELECT s.props_version, s.props, s.details"
        " FROM access_tokens AS s"
        " WHERE s.number = ? AND s.generation = ? AND s.hash = ?)"
        " WHERE number = ? AND generation = ? AND hash = ?",
        (
            exchanged.resource,
            exchanged.holder,
            exchanged.root,
            *key,
            token_hash(subject),
            *key,
            token_hash(access.token),
        ),
    )
