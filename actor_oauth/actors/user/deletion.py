"""Deleting an account: first the tombstone, then everything, in batches (K-10).

Rule 1: the turn that sets the tombstone ends every session and every grant, before
anyone is told that the account is deleted. Requests in flight meet the tombstone, which
refuses new grants (M-9).
Rule 2: erasing may take many turns. It continues by alarm if the caller is gone.
Rule 3: the tombstone stays, without a name. Only an operator or the application makes an
account of it again, whose grants are numbered on from where the old ones ended.
"""

from typing import Final

from actor_oauth.actors.user.account import save_deleted
from actor_oauth.actors.user.audit import AccountEvent, forget_events, record_event
from actor_oauth.actors.user.grants import forget_tokens
from actor_oauth.oauth.grants import GrantEvent, GrantState, is_final, next_state
from actor_oauth.runtime import Database

BATCH: Final = 20
"""Grants that one turn erases, each with its tokens."""


def bury_account(db: Database, *, now: int) -> None:
    """Set the tombstone, and end all that was alive."""
    for state in GrantState:
        if not is_final(state):
            # One statement for all: nobody may wait for the end of a grant of his.
            db.execute(
                "UPDATE grants SET state = ?, clock = max(clock, ?), props = NULL,"
                " code_data_key = NULL, metadata = NULL WHERE state = ?",
                (next_state(state, GrantEvent.ACCOUNT_DELETED), now, state),
            )
    db.execute("DELETE FROM short_lived")
    forget_events(db)
    save_deleted(db)
    record_event(db, AccountEvent.ACCOUNT_DELETED, at=now)


def erase_buried(db: Database) -> bool:
    """Erase a batch of what is left of a deleted account.

    Returns:
        Whether more is left.
    """
    rows: list[tuple[int]] = db.execute(
        "SELECT number FROM grants LIMIT ?", (BATCH + 1,)
    ).fetchall()
    for (number,) in rows[:BATCH]:
        forget_tokens(db, number)
        db.execute("DELETE FROM grants WHERE number = ?", (number,))
    return len(rows) > BATCH
