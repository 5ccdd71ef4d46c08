"""An old secret is dropped when no token of another service needs it (K-08)."""

import json
from pathlib import Path

import pytest
import trio

from actor_oauth.actors.authorization_server import ACTOR_KINDS
from actor_oauth.actors.renewals import RENEWALS, RenewalsActor
from actor_oauth.actors.vault import Connection, VaultActor
from actor_oauth.config import Settings
from actor_oauth.config.keyring_file import open_keyring, read_keyring, rotate_secrets
from actor_oauth.runtime import LocalEngine, SystemClock, SystemEntropy, open_system
from tests.cli.conftest import Command

ENTROPY = SystemEntropy()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a secret that retired long ago, and a current one."""
    data = tmp_path / ".actor-oauth"
    data.mkdir(mode=0o700, exist_ok=True)
    open_keyring(data, entropy=ENTROPY)
    long_ago = SystemClock().now() - 2 * Settings().refresh_absolute_seconds - 1000
    rotate_secrets(
        data, now=long_ago, active_from=long_ago, kept_for=None, entropy=ENTROPY
    )
    return data


def connect(data: Path) -> None:
    """Have somebody connect something."""

    async def run() -> None:
        engine = LocalEngine(data)
        async with open_system(engine, ACTOR_KINDS, clock=SystemClock()) as system:
            vault = system.get(VaultActor, "0" * 32)
            noted = await vault.note_public("https://notes.example/mcp", now=1)
            assert isinstance(noted, Connection)
            await system.delivered(vault)

    trio.run(run)


def seal(data: Path, kid: str) -> None:
    """Note that everything is sealed with a key."""

    async def run() -> None:
        engine = LocalEngine(data)
        async with open_system(engine, ACTOR_KINDS, clock=SystemClock()) as system:
            renewals = system.get(RenewalsActor, RENEWALS)
            await renewals.begin_sealing(kid, lease=1, now=1)
            await renewals.finish_sealing(kid)

    trio.run(run)


@pytest.mark.requirement("K-08", "K-11")
def test_an_old_secret_is_kept_while_the_vault_may_need_it(
    actor_oauth: Command, data: Path
) -> None:
    old, current = read_keyring(data).secrets
    connect(data)

    refused = actor_oauth("keys", "rotate")

    assert refused.status == 0
    assert f"kept the old secret {old}" in refused.err
    assert "actor-oauth serve" in refused.err
    assert len(read_keyring(data).secrets) == 3
    told = json.loads(actor_oauth("doctor", "--json").out)
    [found] = [each for each in told if each["subject"] == "vault"]
    assert not found["good"]
    assert "actor-oauth serve" in found["text"]

    # As the server does once the new secret has settled.
    seal(data, current)
    told = json.loads(actor_oauth("doctor", "--json").out)
    assert [each["good"] for each in told if each["subject"] == "vault"] == [True]
    dropped = actor_oauth("keys", "rotate")
    assert "kept" not in dropped.err
    assert old not in read_keyring(data).secrets


@pytest.mark.requirement("K-11")
def test_without_anything_in_the_vault_it_is_dropped(
    actor_oauth: Command, data: Path
) -> None:
    old, _ = read_keyring(data).secrets

    rotated = actor_oauth("keys", "rotate")

    assert "kept" not in rotated.err
    assert old not in read_keyring(data).secrets
