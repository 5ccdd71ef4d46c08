"""Puts many users on disk, each with a grant: the program that does it.

    python -m actor_oauth.bench.make_users COUNT < settings.json

One user is created as any other, by the helper API. The others' files are copies of
that user's, with name and hashes of tokens replaced: byte by byte what the API would
have written, a hundred times faster. The lists of all users (the directory, the client,
the index of wake-ups) are filled in the same way. A user's tokens follow from the
user's number.

Prints nothing; the result is in `bench.json` of the data directory, once it is
complete.
"""

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import trio

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.directory import USERS, DirectoryActor
from actor_oauth.actors.user import UserActor
from actor_oauth.actors.user.housekeeping import SWEEP_GRID
from actor_oauth.bench.helper_grants import open_helper
from actor_oauth.config import Settings, configure_logging
from actor_oauth.config.keyring_file import read_keyring
from actor_oauth.oauth.keyring import Keyring, client_key, user_key
from actor_oauth.oauth.tokens import Token, TokenKind, parse_token, token_hash
from actor_oauth.provider import Provider
from actor_oauth.runtime import Address, SystemEntropy
from actor_oauth.runtime.local import ActorFiles, Disk, write_new

_ROWS_AT_ONCE: Final = 10_000
# Users are as if they had been swept since they were made, with nothing to erase until
# their grants end: were all of them new, all would be visited within the hour.
_SWEPT: Final = 20 * 86_400


@dataclass(frozen=True, slots=True)
class Made:
    """Where the tokens of a user come from.

    Attributes:
        keyring: Of the server: it says which actor is whose.
        records: What the tokens say of their grant, by kind; the same for everybody.
        client_id: The client that has the grants.
        count: How many users there are.
    """

    keyring: Keyring
    records: dict[TokenKind, bytes]
    client_id: str
    count: int

    def key(self, number: int) -> str:
        """The key of a user's actor."""
        return user_key(self.keyring, name_of(number))

    def token(self, number: int, kind: TokenKind) -> Token:
        """A user's token."""
        text = f"actor-oauth bench {number} {kind}"
        secret = hashlib.sha256(text.encode()).digest()
        return Token(kind, self.key(number), self.records[kind], secret)


def name_of(number: int) -> str:
    """The name of a user: of the same length for all."""
    return f"user{number:08}"


def made_in(data: Path) -> Made | None:
    """Give the users that were made in a data directory; None if not all were."""
    try:
        told = json.loads((data / _NOTE).read_text())
    except FileNotFoundError:
        return None
    return Made(
        keyring=read_keyring(data),
        records={TokenKind(k): bytes.fromhex(v) for k, v in told["records"].items()},
        client_id=told["client_id"],
        count=told["users"],
    )


_NOTE: Final = "bench.json"


def make_users(settings: Settings, count: int) -> Made:
    """Make users, of an empty data directory.

    Args:
        settings: Of a provider.
        count: How many.
    """
    client_id, refresh, access = trio.run(_make_first, settings)
    data = settings.data
    files = ActorFiles(data.absolute(), Disk())
    tokens = [token for text in (refresh, access) if (token := parse_token(text))]
    records = {token.kind: token.record for token in tokens}
    made = Made(read_keyring(data), records, client_id, count)
    first = files.path(Address(UserActor.kind, made.key(0)))
    _put_off_sweep(first, data / "wakes.db")
    image = first.read_bytes()
    places = [(image.index(token_hash(token)), token.kind) for token in tokens]
    name_at = image.index(name_of(0).encode())
    for number in range(count):
        path = files.path(Address(UserActor.kind, made.key(number)))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        changed = bytearray(image)
        changed[name_at : name_at + len(name_of(0))] = name_of(number).encode()
        for start, kind in places:
            digest = token_hash(made.token(number, kind))
            changed[start : start + len(digest)] = digest
        write_new(path, bytes(changed))
    os.sync()
    _list_all(files, made)
    told = {str(kind): record.hex() for kind, record in records.items()}
    (data / _NOTE).write_text(
        json.dumps({"users": count, "client_id": client_id, "records": told})
    )
    return made


async def _make_first(settings: Settings) -> tuple[str, str, str]:
    async with Provider(settings).open() as running:
        helper = await open_helper(running.server, SystemEntropy())
        made = await helper.grant(name_of(0), props=False)
    return helper.client_id, made.refresh_token or "", made.access_token


def _list_all(files: ActorFiles, made: Made) -> None:
    """Tell the directory, the client and the index of wake-ups of everybody."""
    numbers = range(made.count)
    directory = files.path(Address(DirectoryActor.kind, USERS))
    _add_rows(directory, "entries", "id", ((name_of(n), 0) for n in numbers))
    client = files.path(Address(ClientActor.kind, client_key(made.client_id)))
    _add_rows(client, "users", "user_key", ((made.key(n), 0) for n in numbers))
    wakes = directory.parents[3] / "wakes.db"
    spread = ((f"user/{made.key(n)}", n % SWEEP_GRID) for n in numbers)
    _add_rows(wakes, "wakes", "address", spread)


def _put_off_sweep(user: Path, wakes: Path) -> None:
    with closing(sqlite3.connect(user, isolation_level=None)) as db:
        due: tuple[int] = db.execute(
            "UPDATE _runtime SET value = value + ? WHERE name = 'alarm' RETURNING value",
            (_SWEPT,),
        ).fetchone()
    with closing(sqlite3.connect(wakes, isolation_level=None)) as db:
        # It may say 0: whatever was sent last, a server that stops leaves to the next one.
        db.execute(
            "UPDATE wakes SET due = ? WHERE address = ?", (*due, f"user/{user.stem}")
        )


def _add_rows(
    path: Path, table: str, column: str, changes: Iterator[tuple[str, int]]
) -> None:
    """Add rows like that of the first key, each with its key, and a later time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        first, _ = next(changes)
        found = db.execute(f"SELECT * FROM {table} WHERE {column} = ?", (first,))  # noqa: S608 constants
        _, time, *rest = found.fetchone()
        places = ", ".join("?" * (2 + len(rest)))
        sql = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608 a constant
        while some := list(islice(changes, _ROWS_AT_ONCE)):
            db.execute("BEGIN")
            db.executemany(sql, [(key, time + later, *rest) for key, later in some])
            db.execute("COMMIT")


def main() -> None:
    """Read the settings, and make them."""
    settings = Settings.model_validate_json(sys.stdin.buffer.readline())
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    make_users(settings, int(sys.argv[1]))


if __name__ == "__main__":
    main()
