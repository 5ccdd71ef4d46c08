"""What happens to actors that come out of a backup.

Whatever was revoked since the backup was made is in force in it. So nothing that was
granted comes back unless an operator says so: every grant, session and token ends while
the data directory is being made, before anybody can be asked about them (K-16).
"""

from typing import Final

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.client.tokens import forget_tokens
from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.upstream_client import UpstreamClientActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.turns import end_everything
from actor_oauth.actors.vault import VaultActor
from actor_oauth.oauth.grants import GrantEvent
from actor_oauth.runtime import Address, Database

COPIED_IN_ORDER: Final = (
    UserActor.kind,
    VaultActor.kind,
    UpstreamClientActor.kind,
    ClientActor.kind,
    DirectoryActor.kind,
)
"""Senders of messages come before their receivers.

A client whose end is sent to its users is the exception: that end comes after the
backup began. A client is enlisted with before a grant of it begins: it comes after the
users.
"""


def sign_out(address: Address, db: Database, *, now: int) -> None:
    """End whatever may have been revoked since the backup was made.

    Args:
        address: Of a user or a client.
        db: Its database, in a transaction.
        now: The time, in Unix seconds.
    """
    if address.kind == ClientActor.kind:
        forget_tokens(db)
        db.execute("DELETE FROM pushed_requests")
    else:
        end_everything(db, address.key, GrantEvent.REVOKED_BY_OPERATOR, now=now)
