"""The tables of a user's vault. Times are Unix seconds.

What is sealed is readable only with the server's keyring, and only in its own place.
"""

import sqlite_utils
from sqlite_utils.migrations import Migrations

VAULT_MIGRATIONS = Migrations("actor_oauth.vault")

# Numbers are never used again: what was sealed for one connection, or began for it, must
# not fit another one.
_CONNECTIONS = """
CREATE TABLE connections (
    number INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL, epoch INTEGER NOT NULL, generation INTEGER NOT NULL,
    obtained_at INTEGER NOT NULL, expires_at INTEGER, claim BLOB,
    claimed_until INTEGER NOT NULL, unanswered INTEGER NOT NULL,
    failures INTEGER NOT NULL, retry_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
    terms TEXT NOT NULL, client BLOB, access BLOB, refresh BLOB
) STRICT
"""

# `outcome` is empty until a code has been traded, and the record is erased then.
_ATTEMPTS = """
CREATE TABLE attempts (
    key BLOB PRIMARY KEY, browser BLOB NOT NULL, resource TEXT NOT NULL,
    expires_at INTEGER NOT NULL, stage TEXT NOT NULL, outcome TEXT,
    record BLOB
) STRICT, WITHOUT ROWID
"""


# Where what is sealed in a row was sealed is part of it: see `owed`.
_OWED = """
CREATE TABLE owed (
    number INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, server TEXT NOT NULL,
    failures INTEGER NOT NULL, retry_at INTEGER NOT NULL, client BLOB, access BLOB,
    refresh BLOB
) STRICT
"""


@VAULT_MIGRATIONS()
def m0001_connections_and_attempts(db: sqlite_utils.Database) -> None:
    """Connections to other services, and sign-ins that were begun there."""
    for statement in (_CONNECTIONS, _ATTEMPTS):
        db.execute(" ".join(statement.split()))


@VAULT_MIGRATIONS()
def m0002_tokens_to_revoke(db: sqlite_utils.Database) -> None:
    """Tokens that are to be ended at the servers that gave them."""
    db.execute(" ".join(_OWED.split()))
