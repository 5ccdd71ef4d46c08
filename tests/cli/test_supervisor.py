import os
from pathlib import Path

import pytest
import trio

from actor_oauth.cli.supervisor import supervise
from actor_oauth.config import ConfigError, Settings
from actor_oauth.provider.listening import bind


@pytest.fixture
def _no_pid_of_a_worker(capfd: pytest.CaptureFixture[str]) -> None:
    """Keep what workers write out of the test run's own output."""


@pytest.mark.usefixtures("_no_pid_of_a_worker")
async def test_workers_that_cannot_start_end_the_server_instead_of_being_retried(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    file.touch()
    fd, settings = bind(Settings(port=0, workers=2, data=file))
    announced: list[bool] = []
    with trio.fail_after(60), pytest.raises(BaseExceptionGroup) as caught:
        await supervise(
            settings,
            fd=fd,
            announce=lambda: announced.append(True),
            stopping=trio.Event(),
        )
    os.close(fd)
    assert caught.group_contains(ConfigError, match="a worker could not start")
    assert not announced


async def test_a_stop_during_the_start_ends_without_an_announcement(
    tmp_path: Path,
) -> None:
    fd, settings = bind(Settings(port=0, workers=2, data=tmp_path))
    announced: list[bool] = []
    stopping = trio.Event()
    stopping.set()
    with trio.fail_after(60):
        await supervise(
            settings,
            fd=fd,
            announce=lambda: announced.append(True),
            stopping=stopping,
        )
    os.close(fd)
    assert not announced


@pytest.mark.requirement("G10")
async def test_workers_stop_in_order_once_all_were_ready(tmp_path: Path) -> None:
    fd, settings = bind(Settings(port=0, workers=2, data=tmp_path))
    stopping = trio.Event()
    with trio.fail_after(60):
        await supervise(settings, fd=fd, announce=stopping.set, stopping=stopping)
    os.close(fd)
