"""The actors of a trusted issuer: its keys, and its used assertions."""

from collections.abc import Mapping
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.actors.documents import (
    StoredDocument,
    begin_renewal,
    create_document_tables,
    load_document,
    save_document,
)
from actor_oauth.actors.used_assertions import (
    Use,
    create_assertion_tables,
    purge_assertions,
    purge_time,
    use_assertion,
)
from actor_oauth.oauth.metadata_document import CacheTimes
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.runtime import Actor, turn, view

MAX_ASSERTIONS: Final = 20_000
"""Remembered by one actor; an issuer has `SHARDS` of them."""

_REFUSALS: Final[Mapping[Use, Reason]] = {
    Use.REPEATED: Reason.ASSERTION_REPLAYED,
    Use.EXPIRED: Reason.ASSERTION_EXPIRED,
    Use.NO_ROOM: Reason.ASSERTIONS_TOO_MANY,
}

ISSUER_MIGRATIONS = Migrations("actor_oauth.issuer")


@ISSUER_MIGRATIONS()
def m0001_documents_and_assertions(db: sqlite_utils.Database) -> None:
    """The issuer's published documents, and its used assertions."""
    create_document_tables(db)
    create_assertion_tables(db)


class IssuerActor(Actor, kind="issuer"):
    """Owns an issuer's keys (`issuer_key`), or a part of its memory (`assertion_key`)."""

    migrations = ISSUER_MIGRATIONS

    @turn(creates=True)
    def use_assertion(
        self, jti_hash: bytes, *, keep_until: int, now: int
    ) -> Refused | None:
        """Use an assertion whose signature was verified.

        Args:
            jti_hash: Of its `jti`; not empty.
            keep_until: When it has expired for sure.
            now: The time of the turn.

        Returns:
            Refused if it was used before, or if that cannot be known.
        """
        use = use_assertion(
            self.db, jti_hash, keep_until=keep_until, limit=MAX_ASSERTIONS, now=now
        )
        if use is not Use.FIRST:
            return Refused(_REFUSALS[use])
        self.wake_by(purge_time(keep_until))
        return None

    @view
    def stored_keys(self) -> StoredDocument | None:
        """Give the key set that was fetched, or None."""
        return load_document(self.db, "keys")

    @turn
    def begin_renewal(self, *, now: int) -> bool:
        """Allow keys that are still fresh to be refetched, but not too often (E-14)."""
        return begin_renewal(self.db, "keys", now=now)

    @turn(creates=True)
    def remember_keys(self, body: bytes, times: CacheTimes, *, now: int) -> None:
        """Store a key set."""
        save_document(self.db, "keys", body, times, now=now)

    def on_alarm(self, *, now: int) -> None:
        """Forget the assertions that have expired."""
        self.set_alarm(purge_assertions(self.db, now=now))
