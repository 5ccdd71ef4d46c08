import json
from pathlib import Path

import pytest

from actor_oauth.config.keyring_file import (
    PUBLISH_AHEAD,
    ensure_signing_keys,
    open_keyring,
    read_keyring,
)
from actor_oauth.runtime import SystemClock, SystemEntropy
from tests.cli.conftest import Command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory whose server signs."""
    data = tmp_path / ".actor-oauth"
    data.mkdir(mode=0o700, exist_ok=True)
    open_keyring(data, entropy=SystemEntropy())
    ensure_signing_keys(data, {"EdDSA"}, entropy=SystemEntropy())
    return data


@pytest.mark.requirement("K-11")
def test_a_rotation_publishes_a_key_before_it_signs(
    actor_oauth: Command, data: Path
) -> None:
    before = SystemClock().now()

    rotated = actor_oauth("keys", "rotate")

    assert rotated.status == 0
    assert "EdDSA key " in rotated.err
    listed = json.loads(actor_oauth("keys", "list", "--json").out)
    old, new, *secrets = listed
    assert [secret["alg"] for secret in secrets] == ["secret", "secret"]
    assert [secret["state"] for secret in secrets] == ["current", "published"]
    assert (old["state"], new["state"]) == ("signing", "published")
    assert new["active_from"] >= before + PUBLISH_AHEAD
    table = actor_oauth("keys", "list").out
    assert old["kid"] in table
    assert "the beginning" in table
    assert "published" in table


def test_a_key_may_take_over_at_once(actor_oauth: Command, data: Path) -> None:
    assert actor_oauth("keys", "rotate", "--now").status == 0

    states = [
        key["state"] for key in json.loads(actor_oauth("keys", "list", "--json").out)
    ]

    assert states == ["retiring", "signing", "retiring", "current"]


@pytest.mark.requirement("K-12")
def test_nothing_secret_is_shown(actor_oauth: Command, data: Path) -> None:
    file = json.loads((data / "keyring.json").read_text())
    secrets = [file["signing_keys"][0]["private"], *file["keys"].values()]

    shown = actor_oauth("keys", "list", "--json").out + actor_oauth("keys", "list").out

    assert not any(secret in shown for secret in secrets)


def test_without_jwt_tokens_the_servers_own_secret_is_rotated(
    actor_oauth: Command, tmp_path: Path
) -> None:
    data = tmp_path / "plain"
    data.mkdir(mode=0o700, exist_ok=True)
    missing = actor_oauth("keys", "list", "--data", str(data))
    before = open_keyring(data, entropy=SystemEntropy())

    rotated = actor_oauth("keys", "rotate", "--data", str(data))

    assert missing.status == 1
    assert "there is no" in missing.err
    assert rotated.status == 0
    assert rotated.err.startswith("secret ")
    after = read_keyring(data)
    assert after.current == before.current
    assert len(after.secrets) == 2
    assert after.address_key == before.address_key
