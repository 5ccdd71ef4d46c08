"""`doctor`: what keeps this from running well, and what to do about it.

It looks and changes nothing; a server may run meanwhile.
"""

import os
import resource
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import settings_of
from actor_oauth.cli.terminal import print_json, print_table, showing_progress
from actor_oauth.cli.vault_sealing import SEAL_ANEW, is_vault_sealed_with
from actor_oauth.config import ConfigError, Settings
from actor_oauth.config.keyring_file import KEYRING_FILE, read_keyring
from actor_oauth.runtime import SystemClock
from actor_oauth.runtime.local import FILES_PER_STORE, OTHER_FILES, find_damaged

FREE_BYTES: Final = 256 * 1024 * 1024
"""Below this a disk is nearly full: SQLite needs room for its logs."""

AHEAD_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: What.
        good: Whether it is as it should be.
        text: What was found, and what to do if it is not good.
    """

    subject: str
    good: bool
    text: str


def doctor(
    *,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Also read the file of every user and client."),
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Check settings, data directory, keys, clock and limits."""
    findings = list(_examine(config=config, data=data, deep=deep))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("subject", "", "found"),
            (
                (finding.subject, "ok" if finding.good else "PROBLEM", finding.text)
                for finding in findings
            ),
        )
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def _good(subject: str, text: str) -> Finding:
    return Finding(subject, good=True, text=text)


def _bad(subject: str, text: str) -> Finding:
    return Finding(subject, good=False, text=text)


def _examine(
    *, config: Path | None, data: Path | None, deep: bool
) -> Iterator[Finding]:
    try:
        settings = settings_of(config=config, data=data)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield _bad("settings", line)
        return
    issuer = settings.issuer_at(settings.port)
    yield _good("settings", f"valid; the issuer is {issuer}")
    yield _file_limit(settings)
    if not settings.data.is_dir():
        text = f"{settings.data} does not exist yet; the first start creates it"
        yield _good("data", text)
        return
    yield _directory(settings.data)
    yield _space(settings.data)
    yield _keyring(settings)
    yield from _vault(settings.data)
    yield _clock(settings.data)
    if deep:
        yield _actors(settings.data)


def _file_limit(settings: Settings) -> Finding:
    # The hard one: up to there the server raises its own.
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_PER_STORE * settings.max_activations + OTHER_FILES
    if limit == resource.RLIM_INFINITY or limit >= needed:
        return _good("open files", f"{limit} allowed, {needed} needed at most")
    text = (
        f"{limit} allowed, but {needed} are needed to keep {settings.max_activations} "
        "actors in memory (max_activations): raise the limit (ulimit -n "
        f"{needed}, or LimitNOFILE={needed} in a systemd unit), or fewer are kept"
    )
    return _bad("open files", text)


def _directory(data: Path) -> Finding:
    status = data.stat()
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        text = f"{data} belongs to another user; run this as that user"
        return _bad("data", text)
    if stat.S_IMODE(status.st_mode) & 0o077:
        text = f"{data} is accessible to other users; run: chmod 700 {data}"
        return _bad("data", text)
    if not os.access(data, os.W_OK | os.X_OK):
        return _bad("data", f"{data} cannot be written; run: chmod 700 {data}")
    return _good("data", f"{data} is accessible to its owner only")


def _space(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    text = f"{free // 1024**2} MiB free"
    if free < FREE_BYTES:
        return _bad("disk", f"{text}: free some space before writes are refused")
    return _good("disk", text)


def _keyring(settings: Settings) -> Finding:
    try:
        keyring = read_keyring(settings.data)
    except ConfigError as error:
        return _bad("keys", str(error))
    policy = settings.policy(settings.issuer_at(settings.port))
    known = {key.algorithm for key in keyring.signing_keys}
    missing = sorted(policy.signing_algorithms - known)
    text = f"{len(keyring.secrets)} secrets, {len(keyring.signing_keys)} signing keys"
    if missing:
        text += f"; the next start creates one for {', '.join(missing)}"
    return _good("keys", text)


def _vault(data: Path) -> Iterator[Finding]:
    """Check whether old secrets, which a rotation should drop, are still needed."""
    try:
        keyring = read_keyring(data)
        current = keyring.as_of(SystemClock().now()).current
        if len(keyring.secrets) == 1:
            return
        sealed = is_vault_sealed_with(data, [current])
    except ConfigError:
        # Reported already where keys and data are checked.
        return
    if sealed:
        text = "tokens of other services are sealed with the current secret"
        yield _good("vault", text)
        return
    text = f"tokens of other services are sealed with an old secret: {SEAL_ANEW}"
    yield _bad("vault", text)


def _clock(data: Path) -> Finding:
    now = SystemClock().now()
    files = [data, data / KEYRING_FILE]
    newest = max(file.stat().st_mtime for file in files if file.exists())
    if newest > now + AHEAD_SECONDS:
        text = (
            f"the clock is {int(newest - now)} seconds behind the data's time stamps, "
            "so tokens would live too long; synchronize it (NTP)"
        )
        return _bad("clock", text)
    return _good("clock", "not behind the data's time stamps")


def _actors(data: Path) -> Finding:
    with showing_progress() as tell:
        damaged = find_damaged(data.absolute(), now=SystemClock().now(), tell=tell)
    if damaged:
        names = ", ".join(f"{actor} ({why})" for actor, why in damaged.items())
        text = (
            f"cannot be read: {names}; correct owner and mode of files that cannot be "
            "opened, and restore users whose file is damaged (restore-user)"
        )
        return _bad("actors", text)
    return _good("actors", "no file is damaged")
