"""Backups of a data directory: everything except, unless it is asked for, the keys.

Without the keyring a backup tells nobody anything that he could use: tokens are hashes,
and what belongs to other services is sealed (K-16).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from actor_oauth.actors.client import ClientActor
from actor_oauth.actors.restored import COPIED_IN_ORDER, sign_out
from actor_oauth.actors.user import UserActor
from actor_oauth.config import ConfigError
from actor_oauth.config.keyring_file import (
    KEYRING_FILE,
    open_keyring,
    read_keyring,
    read_keyring_file,
)
from actor_oauth.oauth.keyring import Keyring, user_key
from actor_oauth.runtime import Address, Entropy
from actor_oauth.runtime.local import (
    Archive,
    ArchiveError,
    Tell,
    back_up,
    open_archive,
    replace_damaged,
    restore,
)

_MADE_AT: Final = "made_at"
_ADDRESS_PRINT: Final = "address_print"
_KEYRING: Final = "keyring"

# As the log names an actor.
_ADDRESS: Final = re.compile(r"user/([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup file.

    Attributes:
        path: Where it is.
        made_at: When it was begun, in Unix seconds: what was answered by then is in it.
        actors: How many are in it.
        has_keys: Whether the keyring is in it.
        damaged: Actors that could not be copied when it was made, and why.
    """

    path: Path
    made_at: int
    actors: int
    has_keys: bool
    damaged: Mapping[Address, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A user who was brought back.

    Attributes:
        backup: From where.
        aside: Where the damaged file is now; None if there was none.
    """

    backup: Backup
    aside: Path | None


def make_backup(
    data: Path, folder: Path, *, with_keys: bool, now: int, tell: Tell
) -> Backup:
    """Copy a data directory into one new file, while servers run on it. Blocks.

    Args:
        data: The data directory.
        folder: Where the file goes; made if it is not there.
        with_keys: Whether the keyring goes into it. Then the file is as secret as the
            data directory.
        now: The time, in Unix seconds.
        tell: Called repeatedly with what is done, and with how many actors of how many.

    Raises:
        ConfigError: It cannot be made.
    """
    keyring = read_keyring(data)
    moment = datetime.fromtimestamp(now, UTC)
    path = folder / f"actor-oauth-{moment:%Y%m%dT%H%M%SZ}.backup"
    about = {_MADE_AT: str(now), _ADDRESS_PRINT: keyring.address_print}
    if with_keys:
        about[_KEYRING] = keyring.to_json()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = back_up(
            data.absolute(),
            path,
            kinds=COPIED_IN_ORDER,
            about=about,
            now=now,
            tell=tell,
        )
    except (OSError, ArchiveError) as error:
        raise ConfigError([f"cannot make the backup {path}: {error}"]) from None
    return Backup(
        path=path,
        made_at=now,
        actors=made.count,
        has_keys=with_keys,
        damaged=made.damaged,
    )


def check_backup(path: Path, *, tell: Tell) -> Backup:
    """Read a backup from end to end. Blocks.

    Raises:
        ConfigError: It is none, or damaged.
    """
    try:
        archive = open_archive(path)
        for done, _ in enumerate(archive.actors()):
            tell("reading", done, archive.count)
    except ArchiveError as error:
        raise ConfigError([str(error)]) from None
    return _described(archive)


def restore_backup(
    path: Path,
    data: Path,
    *,
    keyring_file: Path | None,
    keep_grants: bool,
    now: int,
    tell: Tell,
) -> Backup:
    """Make a data directory out of a backup. Blocks.

    Args:
        path: The backup.
        data: The directory to make; nothing may be in it.
        keyring_file: The keyring of the server that was backed up; by default the one in
            the backup.
        keep_grants: Whether grants, sessions and tokens that were in force when the
            backup was made are so again, also those that have been revoked since.
        now: The time, in Unix seconds.
        tell: Called repeatedly with what is done, and with how many actors of how many.

    Raises:
        ConfigError: It cannot be done; there is nothing new then.
    """
    try:
        archive = open_archive(path)
        keyring = _keyring(archive, keyring_file)
        kinds = () if keep_grants else (UserActor, ClientActor)
        restore(
            archive,
            data.absolute(),
            migrations={kind.kind: kind.migrations for kind in kinds},
            amend=partial(sign_out, now=now),
            files={KEYRING_FILE: keyring.to_json().encode()},
            tell=tell,
        )
    except FileExistsError as error:
        hint = "move it away, or name another directory (--data)"
        raise ConfigError([f"{error}; {hint}"]) from None
    except (OSError, ArchiveError) as error:
        raise ConfigError([f"cannot restore {path}: {error}"]) from None
    return _described(archive)


def restore_user(
    path: Path, data: Path, user: str, *, entropy: Entropy, now: int
) -> Restored:
    """Bring back one user whose file is damaged or gone, without what was granted. Blocks.

    Args:
        path: A backup of this data directory.
        data: The data directory; no server may run on it.
        user: The user's name, or `user/…` as the log names actors.
        entropy: Not drawn from: there is a keyring.
        now: The time, in Unix seconds.

    Raises:
        ConfigError: It cannot be done; nothing is changed then.
    """
    keyring = open_keyring(data, entropy=entropy)
    named = _ADDRESS.fullmatch(user)
    key = user_key(keyring, user) if named is None else named[1]
    try:
        archive = open_archive(path)
        if keyring.address_print != archive.about[_ADDRESS_PRINT]:
            raise ConfigError([f"{path} is a backup of another server"])
        aside = replace_damaged(
            archive,
            data.absolute(),
            Address(UserActor.kind, key),
            migrations=UserActor.migrations,
            amend=partial(sign_out, now=now),
            now=now,
        )
    except (OSError, ArchiveError) as error:
        raise ConfigError([f"cannot restore {user}: {error}"]) from None
    return Restored(backup=_described(archive), aside=aside if aside.exists() else None)


def _described(archive: Archive) -> Backup:
    return Backup(
        path=archive.path,
        made_at=int(archive.about[_MADE_AT]),
        actors=archive.count,
        has_keys=_KEYRING in archive.about,
    )


def _keyring(archive: Archive, file: Path | None) -> Keyring:
    if file is None and _KEYRING not in archive.about:
        hint = "name the file that you keep with --keyring"
        raise ConfigError([f"the keyring is not in {archive.path}; {hint}"])
    if file is None:
        keyring = Keyring.from_json(archive.about[_KEYRING])
    else:
        keyring = read_keyring_file(file)
    if keyring.address_print != archive.about[_ADDRESS_PRINT]:
        raise ConfigError([f"{file} is the keyring of another server"])
    return keyring
