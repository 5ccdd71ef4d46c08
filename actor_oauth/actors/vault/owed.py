"""Tokens that are still to be revoked at the servers that issued them.

Rule 1: a token gets here in the turn that takes it away from its connection, or that
finds no connection for it: a crash loses no revocation (I-32, I-40).
Rule 2: a row goes when the other server has answered for good, or was asked often enough.

Sealed values stay sealed for the place where they were, whose name is in the row: so
everything can be removed without the keyring.
"""

from dataclasses import dataclass, field
from typing import Final

from actor_oauth.actors.vault.connections import COLUMNS, Connection, load_sealed
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.json_values import parse_record, render_record
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.credentials import pause_after
from actor_oauth.oauth.upstream.failures import UpstreamFailed
from actor_oauth.oauth.upstream.sealing import sealing_key
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer
from actor_oauth.oauth.upstream.token_response import UpstreamTokens
from actor_oauth.runtime import Database

MAX_TRIES: Final = 24
"""With the pauses of failing refreshes between them, about 17 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Tokens to be revoked by the caller that got this value.

    Attributes:
        number: Of the row.
        server: Who gave them.
        client: The client they belong to; None if the key that it was sealed with is
            gone.
        refresh_token: To be revoked first, or None.
        access_token: To be revoked after that, or None.
    """

    number: int
    server: UpstreamServer
    client: UpstreamClient | None
    refresh_token: str | None = field(repr=False)
    access_token: str | None = field(repr=False)


def owe_connection(db: Database, connection: Connection) -> int | None:
    """Note the tokens of a connection that is about to be deleted.

    Returns:
        The number of the row; None if its server has no way to revoke.
    """
    server = connection.terms.server
    boxes = [load_sealed(db, connection.number, column) for column in COLUMNS]
    if server is None or server.revocation_endpoint is None or boxes[0] is None:
        return None
    return _insert(db, str(connection.number), server, boxes)


def owe_tokens(
    db: Database,
    place: str,
    server: UpstreamServer,
    client: UpstreamClient,
    tokens: UpstreamTokens,
    seals: Seals,
) -> int | None:
    """Note tokens that came, and that nothing waits for any more.

    Args:
        db: The vault's.
        place: A name that no other row has.
        server: Who gave them.
        client: The client they belong to.
        tokens: What came.
        seals: Close them.

    Returns:
        As for `owe_connection`.
    """
    if server.revocation_endpoint is None:
        return None
    texts = (
        render_record(client.to_record()),
        tokens.access_token,
        tokens.refresh_token,
    )
    boxes = [
        None if text is None else seals.seal(text, f"{place}/{column}")
        for column, text in zip(COLUMNS, texts, strict=True)
    ]
    return _insert(db, place, server, boxes)


def begin(
    db: Database, number: int, seals: Seals, *, now: int, lease: int
) -> Owed | None:
    """Take a row to ask about it.

    Returns:
        None if the row is gone, or another caller has taken it.
    """
    row: _Row | None = db.execute(
        "SELECT place, server, client, access, refresh FROM owed"
        " WHERE number = ? AND retry_at <= ?",
        (number, now),
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE owed SET retry_at = ? WHERE number = ?", (now + lease, number))
    place, server, *boxes = row
    client, access, refresh = (
        seals.unseal(box, f"{place}/{column}")
        for column, box in zip(COLUMNS, boxes, strict=True)
    )
    return Owed(
        number=number,
        server=UpstreamServer.from_record(parse_record(server)),
        client=None
        if client is None
        else UpstreamClient.from_record(parse_record(client)),
        refresh_token=refresh,
        access_token=access,
    )


def finish(
    db: Database, number: int, failed: UpstreamFailed | None, *, now: int
) -> int | None:
    """Note what the other server said.

    Returns:
        When to ask again; None if there is no need to, or no more use in it.
    """
    row: tuple[int] | None = db.execute(
        "SELECT failures FROM owed WHERE number = ?", (number,)
    ).fetchone()
    failures = 1 if row is None else row[0] + 1
    if failed is None or not failed.is_passing or failures >= MAX_TRIES:
        db.execute("DELETE FROM owed WHERE number = ?", (number,))
        return None
    retry_at = now + pause_after(failures, failed.retry_after)
    db.execute(
        "UPDATE owed SET failures = ?, retry_at = ? WHERE number = ?",
        (failures, retry_at, number),
    )
    return retry_at


def find_due(db: Database, *, now: int) -> tuple[list[int], int | None]:
    """Give the numbers of the rows that are due now, and when the next one is due."""
    rows: list[tuple[int, int]] = db.execute(
        "SELECT number, retry_at FROM owed"
    ).fetchall()
    later = (at for _, at in rows if at > now)
    return [number for number, at in rows if at <= now], min(later, default=None)


def seal_anew(db: Database, seals: Seals) -> int:
    """Seal with the current key what an older one sealed; gives how many there were."""
    changed = 0
    rows: list[tuple[int, str]] = db.execute(
        "SELECT number, place FROM owed"
    ).fetchall()
    for number, place in rows:
        for column in COLUMNS:
            (box,) = db.execute(
                f"SELECT {column} FROM owed WHERE number = ?",  # noqa: S608 - a literal
                (number,),
            ).fetchone()
            text = seals.unseal(box, f"{place}/{column}")
            if text is None or sealing_key(box) == seals.keyring.current:
                continue
            db.execute(
                f"UPDATE owed SET {column} = ? WHERE number = ?",  # noqa: S608 - a literal
                (seals.seal(text, f"{place}/{column}"), number),
            )
            changed += 1
    return changed


_Row = tuple[str, str, bytes | None, bytes | None, bytes | None]


def _insert(
    db: Database, place: str, server: UpstreamServer, boxes: list[bytes | None]
) -> int:
    number = db.execute(
        "INSERT INTO owed (place, server, failures, retry_at, client, access, refresh)"
        " VALUES (?, ?, 0, 0, ?, ?, ?)",
        (place, render_record(server.to_record()), *boxes),
    ).lastrowid
    assert number is not None
    return number
