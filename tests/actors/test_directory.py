"""The directory actor."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actor_oauth.actors.directory import CLIENTS, MAX_PAGE, USERS, DirectoryActor
from actor_oauth.runtime import ActorSystem, LocalEngine, open_system


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ActorSystem]:
    async with open_system(LocalEngine(tmp_path), kinds=(DirectoryActor,)) as system:
        yield system


async def listed(directory: DirectoryActor, limit: int = 100) -> list[str]:
    """Every id, page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        page = await directory.page(cursor=cursor, limit=limit)
        ids += [entry.entry_id for entry in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            return ids


async def test_a_directory_that_nobody_wrote_to_is_empty(system: ActorSystem) -> None:
    directory = system.get(DirectoryActor, CLIENTS)
    assert await listed(directory) == []
    assert await directory.count() == 0


async def test_entries_are_listed_oldest_first(system: ActorSystem) -> None:
    directory = system.get(DirectoryActor, CLIENTS)
    for entry_id, created_at in [("c", 20), ("b", 10), ("d", 10), ("a", 30)]:
        await directory.add(entry_id=entry_id, created_at=created_at)
    assert await listed(directory) == ["b", "d", "c", "a"]
    assert await directory.count() == 4


@pytest.mark.requirement("G9")
async def test_adding_and_removing_again_changes_nothing(system: ActorSystem) -> None:
    directory = system.get(DirectoryActor, CLIENTS)
    await directory.add(entry_id="a", created_at=10)
    await directory.add(entry_id="a", created_at=99)
    await directory.add(entry_id="b", created_at=20)
    assert await listed(directory) == ["a", "b"]
    await directory.remove(entry_id="a")
    await directory.remove(entry_id="a")
    assert await listed(directory) == ["b"]


async def test_directories_are_apart(system: ActorSystem) -> None:
    await system.get(DirectoryActor, CLIENTS).add(entry_id="a", created_at=1)
    assert await listed(system.get(DirectoryActor, USERS)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_add_up_to_the_whole(system: ActorSystem, limit: int) -> None:
    directory = system.get(DirectoryActor, USERS)
    names = [f"user.{number}" for number in range(6)]
    for name in names:
        await directory.add(entry_id=name, created_at=5)
    assert await listed(directory, limit) == names


async def test_a_removed_entry_does_not_disturb_the_pages_after_it(
    system: ActorSystem,
) -> None:
    directory = system.get(DirectoryActor, USERS)
    for number in range(4):
        await directory.add(entry_id=str(number), created_at=number)
    page = await directory.page(limit=2)
    await directory.remove(entry_id="1")
    rest = await directory.page(cursor=page.next_cursor, limit=2)
    assert [entry.entry_id for entry in rest.entries] == ["2", "3"]
    assert rest.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", ".a", "-1.a", "².", "9" * 40 + ".a"])
async def test_a_cursor_that_cannot_be_read_begins_anew(
    system: ActorSystem, cursor: str
) -> None:
    directory = system.get(DirectoryActor, USERS)
    await directory.add(entry_id="a", created_at=0)
    page = await directory.page(cursor=cursor)
    assert [entry.entry_id for entry in page.entries] == ["a"]


async def test_a_page_has_at_least_one_entry_and_a_limit(system: ActorSystem) -> None:
    directory = system.get(DirectoryActor, USERS)
    for number in range(2):
        await directory.add(entry_id=str(number), created_at=number)
    assert len((await directory.page(limit=-5)).entries) == 1
    assert len((await directory.page(limit=MAX_PAGE * 10)).entries) == 2
