"""The rows of connections, and the secrets in them."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from actor_oauth.actors.vault.seals import Seals
from actor_oauth.actors.vault.terms import Terms
from actor_oauth.oauth.json_values import parse_record
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.credentials import Credential, CredentialState
from actor_oauth.runtime import Database

MAX_CONNECTIONS: Final = 200
"""Of one user."""

Column: TypeAlias = Literal["client", "access", "refresh"]
COLUMNS: Final[tuple[Column, ...]] = ("client", "access", "refresh")

_FIELDS: Final = (
    "number, resource, terms, used_at, state, epoch, generation, obtained_at,"
    " expires_at, refresh IS NOT NULL, claim, claimed_until, unanswered, failures,"
    " retry_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection, without its secrets.

    Attributes:
        number: Names it inside its vault.
        resource: The identifier that tokens are asked for.
        terms: What it is.
        used_at: When its present token was first used; less than
            `credential.obtained_at` if it was not.
        credential: Where it stands.
    """

    number: int
    resource: str
    terms: Terms
    used_at: int
    credential: Credential


def load_all(db: Database) -> list[Connection]:
    """Give all connections, the newest first."""
    rows: list[_Row] = db.execute(
        f"SELECT {_FIELDS} FROM connections ORDER BY number DESC"  # noqa: S608 - a constant
    ).fetchall()
    return [_connection(row) for row in rows]


def load_numbered(db: Database, number: int) -> Connection | None:
    """Give a connection, or None if there is none of this number any more."""
    row: _Row | None = db.execute(
        f"SELECT {_FIELDS} FROM connections WHERE number = ?",  # noqa: S608 - a constant
        (number,),
    ).fetchone()
    return None if row is None else _connection(row)


def load_of(db: Database, resource: str) -> Connection | None:
    """Give the connection of a resource, or None."""
    row: tuple[int] | None = db.execute(
        "SELECT number FROM connections WHERE resource = ?", (resource,)
    ).fetchone()
    return None if row is None else load_numbered(db, row[0])


def resources_of(db: Database) -> list[tuple[str, int]]:
    """Give resource and number of every connection."""
    rows: list[tuple[str, int]] = db.execute(
        "SELECT resource, number FROM connections"
    ).fetchall()
    return rows


def ensure(db: Database, resource: str, *, name: str, now: int) -> Connection | None:
    """Give the connection of a resource, made now if there is none.

    Returns:
        None if the user has too many.
    """
    known = load_of(db, resource)
    if known is not None:
        return known
    (count,) = db.execute("SELECT count(*) FROM connections").fetchone()
    if count >= MAX_CONNECTIONS:
        return None
    db.execute(
        "INSERT INTO connections (resource, state, epoch, generation, obtained_at,"
        " claimed_until, unanswered, failures, retry_at, used_at, terms)"
        " VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0, 0, ?)",
        (
            resource,
            CredentialState.ABSENT,
            Terms(name=name, created_at=now).to_record(),
        ),
    )
    return load_of(db, resource)


def save_credential(db: Database, number: int, credential: Credential) -> None:
    """Store where a connection stands."""
    db.execute(
        "UPDATE connections SET state = ?, epoch = ?, generation = ?, obtained_at = ?,"
        " expires_at = ?, claim = ?, claimed_until = ?, unanswered = ?, failures = ?,"
        " retry_at = ? WHERE number = ?",
        (
            credential.state,
            credential.epoch,
            credential.generation,
            credential.obtained_at,
            credential.expires_at,
            credential.claim,
            credential.claimed_until,
            credential.unanswered,
            credential.failures,
            credential.retry_at,
            number,
        ),
    )


def save_terms(db: Database, number: int, terms: Terms) -> None:
    """Store what a connection is."""
    db.execute(
        "UPDATE connections SET terms = ? WHERE number = ?", (terms.to_record(), number)
    )


def save_used(db: Database, number: int, *, now: int) -> None:
    """Note that a connection's token is in use."""
    db.execute("UPDATE connections SET used_at = ? WHERE number = ?", (now, number))


def save_secret(
    db: Database, number: int, column: Column, secret: str, seals: Seals
) -> None:
    """Store a secret, sealed."""
    db.execute(
        f"UPDATE connections SET {column} = ? WHERE number = ?",  # noqa: S608 - a literal
        (seals.seal(secret, f"{number}/{column}"), number),
    )


def load_secret(db: Database, number: int, column: Column, seals: Seals) -> str | None:
    """Unseal a secret; None if there is none, or its key is gone."""
    return seals.unseal(load_sealed(db, number, column), f"{number}/{column}")


def load_sealed(db: Database, number: int, column: Column) -> bytes | None:
    """Read a secret as it is stored; None if there is none."""
    row: tuple[bytes | None] = db.execute(
        f"SELECT {column} FROM connections WHERE number = ?",  # noqa: S608 - a literal
        (number,),
    ).fetchone()
    return row[0]


def load_client(db: Database, number: int, seals: Seals) -> UpstreamClient | None:
    """Give the registration that a connection's tokens are bound to."""
    text = load_secret(db, number, "client", seals)
    return None if text is None else UpstreamClient.from_record(parse_record(text))


def erase_secrets(db: Database, number: int, *columns: Column) -> None:
    """Forget what is of no use any more (K-09)."""
    for column in columns:
        db.execute(
            f"UPDATE connections SET {column} = NULL WHERE number = ?",  # noqa: S608 - a literal
            (number,),
        )


def delete(db: Database, number: int) -> None:
    """Forget a connection."""
    db.execute("DELETE FROM connections WHERE number = ?", (number,))


_Row: TypeAlias = tuple[
    int,
    str,
    str,
    int,
    str,
    int,
    int,
    int,
    int | None,
    int,
    bytes | None,
    int,
    int,
    int,
    int,
]


def _connection(row: _Row) -> Connection:
    number, resource, terms, used_at, state, *_ = row
    return Connection(
        number=number,
        resource=resource,
        terms=Terms.from_record(parse_record(terms)),
        used_at=used_at,
        credential=Credential(
            state=CredentialState(state),
            epoch=row[5],
            generation=row[6],
            obtained_at=row[7],
            expires_at=row[8],
            can_refresh=row[9] == 1,
            claim=row[10],
            claimed_until=row[11],
            unanswered=row[12],
            failures=row[13],
            retry_at=row[14],
        ),
    )
