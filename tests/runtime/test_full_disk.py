"""A full disk: turns are refused, views go on, nothing that was answered is lost.

On a small file system in memory, which only root may mount.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actor_oauth.runtime import RuntimeLimits, StorageError
from tests.support.counter import Counter
from tests.support.files import names
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G2", "G3", "G8")

SIZE_KIB = 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A data directory on a file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = f"size={SIZE_KIB}k"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount to make a small file system with")
    if done.returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield folder / "data"
    subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def full(data: Path) -> Iterator[None]:
    """While the block lasts, there is no room."""
    ballast = data.parent / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece in (65536, 4096):
            try:
                while True:
                    file.write(b"x" * piece)
            except OSError:
                continue
    yield
    ballast.unlink()


async def add_until_refused(counter: Counter) -> int:
    """Add until the storage refuses, as it does once the log's last room is used up."""
    value = await counter.value()
    try:
        while True:
            value = await counter.add(1)
    except StorageError:
        return value


async def note_until_refused(counter: Counter) -> int:
    """Write notes until the storage refuses; how many were answered in all."""
    written = len(await counter.notes())
    try:
        while True:
            await counter.note(f"{written} {'x' * 500}")
            written += 1
    except StorageError:
        return written


async def test_g2_on_a_full_disk_turns_are_refused_and_views_go_on(small: Path) -> None:
    async with open_counters(small) as system:
        counter, new = system.get(Counter, "a"), system.get(Counter, "new")
        answered = await counter.add(1)
        with full(small):
            for _ in range(3):
                answered = await add_until_refused(counter)
            with pytest.raises(StorageError):
                await new.add(1)
            assert await counter.value() == answered
            assert await new.value() == 0
        assert await counter.add(1) == answered + 1
        assert await new.add(1) == 1
    assert names(small, "*.new") == []
    async with open_counters(small) as system:
        assert await system.get(Counter, "a").value() == answered + 1


async def test_g2_an_actor_that_was_not_in_memory_comes_back_when_there_is_room(
    small: Path,
) -> None:
    async with open_counters(small) as system:
        await system.get(Counter, "a").add(1)
    async with open_counters(small) as system:
        counter = system.get(Counter, "a")
        with full(small):
            # Even to read, SQLite needs room for the log's shared memory.
            with pytest.raises(StorageError):
                await counter.value()
            with pytest.raises(StorageError):
                await counter.add(1)
        assert await counter.value() == 1
        assert await counter.add(1) == 2


async def test_g8_on_a_full_disk_no_alarm_is_lost_however_the_process_ends(
    small: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(idle_seconds=5, drain_seconds=2)
    async with open_counters(small, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.wake_me(1_700_000_000 + 500)
        with full(small):
            await trio.sleep(100)
            assert await counter.value() == 0
        await trio.sleep(100)
        await trio.sleep(400)
        assert len(await counter.notes()) == 1


async def test_g3_what_was_answered_is_there_after_the_disk_was_full_to_the_end(
    small: Path,
) -> None:
    answered = 0
    async with open_counters(small, limits=RuntimeLimits(drain_seconds=2)) as system:
        counter = system.get(Counter, "a")
        await counter.note("the first")
        for _ in range(3):
            with full(small):
                answered = await note_until_refused(counter)
    async with open_counters(small) as system:
        assert len(await system.get(Counter, "a").notes()) == answered
