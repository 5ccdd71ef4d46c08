"""Erasing expired data, by alarm.

Two kinds of data expire at times known beforehand. When a link may not be used any
more, its salt must go soon, for until then a stolen database and keyring could still
derive the successor (D-30). Everything else only takes up space, since every reader
compares its expiry, and may wait for the next full hour.

Alarms are set on a grid, so that a chain that rotates all the time causes one alarm per
step of the grid; each user's grid has an offset of its own, so that not all wake at once.

A sweep is bounded: what it leaves over, the next one takes, and turns get in between.
"""

from typing import Final

from actor_oauth.actors.user.grants import forget_tokens
from actor_oauth.actors.user.short_lived import NEVER
from actor_oauth.runtime import Database

LINK_GRID: Final = 10
"""Seconds by which a salt may outlive its window."""

SWEEP_GRID: Final = 3600
"""Seconds by which anything else may outlive its expiry."""

KEEP_ENDED: Final = 86_400
"""Seconds for which the log can still say why a token of an ended grant is refused."""

BATCH: Final = 2000
"""Rows of one table that one sweep erases."""

# When no token of a grant can be of use any more.
_OVER: Final = (
    "CASE state WHEN 'authorized' THEN deadline"
    " WHEN 'active' THEN min(expires_at, max(deadline, (SELECT"
    " ifnull(max(a.expires_at), 0) FROM access_tokens AS a"
    " WHERE a.number = grants.number)))"
    " ELSE clock + :keep END"
)
_GRANTS_OVER: Final = f"SELECT number FROM grants WHERE {_OVER} <= :now LIMIT :batch"  # noqa: S608 a constant
# The last second in which a link may be used: one that is kept while its successor is
# unused only for its window, once that was presented.
_LINK_ENDS: Final = (
    "max(r.window_ends_at, iif(r.while_unused AND r.generation < g.generation - 1,"
    " 0, ifnull(r.kept_until, 0)))"
)
_FIRST_LINK: Final = (
    f"SELECT min({_LINK_ENDS}) FROM grants AS g JOIN refresh_tokens AS r"  # noqa: S608 a constant
    " ON r.number = g.number AND r.generation >= g.links_from"
    " AND r.generation < g.generation WHERE g.state = 'active'"
)
_ERASE_LINKS: Final = (
    "UPDATE refresh_tokens AS r SET window_ends_at = NULL, kid = NULL, salt = NULL,"  # noqa: S608 a constant
    " kept_until = NULL FROM grants AS g WHERE g.number = r.number AND r.number = ?"
    f" AND r.generation >= ? AND r.generation < ? AND {_LINK_ENDS} < ?"
)
_FIRST_OVER: Final = (
    "SELECT min(expires_at) FROM access_tokens WHERE expires_at > 0",
    f"SELECT min({_OVER}) FROM grants",  # noqa: S608 a constant
    f"SELECT min(expires_at) FROM short_lived WHERE expires_at < {NEVER:d}",  # noqa: S608 - a number of ours
)


def link_alarm(actor_key: str, ends_at: int) -> int:
    """Give the time at which to erase a link."""
    return _on_grid(actor_key, ends_at, LINK_GRID)


def sweep_alarm(actor_key: str, expires_at: int) -> int:
    """Give the time at which to erase anything else."""
    return _on_grid(actor_key, expires_at, SWEEP_GRID)


def sweep(db: Database, actor_key: str, *, now: int) -> int | None:
    """Erase expired data.

    Returns:
        When to sweep again, or None if nothing is left that will be over.
    """
    unfinished = [
        _erase_links(db, now=now),
        _delete_access_tokens(db, now=now),
        _delete_grants(db, now=now),
    ]
    # Few, for each kind is capped per user.
    db.execute("DELETE FROM short_lived WHERE expires_at <= ?", (now,))
    return now if any(unfinished) else _next_alarm(db, actor_key, now=now)


def _erase_links(db: Database, *, now: int) -> bool:
    unfinished = False
    for number, first, generation in _linked_grants(db):
        end = min(generation, first + BATCH)
        db.execute(_ERASE_LINKS, (number, first, end, now))
        row: tuple[int | None] = db.execute(
            "SELECT min(generation) FROM refresh_tokens WHERE number = ?"
            " AND generation >= ? AND generation < ? AND window_ends_at IS NOT NULL",
            (number, first, end),
        ).fetchone()
        links_from = end if row[0] is None else row[0]
        unfinished = unfinished or (row[0] is None and end < generation)
        db.execute(
            "UPDATE grants SET links_from = ? WHERE number = ?", (links_from, number)
        )
    return unfinished


def _delete_access_tokens(db: Database, *, now: int) -> bool:
    # As long as the link to its generation is there, a retry could derive the token
    # again, and must find that it has been used up.
    deleted = db.execute(
        "DELETE FROM access_tokens WHERE (number, generation, hash) IN ("
        "SELECT a.number, a.generation, a.hash FROM access_tokens AS a"
        " LEFT JOIN refresh_tokens AS r"
        " ON r.number = a.number AND r.generation = a.generation - 1"
        " WHERE a.expires_at <= ? AND r.window_ends_at IS NULL LIMIT ?)",
        (now, BATCH),
    ).rowcount
    # Those that are kept must stay dead, even should the clock be set back (K-13).
    db.execute(
        "UPDATE access_tokens SET expires_at = 0, data_key = NULL"
        " WHERE expires_at <= ? AND expires_at > 0",
        (now,),
    )
    return deleted == BATCH


def _delete_grants(db: Database, *, now: int) -> bool:
    rows: list[tuple[int]] = db.execute(
        _GRANTS_OVER, {"keep": KEEP_ENDED, "now": now, "batch": BATCH}
    ).fetchall()
    for (number,) in rows:
        forget_tokens(db, number)
        db.execute("DELETE FROM grants WHERE number = ?", (number,))
    return len(rows) == BATCH


def _next_alarm(db: Database, actor_key: str, *, now: int) -> int | None:
    alarms: list[int] = []
    row: tuple[int | None] = db.execute(_FIRST_LINK).fetchone()
    if row[0] is not None:
        alarms.append(link_alarm(actor_key, max(row[0], now)))
    for query in _FIRST_OVER:
        row = db.execute(query, {"keep": KEEP_ENDED}).fetchone()
        if row[0] is not None:
            alarms.append(sweep_alarm(actor_key, max(row[0], now)))
    return min(alarms, default=None)


def _linked_grants(db: Database) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = db.execute(
        "SELECT number, links_from, generation FROM grants"
        " WHERE state = 'active' AND links_from < generation"
    ).fetchall()
    return rows


def _on_grid(actor_key: str, time: int, step: int) -> int:
    # The first time of the grid after `time`.
    offset = int(actor_key[:8], 16) % step
    return ((time - offset) // step + 1) * step + offset
