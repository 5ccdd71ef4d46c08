"""The actors of device authorizations: each owns those whose user codes fall to it.

A user code says which shard it is in, and the device code that is made with it carries
that shard's key. So both lead to the same record without a lookup, and everything that can
happen to it is one turn after another.
"""

from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.oauth.device import (
    KEPT_AFTER_EXPIRY,
    DeviceAuthorization,
    DeviceRequest,
    Ready,
    Waiting,
    decide_device_answer,
    decide_poll,
)
from actor_oauth.oauth.question_lifecycle import Answer, QuestionState
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope, parse_scope
from actor_oauth.oauth.tokens import Token, token_hash
from actor_oauth.runtime import Actor, Database, turn, view

MAX_DEVICES: Final = 1000
"""Records of one shard: endless requests must not fill the disk (C-22)."""

DEVICE_MIGRATIONS = Migrations("actor_oauth.device")

_COLUMNS: Final = (
    "client_id, scope, resource, device_hash, state, expires_at, interval, polled_at,"
    " user_key, grant_number"
)


@DEVICE_MIGRATIONS()
def m0001_devices(db: sqlite_utils.Database) -> None:
    """Records, by the hash of either code."""
    db.execute(
        "CREATE TABLE devices (device_hash BLOB PRIMARY KEY, code_hash BLOB NOT NULL"
        " UNIQUE, client_id TEXT NOT NULL, scope TEXT NOT NULL, resource TEXT NOT NULL,"
        " state TEXT NOT NULL, expires_at INTEGER NOT NULL, interval INTEGER NOT NULL,"
        " polled_at INTEGER NOT NULL, user_key TEXT, grant_number INTEGER) STRICT"
    )


class DeviceActor(Actor, kind="device"):
    """Owns one shard. Its key is `shard_key` of a user code's hash."""

    migrations = DEVICE_MIGRATIONS

    @turn(creates=True)
    def begin(self, device: DeviceAuthorization, code_hash: bytes) -> bool | Refused:
        """Store a new record.

        Returns:
            False if the user code is taken: draw another.
        """
        row: tuple[int, int] = self.db.execute(
            "SELECT count(*), ifnull(sum(code_hash = ?), 0) FROM devices", (code_hash,)
        ).fetchone()
        count, taken = row
        if count >= MAX_DEVICES:
            return Refused(Reason.TOO_MANY_DEVICES)
        if taken:
            return False
        request = device.request
        self.db.execute(
            "INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (
                device.device_hash,
                code_hash,
                request.client_id,
                str(request.scope),
                request.resource,
                device.state,
                device.expires_at,
                device.interval,
                device.polled_at,
            ),
        )
        self.wake_by(device.expires_at + KEPT_AFTER_EXPIRY)
        return True

    @view
    def pending(self, code_hash: bytes, *, now: int) -> DeviceAuthorization | None:
        """Give the record of a user code that waits for an answer, or None."""
        device = _load(self.db, "code_hash", code_hash)
        if decide_device_answer(device, Answer.DENY, now=now) is None:
            return None
        return device

    @turn
    def answer(
        self,
        code_hash: bytes,
        answer: Answer,
        *,
        user_key: str | None = None,
        grant_number: int | None = None,
        now: int,
    ) -> bool:
        """Answer for a person. Of several answers the first counts (M-14).

        Args:
            code_hash: Of the user code.
            answer: What was said.
            user_key: Who approves.
            grant_number: The grant that began with that.
            now: The time of the turn.

        Returns:
            Whether this answer counts.
        """
        device = _load(self.db, "code_hash", code_hash)
        state = decide_device_answer(device, answer, now=now)
        if state is None:
            return False
        self.db.execute(
            "UPDATE devices SET state = ?, user_key = ?, grant_number = ?"
            " WHERE code_hash = ?",
            (state, user_key, grant_number, code_hash),
        )
        return True

    @turn
    def poll(self, token: Token, *, client_id: str, now: int) -> Ready | Refused:
        """Answer a device's poll, and keep its pace (D-51, D-53)."""
        key = token_hash(token)
        decision = decide_poll(
            _load(self.db, "device_hash", key), client_id=client_id, now=now
        )
        if not isinstance(decision, Waiting):
            return decision
        self.db.execute(
            "UPDATE devices SET interval = ?, polled_at = max(polled_at, ?)"
            " WHERE device_hash = ?",
            (decision.interval, now, key),
        )
        return decision.refused

    @turn
    def purge(self, *, now: int) -> None:
        """Erase expired data, as the alarm does."""
        self.on_alarm(now=now)

    def on_alarm(self, *, now: int) -> None:
        """Delete records whose device can learn nothing more from them."""
        self.db.execute(
            "DELETE FROM devices WHERE expires_at <= ?", (now - KEPT_AFTER_EXPIRY,)
        )
        row: tuple[int | None] = self.db.execute(
            "SELECT min(expires_at) FROM devices"
        ).fetchone()
        if row[0] is not None:
            self.wake_by(row[0] + KEPT_AFTER_EXPIRY)


def _load(db: Database, column: str, key: bytes) -> DeviceAuthorization | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM devices WHERE {column} = ?",  # noqa: S608 constants
        (key,),
    ).fetchone()
    if row is None:
        return None
    client_id, scope, resource, device_hash, state, expires_at, *rest = row
    interval, polled_at, user_key, grant_number = rest
    return DeviceAuthorization(
        request=DeviceRequest(
            client_id=client_id, scope=parse_scope(scope) or Scope(), resource=resource
        ),
        device_hash=device_hash,
        state=QuestionState(state),
        expires_at=expires_at,
        interval=interval,
        polled_at=polled_at,
        user_key=user_key,
        grant_number=grant_number,
    )
