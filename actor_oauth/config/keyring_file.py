"""The keyring on disk: the one secret that outlives a restart.

Rule 1: the file comes into being whole or not at all. Several processes may start on
a new data directory at once; one of them wins, and all use the winner's keys.
Rule 2: nobody but its owner may read it. A file that others can read is refused, not
repaired: whoever read it meanwhile holds the keys.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from actor_oauth.config.errors import ConfigError
from actor_oauth.oauth.keyring import KEY_LENGTH, Keyring, new_keyring
from actor_oauth.runtime import Entropy

KEYRING_FILE: Final = "keyring.json"

_KID_BYTES: Final = 4
_SIZE_LIMIT: Final = 1 << 20


def open_keyring(data: Path, *, entropy: Entropy) -> Keyring:
    """Read the keyring of a data directory; make it at the first start.

    Args:
        data: The data directory; it exists.
        entropy: Where new keys are drawn from.

    Raises:
        ConfigError: The file cannot be read or written, is damaged, or others may
            read it.
    """
    path = data / KEYRING_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        _create(path, entropy)
    return _read(path)


def _read(path: Path) -> Keyring:
    try:
        return Keyring.from_json(_read_private(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError([f"cannot read {path}: {error.strerror}"]) from None
    except ValueError:
        raise ConfigError(
            [
                f"{path} is damaged; restore it from a backup (without it, no token works)"
            ]
        ) from None


def _read_private(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            problem = (
                f"{path} can be read or written by others (mode {mode:04o}); if "
                f"nobody else has, run: chmod 600 {path}"
            )
            raise ConfigError([problem])
        return file.read(_SIZE_LIMIT)


def _create(path: Path, entropy: Entropy) -> None:
    keyring = new_keyring(
        secret=entropy.token_bytes(KEY_LENGTH),
        address_key=entropy.token_bytes(KEY_LENGTH),
        kid=entropy.token_bytes(_KID_BYTES).hex(),
    )
    draft = path.with_name(f".{path.name}.{entropy.token_bytes(8).hex()}")
    try:
        _write_private(draft, keyring.to_json())
        # A link, unlike a rename, never replaces the keys that another process wrote.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        _sync_directory(path.parent)
    except OSError as error:
        raise ConfigError([f"cannot write {path}: {error.strerror}"]) from None
    finally:
        draft.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
