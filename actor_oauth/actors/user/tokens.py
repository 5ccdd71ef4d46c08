"""Access and refresh tokens at rest: hashes, wrapped keys, and the links between them."""

from typing import Final, NamedTuple

from actor_oauth.oauth.grants import (
    Grant,
    IssuedAccessToken,
    IssuedRefreshToken,
    parse_record,
)
from actor_oauth.oauth.introspect import StoredAccessToken
from actor_oauth.oauth.refresh_chain import (
    Chain,
    Link,
    Renewal,
    Rotation,
    StoredRefreshToken,
)
from actor_oauth.oauth.refresh_retry import MAX_STEPS
from actor_oauth.oauth.tokens import Token, TokenKind, token_hash
from actor_oauth.runtime import Database

_FIND_ACCESS: Final = (
    "SELECT a.issued_at, a.expires_at, a.scope, a.data_key, g.state, g.clock,"
    " g.client_id, g.resource, g.scope, g.metadata, ifnull(a.props, g.props),"
    " (SELECT user_id FROM account), a.resource, a.client_id, a.root,"
    " ifnull(a.props_version, g.props_version), a.jkt, g.origin,"
    " ifnull(a.details, g.details)"
    " FROM access_tokens AS a JOIN grants AS g USING (number)"
    " WHERE a.number = ? AND a.generation = ? AND a.hash = ?"
)


def find_access_token(db: Database, token: Token) -> StoredAccessToken | None:
    """Give the row of an access token, or None if none has its hash."""
    number, generation = parse_record(token)
    row = db.execute(_FIND_ACCESS, (number, generation, token_hash(token))).fetchone()
    return None if row is None else StoredAccessToken._make(row)


def insert_access_token(db: Database, number: int, issued: IssuedAccessToken) -> None:
    """Store an access token that was just issued."""
    db.execute(
        "INSERT INTO access_tokens (number, generation, hash, issued_at, expires_at,"
        " scope, data_key, jkt, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            issued.generation,
            token_hash(issued.token),
            issued.issued_at,
            issued.expires_at,
            None if issued.scope is None else str(issued.scope),
            issued.data_key,
            issued.jkt,
            issued.details,
        ),
    )


def revoke_access_token(db: Database, token: Token) -> None:
    """End one access token, and with it what it was exchanged for.

    The row stays for now: a retry that derives the same token again must find it dead.
    """
    number, generation = parse_record(token)
    db.execute(
        "UPDATE access_tokens SET expires_at = 0, data_key = NULL"
        " WHERE number = ? AND generation = ? AND ? IN (hash, root)",
        (number, generation, token_hash(token)),
    )


def load_chain(db: Database, token: Token, grant: Grant) -> Chain | None:
    """Give what a decision needs of the chain, or None if the generation is unknown."""
    number, generation = parse_record(token)
    rows = _load_generations(db, grant, generation, limit=1)
    if not rows or rows[0].generation != generation:
        return None
    presented = rows[0]
    if generation == grant.generation or presented.link is None:
        return Chain(presented=presented)
    issued: list[tuple[bytes, int]] = db.execute(
        "SELECT hash, expires_at FROM access_tokens WHERE number = ? AND generation = ?",
        (number, grant.generation),
    ).fetchall()
    return Chain(
        presented=presented,
        later=_load_generations(db, grant, generation + 1, limit=MAX_STEPS + 1),
        issued=dict(issued),
    )


def insert_refresh_token(db: Database, number: int, issued: IssuedRefreshToken) -> None:
    """Store a refresh token that was just issued."""
    db.execute(
        "INSERT INTO refresh_tokens (number, generation, hash, data_key)"
        " VALUES (?, ?, ?, ?)",
        (number, issued.generation, token_hash(issued.token), issued.data_key),
    )


def save_rotation(db: Database, grant: Grant, rotation: Rotation) -> None:
    """Store a rotation: the link from the old head, the new head, the access token."""
    link = rotation.link
    if link is not None:
        db.execute(
            "UPDATE refresh_tokens SET data_key = NULL, used_at = ?,"
            " window_ends_at = ?, kept_until = ?, while_unused = ?, kid = ?, salt = ?"
            " WHERE number = ? AND generation = ?",
            (
                rotation.time,
                link.window_ends_at,
                link.kept_until,
                int(link.while_unused),
                link.kid,
                link.salt,
                grant.number,
                grant.generation,
            ),
        )
    else:
        db.execute(
            "UPDATE refresh_tokens SET data_key = NULL, used_at = ?"
            " WHERE number = ? AND generation = ?",
            (rotation.time, grant.number, grant.generation),
        )
    if link is not None and link.while_unused:
        _end_link_to_head(db, grant, time=rotation.time)
    insert_refresh_token(db, grant.number, rotation.refresh)
    insert_access_token(db, grant.number, rotation.access)
    db.execute(
        "UPDATE grants SET state = ?, clock = ?, generation = ?, deadline = ?,"
        " terms = NULL WHERE number = ?",
        (
            rotation.state,
            rotation.time,
            rotation.refresh.generation,
            rotation.deadline,
            grant.number,
        ),
    )


def _end_link_to_head(db: Database, grant: Grant, *, time: int) -> None:
    """Erase what led to the head, kept in case the answer with the head was lost (D-30)."""
    db.execute(
        "UPDATE refresh_tokens SET window_ends_at = NULL, kid = NULL, salt = NULL,"
        " kept_until = NULL WHERE number = ? AND generation = ? AND while_unused"
        " AND window_ends_at < ?",
        (grant.number, grant.generation - 1, time),
    )


def save_renewal(db: Database, grant: Grant, renewal: Renewal) -> None:
    """Store a renewal: the access token, and that the grant was used."""
    insert_access_token(db, grant.number, renewal.access)
    db.execute(
        "UPDATE grants SET clock = ?, deadline = ? WHERE number = ?",
        (renewal.time, renewal.deadline, grant.number),
    )


def is_known(db: Database, token: Token) -> bool:
    """Tell whether a token is one of its grant's, current or superseded."""
    number, generation = parse_record(token)
    table = "access_tokens"
    if token.kind is TokenKind.REFRESH:
        table = "refresh_tokens"
    row = db.execute(
        f"SELECT 1 FROM {table} WHERE number = ? AND generation = ? AND hash = ?",  # noqa: S608 one of two constants
        (number, generation, token_hash(token)),
    ).fetchone()
    return row is not None


class _Generation(NamedTuple):
    generation: int
    hash: bytes
    data_key: bytes | None
    used_at: int | None
    rejected: int
    window_ends_at: int | None
    kid: str
    salt: bytes
    kept_until: int | None
    while_unused: int

    def stored(self, newest: int) -> StoredRefreshToken:
        link = None
        if self.window_ends_at is not None:
            # Its successor was presented if that is not the head any more.
            is_over = self.while_unused and self.generation < newest - 1
            link = Link(
                kid=self.kid,
                salt=self.salt,
                window_ends_at=self.window_ends_at,
                kept_until=None if is_over else self.kept_until,
                while_unused=bool(self.while_unused),
            )
        return StoredRefreshToken(
            generation=self.generation,
            hash=self.hash,
            data_key=self.data_key,
            link=link,
            used_at=self.used_at,
            is_rejected=bool(self.rejected),
        )


def _load_generations(
    db: Database, grant: Grant, first: int, *, limit: int
) -> list[StoredRefreshToken]:
    rows = db.execute(
        "SELECT generation, hash, data_key, used_at, rejected, window_ends_at, kid,"
        " salt, kept_until, while_unused FROM refresh_tokens"
        " WHERE number = ? AND generation >= ? ORDER BY generation LIMIT ?",
        (grant.number, first, limit),
    ).fetchall()
    return [_Generation._make(row).stored(grant.generation) for row in rows]
