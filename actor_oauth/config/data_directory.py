"""The data directory: made private, and proven writable before anything is served."""

import os
from pathlib import Path
from typing import Final

from actor_oauth.config.errors import ConfigError
from actor_oauth.runtime import Entropy

# Enough for the files of a first user: a disk with less room fails at start, not at
# the first login.
_PROBE_BYTES: Final = 256 * 1024


def prepare_data_directory(data: Path, *, entropy: Entropy) -> Path:
    """Make the data directory if it is missing, and prove that it takes writes.

    Args:
        data: The directory; a relative path is taken from the working directory.
        entropy: Names the file that is written for the proof.

    Returns:
        Its absolute path.

    Raises:
        ConfigError: It cannot be made, is no directory, is not writable, or is full.
    """
    directory = data.absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise ConfigError(
            [f"data directory {directory} is not a directory; choose another (--data)"]
        ) from None
    except OSError as error:
        raise ConfigError([_sentence("make", directory, error)]) from None
    _prove_writable(directory, directory / f".probe-{entropy.token_bytes(8).hex()}")
    return directory


def _prove_writable(directory: Path, probe: Path) -> None:
    try:
        try:
            with probe.open("xb") as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError([_sentence("write to", directory, error)]) from None


def _sentence(verb: str, directory: Path, error: OSError) -> str:
    return (
        f"cannot {verb} data directory {directory}: {error.strerror}; "
        "make room, fix its owner, or choose another (--data)"
    )
