"""What late reuse of a refresh token leaves behind: marks, contests, events."""

from actor_oauth.actors.user.audit import record_event
from actor_oauth.actors.user.grants import end_all
from actor_oauth.oauth.grants import Grant, GrantEvent, next_state
from actor_oauth.oauth.redirect_uris import matches
from actor_oauth.oauth.refresh_chain import Accepted, Rejection
from actor_oauth.runtime import Database


def save_accepted(db: Database, grant: Grant, accepted: Accepted) -> None:
    """Store that a late presenter was answered, and the window that this opens."""
    db.execute(
        "UPDATE refresh_tokens SET window_ends_at = ?"
        " WHERE number = ? AND generation = ?",
        (accepted.window_ends_at, grant.number, accepted.generation),
    )
    db.execute(
        "UPDATE grants SET clock = ?, recovered_at = ? WHERE number = ?",
        (accepted.time, accepted.time, grant.number),
    )
    _record(db, grant, GrantEvent.LATE_REFRESH_ACCEPTED, at=accepted.time)


def save_rejection(db: Database, grant: Grant, rejection: Rejection) -> None:
    """Store that a late presenter was refused, and the contest if it begins one."""
    db.execute(
        "UPDATE refresh_tokens SET rejected = 1 WHERE number = ? AND generation = ?",
        (grant.number, rejection.generation),
    )
    contested_at = grant.contested_at
    if rejection.contests and contested_at is None:
        contested_at = rejection.time
    db.execute(
        "UPDATE grants SET clock = ?, expires_at = ?, contested_at = ?"
        " WHERE number = ?",
        (rejection.time, rejection.expires_at, contested_at, grant.number),
    )
    # Tokens already issued end with the grant at the latest, and that end has moved
    # closer.
    db.execute(
        "UPDATE access_tokens SET expires_at = ? WHERE number = ? AND expires_at > ?",
        (rejection.expires_at, grant.number, rejection.expires_at),
    )
    _record(db, grant, GrantEvent.LATE_REFRESH_REJECTED, at=rejection.time)


def end_contested_grants(db: Database, by: Grant, *, now: int) -> None:
    """End the older grants of a client that are contested: the user has signed in again.

    Another holder of such a grant, who cannot sign in, loses access with it. The client
    may have registered again meanwhile, and use another port on this machine, so it is
    also recognized by its redirect URI.
    """
    rows: list[tuple[int, str, str]] = db.execute(
        "SELECT number, client_id, redirect_uri FROM grants WHERE state = 'active'"
        " AND contested_at IS NOT NULL AND number < ? AND resource = ?",
        (by.number, by.resource),
    ).fetchall()
    same = [
        (number,)
        for number, client_id, redirect_uri in rows
        if client_id == by.client_id
        # Devices have no redirect URI, which makes no two of them the same.
        or (redirect_uri and matches(redirect_uri, by.redirect_uri))
    ]
    end_all(db, by.actor_key, same, GrantEvent.CONTEST_ENDED, now=now)


def _record(db: Database, grant: Grant, event: GrantEvent, *, at: int) -> None:
    # The transition table says that the grant stays active.
    assert next_state(grant.state, event) is grant.state
    record_event(db, event, at=at, number=grant.number, detail=grant.client_id)
