"""`keys`: what tokens are signed with, and the server's own secrets."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from actor_oauth.cli.options import ConfigOption, DataOption, JsonOption
from actor_oauth.cli.session import settings_of
from actor_oauth.cli.terminal import print_json, print_table, say
from actor_oauth.cli.vault_sealing import SEAL_ANEW, is_vault_sealed_with
from actor_oauth.config.keyring_file import (
    PUBLISH_AHEAD,
    read_keyring,
    rotate_secrets,
    rotate_signing_keys,
)
from actor_oauth.oauth.keyring import Keyring
from actor_oauth.oauth.signing_keys import SigningKey, choose_key
from actor_oauth.runtime import SystemClock, SystemEntropy

keys = typer.Typer(
    no_args_is_help=True,
    help="The keys that tokens are signed with, and the server's own secrets.",
)

# What clocks may differ, beside the life of a token.
_SKEW: Final = 300


@keys.command("list")
def list_keys(
    *, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """List all keys, oldest first. Nothing secret is shown."""
    settings = settings_of(config=config, data=data)
    keyring = read_keyring(settings.data)
    now = SystemClock().now()
    found = sorted(keyring.signing_keys, key=lambda key: key.active_from)
    rows = [_members(keyring, key, now) for key in found]
    rows += _secrets(keyring, now)
    if json:
        print_json(rows)
        return
    print_table(
        ("kid", "algorithm", "state", "active_from"),
        ((str(r["kid"]), str(r["alg"]), str(r["state"]), _date(r)) for r in rows),
    )


@keys.command("rotate")
def rotate_keys(
    *,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Use the new keys at once, before all servers and clients can know "
            "them.",
        ),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Add new keys and a new secret, which take over in two hours.

    A running server notices the change. Keys that no valid token needs are dropped.
    """
    settings = settings_of(config=config, data=data)
    time = SystemClock().now()
    active_from = time if now else time + PUBLISH_AHEAD
    keyring = rotate_signing_keys(
        settings.data,
        now=time,
        active_from=active_from,
        kept_for=settings.access_token_seconds + _SKEW,
        entropy=SystemEntropy(),
    )
    for key in keyring.signing_keys:
        if key.active_from == active_from:
            say(f"{key.algorithm} key {key.kid} signs from {_text(key.active_from)}")
    kept_for = settings.refresh_absolute_seconds + _SKEW
    may_drop = _may_drop(keyring, settings.data, now=time, kept_for=kept_for)
    keyring = rotate_secrets(
        settings.data,
        now=time,
        active_from=active_from,
        kept_for=kept_for if may_drop else None,
        entropy=SystemEntropy(),
    )
    for secret in _secrets(keyring, time):
        if secret["active_from"] == active_from:
            say(f"secret {secret['kid']} is used from {_date(secret)}")


def _may_drop(keyring: Keyring, data: Path, *, now: int, kept_for: int) -> bool:
    """Tell whether secrets that have retired may go; if not, say why and what to do."""
    left = keyring.without_retired(now=now, kept_for=kept_for).secrets
    retired = sorted(set(keyring.secrets) - set(left))
    if not retired or is_vault_sealed_with(data, left):
        return True
    say(
        f"kept the old secret {', '.join(retired)}: tokens of other services in "
        f"the vault may be sealed with it. To drop it, {SEAL_ANEW}, then rotate again"
    )
    return False


def _members(keyring: Keyring, key: SigningKey, now: int) -> dict[str, str | int]:
    signing = choose_key(keyring.signing_keys, key.algorithm, at=now)
    state = "published" if key.active_from > now else "retiring"
    if signing is not None and signing.kid == key.kid:
        state = "signing"
    return {
        "kid": key.kid,
        "alg": key.algorithm,
        "state": state,
        "active_from": key.active_from,
    }


def _secrets(keyring: Keyring, now: int) -> list[dict[str, str | int]]:
    current = keyring.as_of(now).current
    rows: list[dict[str, str | int]] = []
    for kid in sorted(keyring.secrets, key=lambda kid: keyring.active_from.get(kid, 0)):
        active_from = keyring.active_from.get(kid, 0)
        state = "published" if active_from > now else "retiring"
        rows.append(
            {
                "kid": kid,
                "alg": "secret",
                "state": "current" if kid == current else state,
                "active_from": active_from,
            }
        )
    return rows


def _date(members: dict[str, str | int]) -> str:
    return _text(int(members["active_from"]))


def _text(seconds: int) -> str:
    if seconds == 0:
        return "the beginning"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
