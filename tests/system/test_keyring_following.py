"""A running server takes up the keys that another process adds to its file."""

from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from actor_oauth.config import ResourceSettings, Settings
from actor_oauth.config.keyring_file import rotate_signing_keys
from actor_oauth.provider import Provider
from actor_oauth.provider.keyring_following import KEYRING_SECONDS, follow_keyring
from actor_oauth.runtime import SystemEntropy


@pytest.mark.requirement("K-11")
async def test_a_running_server_publishes_keys_that_are_added(tmp_path: Path) -> None:
    resource = ResourceSettings(
        identifier="http://127.0.0.1:8000/mcp", access_tokens="jwt"
    )
    settings = Settings(data=tmp_path, resources=(resource,))
    entropy = SystemEntropy()
    async with Provider(settings).open() as running, trio.open_nursery() as nursery:
        server = running.server
        first = server.jwks()["keys"][0]  # type: ignore[index]  # a list
        rotate_signing_keys(tmp_path, now=1, active_from=2, kept_for=3, entropy=entropy)
        nursery.start_soon(lambda: follow_keyring(server, tmp_path, every=0))
        with trio.fail_after(60):
            while len(server.jwks()["keys"]) != 2:  # type: ignore[arg-type]  # a list
                await trio.lowlevel.checkpoint()
        assert first in server.jwks()["keys"]  # type: ignore[operator]  # a list
        with capture_logs() as told, trio.fail_after(60):
            (tmp_path / "keyring.json").rename(tmp_path / "away")
            while not told:
                await trio.lowlevel.checkpoint()
        assert len(server.jwks()["keys"]) == 2  # type: ignore[arg-type]  # a list
        nursery.cancel_scope.cancel()
    async with Provider(settings).open() as running:
        assert len(running.server.jwks()["keys"]) == 1  # type: ignore[arg-type]  # a list


async def test_who_serves_by_other_means_has_that_run_beside(
    tmp_path: Path, mock_clock: MockClock
) -> None:
    provider = Provider(Settings(data=tmp_path, openid_enabled=True))
    async with provider.open() as running, trio.open_nursery() as nursery:
        server, before = running.server, len(str(running.server.jwks()))
        nursery.start_soon(running.run_services)
        await wait_all_tasks_blocked()
        rotate_signing_keys(
            tmp_path, now=1, active_from=2, kept_for=3, entropy=SystemEntropy()
        )
        mock_clock.jump(KEYRING_SECONDS)
        mock_clock.rate = 1
        with trio.fail_after(60):
            while len(str(server.jwks())) == before:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
