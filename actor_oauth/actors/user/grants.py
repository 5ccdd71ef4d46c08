"""Grants at rest: loaded, begun, redeemed, ended, listed."""

import json
from dataclasses import dataclass
from typing import Final, cast

from actor_oauth.actors.user.audit import AccountEvent, record_event
from actor_oauth.actors.user.remembered import forget_client
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.grants import (
    Grant,
    GrantEvent,
    GrantState,
    grant_id,
    is_final,
    next_state,
    parse_grant_id,
    stored_scope,
)
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.openid import Authentication
from actor_oauth.oauth.remembered_consent import FORGETTING
from actor_oauth.oauth.scopes import Scope
from actor_oauth.runtime import Database

MAX_PAGE: Final = 200

_LOAD: Final = (
    "SELECT number, state, clock, generation, deadline, expires_at, created_at,"
    " client_id, redirect_uri, resource, scope, supersedes, code_hash, code_challenge,"
    " code_failures, code_data_key, code_jkt, refresh_jkt, auth_time, is_refreshable,"
    " contested_at, recovered_at, details FROM grants WHERE number = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSummary:
    """What a user sees of an active grant.

    Attributes:
        grant_id: Its name, for revoking it.
        client_id: Who was allowed something.
        redirect_uri: Where the code went.
        resource: For which resource.
        scope: To do what.
        created_at: When the user agreed, in Unix seconds.
        last_used_at: When it last issued tokens, or refused an outdated one, in Unix
            seconds.
        expires_at: When it ends in any case, in Unix seconds.
        metadata: What the application attached for listing, or None.
        origin: The issuer whose assertion began it; None if the user said yes.
        contested_at: When a request with an outdated refresh token of it was refused,
            in Unix seconds; None if that never happened.
    """

    grant_id: str
    client_id: str
    redirect_uri: str
    resource: str
    scope: Scope
    created_at: int
    last_used_at: int
    expires_at: int
    metadata: Json
    origin: GrantOrigin | None = None
    contested_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPage:
    """Some grants, newest first.

    Attributes:
        grants: In order.
        next_cursor: For the page after this one; None at the end.
    """

    grants: tuple[GrantSummary, ...]
    next_cursor: str | None


def load_grant(db: Database, actor_key: str, number: int) -> Grant | None:
    """Give a grant, or None if there is none with this number."""
    row = db.execute(_LOAD, (number,)).fetchone()
    if row is None:
        return None
    return Grant(
        actor_key=actor_key,
        number=row[0],
        state=GrantState(row[1]),
        clock=row[2],
        generation=row[3],
        deadline=row[4],
        expires_at=row[5],
        created_at=row[6],
        client_id=row[7],
        redirect_uri=row[8],
        resource=row[9],
        scope=stored_scope(row[10]),
        supersedes=bool(row[11]),
        code_hash=row[12],
        code_challenge=row[13],
        code_failures=row[14],
        code_data_key=row[15],
        code_jkt=row[16],
        refresh_jkt=row[17],
        auth_time=row[18],
        is_refreshable=bool(row[19]),
        contested_at=row[20],
        recovered_at=row[21],
        details=row[22],
    )


def insert_grant(db: Database, issued: IssuedCode) -> None:
    """Store a grant that begins."""
    grant = issued.grant
    db.execute(
        "INSERT INTO grants (number, state, clock, generation, links_from, deadline,"
        " expires_at, created_at, client_id, redirect_uri, resource, scope, supersedes,"
        " code_hash, code_challenge, code_failures, code_data_key, code_jkt, auth_time,"
        " is_refreshable, authentication, details, metadata, props)"
        " VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant.number,
            grant.state,
            grant.clock,
            grant.generation,
            grant.deadline,
            grant.expires_at,
            grant.created_at,
            grant.client_id,
            grant.redirect_uri,
            grant.resource,
            str(grant.scope),
            int(grant.supersedes),
            grant.code_hash,
            grant.code_challenge,
            grant.code_failures,
            grant.code_data_key,
            grant.code_jkt,
            grant.auth_time,
            int(grant.is_refreshable),
            issued.authentication,
            grant.details,
            issued.metadata,
            issued.sealed_props,
        ),
    )
    record_event(
        db,
        AccountEvent.GRANT_AUTHORIZED,
        at=grant.created_at,
        number=grant.number,
        detail=grant.client_id,
    )


def load_authentication(db: Database, number: int) -> Authentication:
    """Give what ID tokens say about how the user of a grant signed in.

    Raises:
        RecordError: The grant's record is damaged.
    """
    row: tuple[str | None, int | None] = db.execute(
        "SELECT authentication, auth_time FROM grants WHERE number = ?", (number,)
    ).fetchone()
    return Authentication.from_record(row[0], auth_time=row[1])


def save_redeemed(db: Database, grant: Grant) -> None:
    """Store a grant whose code was just redeemed."""
    db.execute(
        "UPDATE grants SET state = ?, clock = ?, generation = ?, deadline = ?,"
        " expires_at = ?, code_data_key = ?, refresh_jkt = ? WHERE number = ?",
        (
            grant.state,
            grant.clock,
            grant.generation,
            grant.deadline,
            grant.expires_at,
            grant.code_data_key,
            grant.refresh_jkt,
            grant.number,
        ),
    )
    event = GrantEvent.CODE_REDEEMED
    record_event(db, event, at=grant.clock, number=grant.number, detail=grant.client_id)


def bind_refresh_tokens(db: Database, grant: Grant, jkt: str | None) -> None:
    """Store which key must refresh from now on."""
    db.execute(
        "UPDATE grants SET refresh_jkt = ? WHERE number = ?", (jkt, grant.number)
    )


def save_verifier_failures(db: Database, grant: Grant, failures: int) -> None:
    """Store how often a wrong verifier came with the right code."""
    db.execute(
        "UPDATE grants SET code_failures = ? WHERE number = ?", (failures, grant.number)
    )


def end_grant(db: Database, grant: Grant, event: GrantEvent, *, now: int) -> None:
    """End a grant for good, and delete everything that was secret about it.

    The row itself stays for a while, so that the log can say why a token is refused.
    """
    state, time = next_state(grant.state, event), grant.time(now)
    db.execute(
        "UPDATE grants SET state = ?, clock = ?, code_data_key = NULL, props = NULL"
        " WHERE number = ?",
        (state, time, grant.number),
    )
    forget_tokens(db, grant.number)
    if event in FORGETTING:
        forget_client(db, grant.client_id)
    record_event(db, event, at=time, number=grant.number, detail=grant.client_id)


def end_live_grants(
    db: Database,
    actor_key: str,
    event: GrantEvent,
    *,
    now: int,
    client_id: str | None = None,
) -> int:
    """End every grant that is not over yet; of one client, if one is named.

    Returns:
        How many there were.
    """
    rows: list[tuple[int]] = db.execute(
        "SELECT number FROM grants WHERE state IN ('authorized', 'active')"
        " AND (?1 IS NULL OR client_id = ?1)",
        (client_id,),
    ).fetchall()
    return end_all(db, actor_key, rows, event, now=now)


def end_named_grant(
    db: Database, actor_key: str, name: str, event: GrantEvent, *, now: int
) -> bool:
    """End the grant with this name; False if there is none that lives."""
    number = parse_grant_id(name)
    grant = None if number is None else load_grant(db, actor_key, number)
    if grant is None or is_final(grant.state):
        return False
    end_grant(db, grant, event, now=now)
    return True


def end_superseded_grants(db: Database, by: Grant, *, now: int) -> None:
    """End the older grants whose place a grant takes (C-21).

    Only lower numbers: of two that are redeemed in either order the newer one survives,
    and there is never a moment without any.
    """
    rows: list[tuple[int]] = db.execute(
        "SELECT number FROM grants WHERE state IN ('authorized', 'active')"
        " AND number < ? AND client_id = ? AND redirect_uri = ? AND resource = ?",
        (by.number, by.client_id, by.redirect_uri, by.resource),
    ).fetchall()
    end_all(db, by.actor_key, rows, GrantEvent.SUPERSEDED, now=now)


def replaceable_scopes(
    db: Database, request: AuthorizationRequest, *, now: int
) -> list[Scope]:
    """Give the scope of each grant in force whose place one for this request takes."""
    rows: list[tuple[str]] = db.execute(
        "SELECT scope FROM grants WHERE state = 'active'"
        " AND max(?, clock) < min(expires_at, deadline)"
        " AND client_id = ? AND redirect_uri = ? AND resource = ? ORDER BY number",
        (now, request.client_id, request.redirect_uri, request.resource),
    ).fetchall()
    return [stored_scope(scope) for (scope,) in rows]


def forget_tokens(db: Database, number: int) -> None:
    """Delete every token of a grant."""
    db.execute("DELETE FROM access_tokens WHERE number = ?", (number,))
    db.execute("DELETE FROM refresh_tokens WHERE number = ?", (number,))


def list_grants(db: Database, *, cursor: str | None, limit: int, now: int) -> GrantPage:
    """Give the grants in force, newest first.

    Args:
        db: The user's database.
        cursor: From the page before; None, or one that cannot be read, to begin.
        limit: Grants at most, 1 to 200.
        now: The time.
    """
    limit = max(1, min(limit, MAX_PAGE))
    before = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else None
    rows = db.execute(
        "SELECT number, client_id, redirect_uri, resource, scope, created_at, clock,"
        " expires_at, metadata, origin, contested_at FROM grants"
        " WHERE state = 'active'"
        " AND max(?1, clock) < expires_at AND (?2 IS NULL OR number < ?2)"
        " ORDER BY number DESC LIMIT ?3",
        (now, before, limit + 1),
    ).fetchall()
    grants = tuple(
        GrantSummary(
            grant_id=grant_id(row[0]),
            client_id=row[1],
            redirect_uri=row[2],
            resource=row[3],
            scope=stored_scope(row[4]),
            created_at=row[5],
            last_used_at=row[6],
            expires_at=row[7],
            metadata=None if row[8] is None else cast("Json", json.loads(row[8])),
            origin=None if row[9] is None else GrantOrigin.from_record(row[9]),
            contested_at=row[10],
        )
        for row in rows[:limit]
    )
    more = len(rows) > limit
    return GrantPage(
        grants=grants, next_cursor=str(rows[limit - 1][0]) if more else None
    )


def end_all(
    db: Database,
    actor_key: str,
    rows: list[tuple[int]],
    event: GrantEvent,
    *,
    now: int,
) -> int:
    """End the grants with these numbers; returns how many there were."""
    for (number,) in rows:
        grant = load_grant(db, actor_key, number)
        assert grant is not None
        end_grant(db, grant, event, now=now)
    return len(rows)
