"""The tables of a user's database.

A user who does nothing should cost little, and every table costs a page (1 KiB) while it
is empty. So there are few, without indexes beyond their keys, and what lives for a while
and is found by one key shares a table. Times are Unix seconds.
"""

import sqlite_utils
from sqlite_utils.migrations import Migrations

USER_MIGRATIONS = Migrations("actor_oauth.user")

# One row. A user whom an application brought along has no password.
_ACCOUNT = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, password_hash TEXT,
    disabled INTEGER NOT NULL, attempts INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL, last_grant INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT
"""

# `links_from`: no generation before it has a link left. The columns that can be large
# come last, so that most reads need not pass over them.
_GRANTS = """
CREATE TABLE grants (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, clock INTEGER NOT NULL,
    generation INTEGER NOT NULL, links_from INTEGER NOT NULL,
    deadline INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL, client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, resource TEXT NOT NULL, scope TEXT NOT NULL,
    supersedes INTEGER NOT NULL, code_hash BLOB NOT NULL,
    code_challenge TEXT NOT NULL, code_failures INTEGER NOT NULL,
    code_data_key BLOB, metadata TEXT, props BLOB
) STRICT
"""

# One row per generation; all but the newest are superseded. The link (kid, salt and end
# of the window) is there only while the window is open.
_REFRESH_TOKENS = """
CREATE TABLE refresh_tokens (
    number INTEGER, generation INTEGER, hash BLOB NOT NULL, data_key BLOB,
    window_ends_at INTEGER, kid TEXT, salt BLOB, PRIMARY KEY (number, generation)
) STRICT, WITHOUT ROWID
"""

# `scope` only if it is narrower than the grant's; `expires_at` is 0 once revoked.
_ACCESS_TOKENS = """
CREATE TABLE access_tokens (
    number INTEGER, generation INTEGER, hash BLOB, issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, scope TEXT, data_key BLOB,
    PRIMARY KEY (number, generation, hash)
) STRICT, WITHOUT ROWID
"""

# Sessions, consent transactions, used proofs, and tombstones of clients that have ended.
_SHORT_LIVED = """
CREATE TABLE short_lived (
    kind TEXT, key BLOB, expires_at INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID
"""

_EVENTS = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
    number INTEGER, detail TEXT
) STRICT
"""


@USER_MIGRATIONS()
def m0001_account_grants_tokens(db: sqlite_utils.Database) -> None:
    """The account, its grants with their tokens, what is short-lived, the audit trail."""
    for statement in (
        _ACCOUNT,
        _GRANTS,
        _REFRESH_TOKENS,
        _ACCESS_TOKENS,
        _SHORT_LIVED,
        _EVENTS,
    ):
        # SQLite keeps the text as it is written, line breaks included.
        db.execute(" ".join(statement.split()))


@USER_MIGRATIONS()
def m0002_exchanged_tokens_and_callbacks(db: sqlite_utils.Database) -> None:
    """What an exchange or the application's callback makes different from the grant.

    An access token: another resource and client, the token that it was exchanged from,
    props of its own. A grant: the version of its props, what the callback said for the
    newest generation, and which callback is running for how long at most.
    """
    for column in (
        "access_tokens ADD COLUMN resource TEXT",
        "access_tokens ADD COLUMN client_id TEXT",
        "access_tokens ADD COLUMN root BLOB",
        "access_tokens ADD COLUMN props_version INTEGER",
        "access_tokens ADD COLUMN props BLOB",
        "grants ADD COLUMN props_version INTEGER NOT NULL DEFAULT 1",
        "grants ADD COLUMN terms TEXT",
        "grants ADD COLUMN claim BLOB",
        "grants ADD COLUMN claimed_until INTEGER",
    ):
        db.execute(f"ALTER TABLE {column}")


@USER_MIGRATIONS()
def m0003_keys_of_senders(db: sqlite_utils.Database) -> None:
    """The keys that codes and tokens are bound to (RFC 9449)."""
    for column in (
        "grants ADD COLUMN code_jkt TEXT",
        "grants ADD COLUMN refresh_jkt TEXT",
        "access_tokens ADD COLUMN jkt TEXT",
    ):
        db.execute(f"ALTER TABLE {column}")


@USER_MIGRATIONS()
def m0004_times_of_authentication(db: sqlite_utils.Database) -> None:
    """When the user had proved who it is, for the grants that know."""
    db.execute("ALTER TABLE grants ADD COLUMN auth_time INTEGER")


@USER_MIGRATIONS()
def m0005_origins(db: sqlite_utils.Database) -> None:
    """The issuer whose assertion began a grant, if it was not the user."""
    db.execute("ALTER TABLE grants ADD COLUMN origin TEXT")


@USER_MIGRATIONS()
def m0006_refusals_of_offline_access(db: sqlite_utils.Database) -> None:
    """Whether a grant may be refreshed at all."""
    db.execute(
        "ALTER TABLE grants ADD COLUMN is_refreshable INTEGER NOT NULL DEFAULT 1"
    )


@USER_MIGRATIONS()
def m0007_late_refreshes(db: sqlite_utils.Database) -> None:
    """The evidence by which late reuse of refresh tokens is judged, and the results.

    A generation: when it was first used, how long its link is kept beyond its window,
    whether only until its successor is presented, and whether a late presenter of it was
    refused. A grant: when one was refused, and when one was last answered.
    """
    for column in (
        "refresh_tokens ADD COLUMN used_at INTEGER",
        "refresh_tokens ADD COLUMN kept_until INTEGER",
        "refresh_tokens ADD COLUMN while_unused INTEGER NOT NULL DEFAULT 0",
        "refresh_tokens ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0",
        "grants ADD COLUMN contested_at INTEGER",
        "grants ADD COLUMN recovered_at INTEGER",
    ):
        db.execute(f"ALTER TABLE {column}")


@USER_MIGRATIONS()
def m0009_authentications(db: sqlite_utils.Database) -> None:
    """Further contents of ID tokens, for grants whose client learns who the user is."""
    db.execute("ALTER TABLE grants ADD COLUMN authentication TEXT")


@USER_MIGRATIONS()
def m0010_authorization_details(db: sqlite_utils.Database) -> None:
    """What exactly a grant allows beside its scope (RFC 9396)."""
    db.execute("ALTER TABLE grants ADD COLUMN details TEXT")


@USER_MIGRATIONS()
def m0011_narrowed_details(db: sqlite_utils.Database) -> None:
    """What an access token allows if that is less than its grant does."""
    db.execute("ALTER TABLE access_tokens ADD COLUMN details TEXT")
