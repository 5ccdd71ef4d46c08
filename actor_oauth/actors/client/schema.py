"""The tables of a client's database. Times are Unix seconds."""

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.actors.client.management import create_access_table
from actor_oauth.actors.client.pushed_requests import create_pushed_requests
from actor_oauth.actors.client.tokens import create_token_tables
from actor_oauth.actors.documents import create_document_tables
from actor_oauth.actors.proofs import create_proofs
from actor_oauth.actors.used_assertions import create_assertion_tables

CLIENT_MIGRATIONS = Migrations("actor_oauth.client")


@CLIENT_MIGRATIONS()
def m0001_registration_and_users(db: sqlite_utils.Database) -> None:
    """The registration in its one row, and who holds grants under which epoch."""
    db.execute(
        "CREATE TABLE registration (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " state TEXT NOT NULL, epoch INTEGER NOT NULL, ended_epoch INTEGER NOT NULL,"
        " record TEXT, secret_hash ANY, expires_at INTEGER) STRICT"
    )
    db.execute(
        "CREATE TABLE users (user_key TEXT, epoch INTEGER, PRIMARY KEY"
        " (user_key, epoch)) STRICT, WITHOUT ROWID"
    )


@CLIENT_MIGRATIONS()
def m0002_pushed_requests(db: sqlite_utils.Database) -> None:
    """The authorization requests that the client pushed."""
    create_pushed_requests(db)


@CLIENT_MIGRATIONS()
def m0003_tokens(db: sqlite_utils.Database) -> None:
    """The tokens that the client got for itself."""
    create_token_tables(db)


@CLIENT_MIGRATIONS()
def m0004_documents_and_assertions(db: sqlite_utils.Database) -> None:
    """The client's published documents, and its used assertions."""
    create_document_tables(db)
    create_assertion_tables(db)


@CLIENT_MIGRATIONS()
def m0005_registration_access(db: sqlite_utils.Database) -> None:
    """Who may manage the registration."""
    create_access_table(db)


@CLIENT_MIGRATIONS()
def m0006_proofs(db: sqlite_utils.Database) -> None:
    """The DPoP proofs that came with what the client pushed."""
    create_proofs(db)


@CLIENT_MIGRATIONS()
def m0007_previous_secret(db: sqlite_utils.Database) -> None:
    """The secret before the newest, which is good until that one is used."""
    db.execute("ALTER TABLE registration ADD COLUMN previous_secret_hash ANY")
