"""This server's registration at one other server, shared by all of its users.

Rule 1: one registration at a time is under way for an issuer and redirect URI, however
many users come first at once (I-14). A claim says whose it is, and lapses.
Rule 2: what was registered first is kept: who was too slow throws its own away.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from actor_oauth.actors.directory import DirectoryActor
from actor_oauth.actors.vault.seals import Seals
from actor_oauth.oauth.json_values import parse_record, render_record
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.upstream.clients import UpstreamClient
from actor_oauth.oauth.upstream.sealing import sealing_key
from actor_oauth.runtime import Actor, turn, view

UPSTREAM_CLIENTS: Final = "upstreamclients"
"""Key of the directory of registrations."""

RENEWED_BEFORE: Final = 600
"""Seconds before a secret's end in which a sign-in registers again: it takes as long.
"""

_PLACE: Final = "client"

UPSTREAM_CLIENT_MIGRATIONS = Migrations("actor_oauth.upstream_client")


@UPSTREAM_CLIENT_MIGRATIONS()
def m0001_registration(db: sqlite_utils.Database) -> None:
    """One row: the registration, and the claim of the caller that makes it."""
    db.execute(
        "CREATE TABLE registration (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " client_id TEXT, expires_at INTEGER NOT NULL, client BLOB, claim BLOB,"
        " claimed_until INTEGER NOT NULL) STRICT"
    )


@dataclass(frozen=True, slots=True)
class RegistrationRunning:
    """Another caller is registering.

    Attributes:
        until: When its claim lapses.
    """

    until: int


def upstream_client_key(issuer: str, redirect_uri: str) -> str:
    """Give the key of the actor that owns a registration: 32 hexadecimal digits."""
    data = f"upstream client\0{issuer}\0{redirect_uri}".encode()
    return hashlib.sha256(data).digest()[:16].hex()


class UpstreamClientActor(Actor, kind="upstreamclient"):
    """Owns one registration. Its key is from `upstream_client_key`."""

    migrations = UPSTREAM_CLIENT_MIGRATIONS

    @view
    def known(self, *, keyring: Keyring, now: int) -> UpstreamClient | None:
        """Give the registration, unless there is none or its secret ends soon."""
        return self._load(keyring, now=now + RENEWED_BEFORE)

    @turn(creates=True)
    def begin_registration(
        self, claim: bytes, *, lease: int, keyring: Keyring, now: int
    ) -> UpstreamClient | RegistrationRunning | None:
        """Claim the right to register.

        Args:
            claim: 16 random bytes.
            lease: Seconds until another caller may take over.
            keyring: Ours.
            now: The time of the turn.

        Returns:
            None if it was given; else the registration, or who makes it.
        """
        known = self._load(keyring, now=now + RENEWED_BEFORE)
        if known is not None:
            return known
        row: tuple[bytes | None, int] | None = self.db.execute(
            "SELECT claim, claimed_until FROM registration"
        ).fetchone()
        if row is not None and row[0] is not None and now < row[1]:
            return RegistrationRunning(row[1])
        if row is None:
            self.db.execute(
                "INSERT INTO registration VALUES (1, NULL, 0, NULL, NULL, 0)"
            )
            self.send(
                DirectoryActor,
                UPSTREAM_CLIENTS,
                DirectoryActor.add,
                entry_id=self.address.key,
                created_at=now,
            )
        self.db.execute(
            "UPDATE registration SET claim = ?, claimed_until = ?", (claim, now + lease)
        )
        return None

    @turn
    def finish_registration(
        self,
        claim: bytes,
        client: UpstreamClient | None,
        *,
        keyring: Keyring,
        fresh: bytes,
        now: int,
    ) -> UpstreamClient | None:
        """Store a registration, or give the claim back without one.

        Returns:
            The registration that is in force, which may be another caller's.
        """
        known = self._load(keyring, now=now + RENEWED_BEFORE)
        self.db.execute(
            "UPDATE registration SET claim = NULL, claimed_until = 0 WHERE claim = ?",
            (claim,),
        )
        if known is not None or client is None:
            return known
        sealed = Seals(self.address.key, keyring, fresh).seal(
            render_record(client.to_record()), _PLACE
        )
        self.db.execute(
            "UPDATE registration SET client_id = ?, expires_at = ?, client = ?",
            (client.client_id, client.expires_at, sealed),
        )
        return client

    @turn
    def discard(self, client_id: str) -> None:
        """Forget a registration that the other server does not accept any more (I-31)."""
        self.db.execute(
            "UPDATE registration SET client_id = NULL, client = NULL, expires_at = 0"
            " WHERE client_id = ?",
            (client_id,),
        )

    @turn
    def seal_anew(self, *, keyring: Keyring, fresh: bytes) -> int:
        """Seal with the current key what an older one sealed (K-08).

        Returns:
            How many secrets there were.
        """
        row: tuple[bytes | None] | None = self.db.execute(
            "SELECT client FROM registration"
        ).fetchone()
        sealed = None if row is None else row[0]
        if sealed is None or sealing_key(sealed) == keyring.current:
            return 0
        seals = Seals(self.address.key, keyring, fresh)
        text = seals.unseal(sealed, _PLACE)
        if text is None:
            return 0
        self.db.execute(
            "UPDATE registration SET client = ?", (seals.seal(text, _PLACE),)
        )
        return 1

    def _load(self, keyring: Keyring, *, now: int) -> UpstreamClient | None:
        row: tuple[bytes | None] | None = self.db.execute(
            "SELECT client FROM registration WHERE expires_at = 0 OR expires_at > ?",
            (now,),
        ).fetchone()
        if row is None:
            return None
        text = Seals(self.address.key, keyring).unseal(row[0], _PLACE)
        return None if text is None else UpstreamClient.from_record(parse_record(text))
