"""The keyring on disk: the one secret that outlives a restart.

Rule 1: the file comes into being whole or not at all. Several processes may start on
a new data directory at once; one of them wins, and all use the winner's keys.
Rule 2: nobody but its owner may read it. A file that others can read is refused, not
repaired: anyone who read it meanwhile has the keys.
Rule 3: changes replace the file as a whole, one process at a time. A reader finds
either the keys before a change or those after it.
Rule 4: it is made where there is nothing yet, and never beside data. With new keys all of
that would be there and nobody could find it.
Rule 5: only its owner writes here, not even root. The server could not read files
created by another user.
"""

import contextlib
import fcntl
import os
import pwd
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final, assert_never

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from actor_oauth.config.errors import ConfigError
from actor_oauth.oauth.keyring import (
    KEY_LENGTH,
    Keyring,
    UnknownKeyringVersionError,
    new_keyring,
)
from actor_oauth.oauth.signing_keys import (
    PrivateKey,
    SigningAlgorithm,
    signing_key,
    without_retired,
)
from actor_oauth.runtime import Entropy

KEYRING_FILE: Final = "keyring.json"

PUBLISH_AHEAD: Final = 7200
"""Seconds from when a new signing key is published until it signs: longer than anybody
may keep a JWK set, and than it takes all processes to read this file again (K-11)."""

_LOCK_FILE: Final = "keyring.lock"
_RSA_BITS: Final = 3072
_PUBLIC_EXPONENT: Final = 65537
_KID_BYTES: Final = 4
_SIZE_LIMIT: Final = 1 << 20


def open_keyring(data: Path, *, entropy: Entropy) -> Keyring:
    """Read the keyring of a data directory; make it at the first start.

    Args:
        data: The data directory; it exists.
        entropy: Where new keys are drawn from.

    Raises:
        ConfigError: The file cannot be read or written, is damaged, or others may read
            it; or it is missing from data that it belongs to.
    """
    path = data / KEYRING_FILE
    _check_owner(path)
    try:
        return _read(path)
    except FileNotFoundError:
        if not _has_actors(data):
            _create(path, entropy)
    try:
        return _read(path)
    except FileNotFoundError:
        problem = (
            f"there is no {path}, but data that was written with it: put it back from "
            "where you keep a copy (without it, nobody's account is found and no token "
            "works), or begin anew in an empty directory"
        )
        raise ConfigError([problem]) from None


def _has_actors(data: Path) -> bool:
    # The process that writes the first of them has made the keyring before.
    try:
        return any((data / "actors").iterdir())
    except FileNotFoundError:
        return False


def read_keyring(data: Path) -> Keyring:
    """Read the keyring of a data directory that has one.

    Raises:
        ConfigError: There is none, or it cannot be used.
    """
    return read_keyring_file(data / KEYRING_FILE)


def read_keyring_file(path: Path) -> Keyring:
    """Read a keyring, wherever it is kept.

    Raises:
        ConfigError: There is none, or it cannot be used.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise ConfigError([f"there is no {path}"]) from None


def ensure_signing_keys(
    data: Path, algorithms: Collection[SigningAlgorithm], *, entropy: Entropy
) -> Keyring:
    """Make a signing key for every algorithm that has none yet.

    Nobody holds a token of such an algorithm, nor a JWK set that lacks the key: the
    first key may sign at once.

    Args:
        data: The data directory, with a keyring.
        algorithms: Those that are needed.
        entropy: Names the file that is written.

    Raises:
        ConfigError: The keyring cannot be read or written.
    """

    def add_missing(keyring: Keyring) -> Keyring:
        known = {key.algorithm for key in keyring.signing_keys}
        drawn = (draw_private_key(name) for name in sorted(set(algorithms) - known))
        new = [signing_key(key, active_from=0) for key in drawn]
        return keyring.with_signing_keys((*keyring.signing_keys, *new))

    return _change(data, add_missing, entropy=entropy)


def rotate_signing_keys(
    data: Path, *, now: int, active_from: int, kept_for: int, entropy: Entropy
) -> Keyring:
    """Publish a new signing key of each algorithm, and drop those that have retired.

    Args:
        data: The data directory, with a keyring.
        now: In Unix seconds.
        active_from: When the new keys begin to sign, in Unix seconds.
        kept_for: For how many seconds a key is published after it signed its last token.
        entropy: Names the file that is written.

    Raises:
        ConfigError: The keyring cannot be read or written.
    """

    def rotate(keyring: Keyring) -> Keyring:
        kept = without_retired(keyring.signing_keys, now=now, kept_for=kept_for)
        algorithms = sorted({key.algorithm for key in kept})
        new = (
            signing_key(draw_private_key(name), active_from=active_from)
            for name in algorithms
        )
        return keyring.with_signing_keys((*kept, *new))

    return _change(data, rotate, entropy=entropy)


def rotate_secrets(
    data: Path,
    *,
    now: int,
    active_from: int,
    kept_for: int | None,
    entropy: Entropy,
) -> Keyring:
    """Add a new secret of the server's own, and drop those that have retired.

    The address key stays: it decides which actor a user's data is in.

    Args:
        data: The data directory, with a keyring.
        now: In Unix seconds.
        active_from: When the new one becomes the current one, in Unix seconds.
        kept_for: For how many seconds anything made with an old one may live; None to
            drop none.
        entropy: Where it is drawn from.

    Raises:
        ConfigError: The keyring cannot be read or written.
    """

    def rotate(keyring: Keyring) -> Keyring:
        kept = keyring.as_of(now)
        if kept_for is not None:
            kept = keyring.without_retired(now=now, kept_for=kept_for)
        return kept.with_next(
            entropy.token_bytes(_KID_BYTES).hex(),
            entropy.token_bytes(KEY_LENGTH),
            active_from=active_from,
        )

    return _change(data, rotate, entropy=entropy)


def draw_private_key(algorithm: SigningAlgorithm) -> PrivateKey:
    """Draw a private key. The library that knows its mathematics draws it itself."""
    match algorithm:
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "RS256":
            return rsa.generate_private_key(_PUBLIC_EXPONENT, _RSA_BITS)
        case _:
            assert_never(algorithm)


def _change(
    data: Path, change: Callable[[Keyring], Keyring], *, entropy: Entropy
) -> Keyring:
    path = data / KEYRING_FILE
    _check_owner(path)
    with _locked(data):
        keyring = read_keyring(data)
        changed = change(keyring)
        if changed == keyring:
            return keyring
        draft = path.with_name(f".{path.name}.{entropy.token_bytes(8).hex()}")
        try:
            _write_private(draft, changed.to_json())
            draft.replace(path)
            _sync_directory(data)
        except OSError as error:
            raise ConfigError([f"cannot write {path}: {error.strerror}"]) from None
        finally:
            draft.unlink(missing_ok=True)
        return changed


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    path = data / _LOCK_FILE
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise ConfigError([f"cannot open {path}: {error.strerror}"]) from None
    try:
        # The holder only ever computes and writes one file: a short wait.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_owner(path: Path) -> None:
    try:
        owner = path.lstat().st_uid
    except OSError:
        # The caller that reads it reports what is wrong.
        return
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        problem = (
            f"{path} belongs to {name}: run this as that user (sudo -u {name} …), or the "
            "server cannot read what this writes"
        )
        raise ConfigError([problem])


def _read(path: Path) -> Keyring:
    try:
        return Keyring.from_json(_read_private(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError([f"cannot read {path}: {error.strerror}"]) from None
    except UnknownKeyringVersionError:
        problem = (
            f"{path} was written by a newer version: "
            "run the version that wrote it, or a later one"
        )
        raise ConfigError([problem]) from None
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
