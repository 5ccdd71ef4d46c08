"""What a vault does by itself when its alarm goes off."""

from dataclasses import replace
from typing import Final

from actor_oauth.actors.vault import connections
from actor_oauth.actors.vault.connections import Connection
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.upstream.credentials import (
    CredentialEvent,
    Use,
    advance,
    decide_use,
)
from actor_oauth.oauth.upstream.sealing import sealing_key
from actor_oauth.runtime import Database

AGAIN: Final = 900
"""Seconds after which a connection that was reported as due is reported again."""


def renewal_at(connection: Connection) -> int | None:
    """Give when to renew a connection ahead of its end; None for never.

    Only a token that was used is renewed. An unused one is left to expire: it is
    replaced when somebody asks for it.
    """
    credential = connection.credential
    used = connection.used_at >= credential.obtained_at
    if not credential.is_usable or not credential.can_refresh or not used:
        return None
    due_at = credential.due_at
    return None if due_at is None else max(due_at, credential.retry_at)


def end_expired(db: Database, *, now: int) -> tuple[list[Connection], int | None]:
    """Note which connections have ended for good; give them, and when the next one will."""
    ended: list[Connection] = []
    ends: list[int] = []
    for connection in connections.load_all(db):
        credential = connection.credential
        if not credential.is_usable or credential.can_refresh:
            continue
        if decide_use(credential, now=now) is not Use.AUTHORIZE:
            ends.extend(
                () if credential.expires_at is None else (credential.expires_at,)
            )
            continue
        state = advance(credential.state, CredentialEvent.EXPIRED)
        if state is not None:
            number = connection.number
            connections.save_credential(db, number, replace(credential, state=state))
            connections.erase_secrets(db, number, *connections.COLUMNS)
            ended.append(connection)
    return ended, min(ends, default=None)


def find_due(db: Database, *, now: int) -> tuple[list[int], int | None]:
    """Give the numbers of the connections to renew now, and when to look again."""
    due: list[int] = []
    times: list[int] = []
    for connection in connections.load_all(db):
        at = renewal_at(connection)
        if at is None:
            continue
        if at <= now:
            due.append(connection.number)
        times.append(max(at, now + AGAIN) if at <= now else at)
    return due, min(times, default=None)


def seal_anew(db: Database, seals: Seals) -> int:
    """Seal with the current key what an older one sealed; gives how many there were.

    What an attempt stores is left alone: it expires before any key can be dropped.
    """
    changed = 0
    for connection in connections.load_all(db):
        for column in connections.COLUMNS:
            number = connection.number
            sealed = connections.load_sealed(db, number, column)
            if sealed is None or sealing_key(sealed) == seals.keyring.current:
                continue
            secret = connections.load_secret(db, number, column, seals)
            if secret is not None:
                connections.save_secret(db, number, column, secret, seals)
                changed += 1
    return changed
