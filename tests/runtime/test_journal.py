"""The journal: a name is durable before its actor's first turn, whoever else comes along."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actor_oauth.runtime import Address
from actor_oauth.runtime.local.journal import Journal, adopt_orphans
from tests.support.callers import Caller
from tests.support.disks import FaultyDisk, InlineDisk
from tests.support.files import find, names

pytestmark = pytest.mark.requirement("G8", "G9")

T = TypeVar("T")

A, B, C = (Address("counter", key) for key in "abc")


class SlowDisk(FaultyDisk):
    """A disk that holds back all that is offloaded to it, not only syncs."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = trio.Event()

    async def offload(
        self, work: Callable[[], T], *, limiter: trio.CapacityLimiter | None = None
    ) -> T:
        """Run the work when the disk may go on."""
        await trio.lowlevel.checkpoint()
        await self.go_on.wait()
        return work()


@pytest.fixture
def disk() -> SlowDisk:
    """The disk."""
    return SlowDisk()


@pytest.fixture
def journal(memory: Path, disk: SlowDisk) -> Iterator[Journal]:
    """An open journal of a process that has two actors in its care."""
    journal = Journal(memory, "me", disk, lambda: [B])
    journal.open()
    disk.synced.clear()
    yield journal
    journal.close(remove=True)


def named(folder: Path) -> list[Address]:
    """Whom the only journal of a folder names, once its process is dead."""
    return [Address.parse(line) for line in find(folder, "*.live").read_text().split()]


async def test_several_names_at_once_share_a_write_and_a_sync(
    memory: Path, journal: Journal, disk: SlowDisk, nursery: trio.Nursery
) -> None:
    first = Caller(nursery, journal.announce(A))
    await wait_all_tasks_blocked()
    others = [Caller(nursery, journal.announce(name)) for name in (B, C)]
    await wait_all_tasks_blocked()
    assert not first.answered
    disk.go_on.set()
    for call in (first, *others):
        await call.answer()
    assert len(disk.synced) == 2
    assert set(named(memory)) == {A, B, C}


async def test_a_caller_that_goes_away_takes_nobody_elses_name_with_it(
    memory: Path, journal: Journal, disk: SlowDisk, nursery: trio.Nursery
) -> None:
    first = Caller(nursery, journal.announce(A))
    await wait_all_tasks_blocked()
    # The one that would write for both goes away, whether it has begun or not.
    leads, follows = Caller(nursery, journal.announce(B)), None
    await wait_all_tasks_blocked()
    follows = Caller(nursery, journal.announce(C))
    await wait_all_tasks_blocked()
    leads._scope.cancel()
    first._scope.cancel()
    disk.go_on.set()
    await follows.answer()
    assert C in named(memory)


async def test_when_a_write_fails_everybody_whose_name_was_in_it_is_told(
    memory: Path, journal: Journal, disk: SlowDisk, nursery: trio.Nursery
) -> None:
    disk.failing = {".live"}
    calls = [Caller(nursery, journal.announce(name)) for name in (A, B, C)]
    await wait_all_tasks_blocked()
    disk.go_on.set()
    for call in calls:
        with pytest.raises(OSError, match="journal"):
            await call.answer()


async def test_after_a_failure_the_names_go_into_a_new_file(
    memory: Path, journal: Journal, disk: SlowDisk
) -> None:
    disk.go_on.set()
    disk.failing = {".live"}
    with pytest.raises(OSError, match="journal"):
        await journal.announce(A)
    old = find(memory, "*.live").name
    disk.failing = {".new"}
    with pytest.raises(OSError, match="journal"):
        await journal.announce(A)
    # The old file stands until the new one is durable, and no draft is left.
    assert names(memory) == [old]
    disk.failing.clear()
    await journal.announce(C)
    assert names(memory) != [old]
    # With the names of those who are in the process's care.
    assert named(memory) == [B, C]


async def test_names_of_actors_long_gone_are_dropped(
    memory: Path, journal: Journal, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.journal.SPARE_LINES", 5)
    disk.go_on.set()
    for number in range(50):
        await journal.announce(Address("counter", f"n{number}"))
        assert len(named(memory)) <= 5 + 3
    assert Address("counter", "n49") in named(memory)
    assert B in named(memory)


async def test_only_a_dead_process_journal_is_taken_over_and_only_once(
    memory: Path, journal: Journal, disk: SlowDisk
) -> None:
    disk.go_on.set()
    await journal.announce(A)
    adopted: list[Address] = []
    adopt_orphans(memory, adopted.extend)
    assert adopted == []
    journal.close(remove=False)
    for _ in range(2):
        adopt_orphans(memory, adopted.extend)
        assert adopted == [A]
    assert names(memory) == []


async def test_a_journal_whose_names_could_not_be_kept_stays(
    memory: Path, journal: Journal, disk: SlowDisk
) -> None:
    def refuse(_: list[Address]) -> None:
        raise LookupError

    disk.go_on.set()
    await journal.announce(A)
    journal.close(remove=False)
    with pytest.raises(LookupError):
        adopt_orphans(memory, refuse)
    assert named(memory) == [A]


def test_a_line_cut_short_names_nobody(memory: Path) -> None:
    find_in = memory / "dead-1.live"
    find_in.write_bytes(b"counter/a\ncounter/bbbb")
    adopted: list[Address] = []
    adopt_orphans(memory, adopted.extend)
    assert adopted == [A]


def test_a_journal_is_closed_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "me", InlineDisk(), lambda: ())
    journal.open()

    journal.close(remove=True)
    journal.close(remove=True)

    assert not list(tmp_path.iterdir())


def test_garbage_in_a_dead_journal_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.live").write_text("counter/a\n\0\0\0\ncounter/b\ncounter/c")
    (tmp_path / "gone.live").symlink_to(tmp_path / "nowhere")
    adopted: list[Address] = []

    adopt_orphans(tmp_path, adopted.extend)

    assert [address.key for address in adopted] == ["a", "b"]
