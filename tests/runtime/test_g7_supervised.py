"""G7: a broken file or a bug stops its actor with a clear error, and nobody else."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlite_utils
import trio
from sqlite_utils.migrations import Migrations
from trio.testing import MockClock

from actor_oauth.runtime import (
    Actor,
    ActorBrokenError,
    Address,
    OverloadedError,
    RuntimeLimits,
    StorageError,
    turn,
    view,
)
from actor_oauth.runtime.actor import TurnContext
from actor_oauth.runtime.call import Call, UnstartedError
from actor_oauth.runtime.lifecycle import ActivationEvent
from tests.support.callers import Caller
from tests.support.counter import Counter
from tests.support.files import find, open_files, write
from tests.support.systems import open_counters

pytestmark = pytest.mark.requirement("G7")


async def make(data: Path, *keys: str) -> None:
    """Make counters, at 1, with a few pages of notes."""
    async with open_counters(data) as system:
        for key in keys:
            counter = system.get(Counter, key)
            await counter.add(1)
            for number in range(100):
                await counter.note(f"{number} {'x' * 100}")


def truncate(path: Path) -> None:
    """Cut the file in two."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def scribble(path: Path) -> None:
    """Overwrite all but the first page."""
    data = path.read_bytes()
    path.write_bytes(data[:1024] + b"\xa5" * (len(data) - 1024))


def make_foreign(path: Path) -> None:
    """Put another program's database in its place, as up to date as ours."""
    with sqlite3.connect(path) as ours:
        (version,) = ours.execute("PRAGMA user_version").fetchone()
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE of_somebody_else (x)")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()


def make_newer(path: Path) -> None:
    """Let a newer version have written it."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"garbage " * 1000),
    "truncated": truncate,
    "scribbled": scribble,
    "foreign": make_foreign,
    "newer": make_newer,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_g7_a_damaged_file_breaks_its_actor_by_name_and_no_other(
    data: Path, damage: Callable[[Path], object]
) -> None:
    await make(data, "a", "b")
    path = find(data, "a.db")
    sound = path.read_bytes()
    damage(path)
    async with open_counters(data) as system:
        counter, other = system.get(Counter, "a"), system.get(Counter, "b")
        for _ in range(2):
            with pytest.raises(ActorBrokenError, match="counter/a"):
                await counter.notes()
            with pytest.raises(ActorBrokenError, match="counter/a"):
                await counter.do(Counter.texts)
            assert await other.value() >= 1
            assert await other.add(1) > 1
        assert open_files(data / "actors").count("a.db") <= 2
    # The file is put back: a new process serves the actor again.
    write(path, sound)
    for log in path.parent.glob("a.db-*"):
        log.unlink()
    async with open_counters(data) as system:
        assert await system.get(Counter, "a").value() == 1


async def test_g7_a_file_put_back_is_served_without_a_restart(data: Path) -> None:
    await make(data, "a")
    path = find(data, "a.db")
    sound = path.read_bytes()
    write(path, b"garbage " * 1000)
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        with pytest.raises(ActorBrokenError):
            await counter.value()
        assert open_files(data / "actors") == []
        write(path, sound)
        assert await counter.value() == 1


async def test_g7_a_file_that_cannot_be_opened_is_a_fault_of_the_storage(
    data: Path,
) -> None:
    await make(data, "a", "b")
    path = find(data, "a.db")
    path.rename(data / "aside")
    path.mkdir()
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        for call in (counter.value, counter.add):
            with pytest.raises(StorageError, match="counter/a"):
                await call()
        assert await system.get(Counter, "b").add(1) == 2
        path.rmdir()
        (data / "aside").rename(path)
        assert await counter.add(1) == 2


async def test_g7_a_file_that_another_program_holds_locked_is_a_fault_of_the_storage(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor_oauth.runtime.local.files.BUSY_SECONDS", 0.0)
    await make(data, "a")
    other = sqlite3.connect(find(data, "a.db"), isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("UPDATE number SET value = 5")
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        with pytest.raises(StorageError, match="locked"):
            await counter.value()
        other.close()
        assert await counter.value() == 5


async def test_g7_turns_wait_for_another_program_and_views_go_on(
    data: Path, autojump_clock: MockClock
) -> None:
    limits = RuntimeLimits(call_seconds=2)
    async with open_counters(data, limits=limits) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        other = sqlite3.connect(find(data, "a.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OverloadedError):
            await counter.add(1)
        assert await counter.value() == 1
        assert await system.get(Counter, "b").add(1) == 1
        other.execute("COMMIT")
        other.close()
        assert await counter.add(1) == 2


@pytest.mark.parametrize("by", ["turn", "view"])
async def test_g7_damage_found_while_serving_breaks_the_activation(
    data: Path, by: str
) -> None:
    await make(data, "a", "b")
    path = find(data, "a.db")
    sound = path.read_bytes()
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        assert await counter.value() == 1
        # The notes are not in SQLite's cache yet.
        scribble(path)
        with pytest.raises(ActorBrokenError, match="counter/a"):
            await (counter.do(Counter.texts) if by == "turn" else counter.notes())
        assert await system.get(Counter, "b").value() == 1
        write(path, sound)
        assert len(await counter.notes()) == 100
        assert await counter.add(1) == 2


async def test_g7_a_bug_in_a_turn_concerns_its_caller_only(data: Path) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        for error in (ZeroDivisionError, MemoryError, SystemExit, RecursionError):

            def fail(_: Counter, error: type[BaseException] = error) -> None:
                raise error

            for call in (counter.do, counter.see):
                with pytest.raises(error):
                    await call(fail)
        assert await counter.add(1) == 1


class Fragile(Actor, kind="fragile"):
    """Has bugs that show while it is loaded."""

    migrations = Migrations("tests.fragile")
    bug: str = ""

    def __init__(
        self, address: Address, *, context: TurnContext | None = None, **more: object
    ) -> None:
        super().__init__(address, context=context, **more)  # type: ignore[arg-type]  # passed on
        if context is not None and Fragile.bug == "init":
            raise RuntimeError("the token is aort_secret")

    @turn(creates=True)
    def touch(self) -> str:
        """Do nothing."""
        return "touched"

    @view
    def look(self) -> str:
        """Do nothing."""
        return "seen"


@Fragile.migrations()
def m0001_fragile(db: sqlite_utils.Database) -> None:
    """Nothing."""
    if Fragile.bug == "migration":
        raise LookupError("the token is aort_secret")


@pytest.mark.parametrize("bug", ["migration", "init"])
async def test_g7_a_bug_while_loading_breaks_its_actor_only_and_is_told_without_values(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    bug: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with open_counters(data, kinds=[Counter, Fragile]) as system:
        fragile = system.get(Fragile, "a")
        assert await fragile.touch() == "touched"
    with sqlite3.connect(find(data, "a.db")) as db:
        db.execute("PRAGMA user_version = 0")
        db.execute("DELETE FROM _sqlite_migrations WHERE migration_set LIKE 'tests%'")
    db.close()
    async with open_counters(data, kinds=[Counter, Fragile]) as system:
        monkeypatch.setattr(Fragile, "bug", bug)
        fragile = system.get(Fragile, "a")
        for call in (fragile.touch, fragile.look):
            with pytest.raises(ActorBrokenError, match="fragile/a") as caught:
                await call()
            assert "aort_secret" not in str(caught.value)
        assert await system.get(Counter, "b").add(1) == 1
        assert "a.db" not in open_files(data / "actors")
        monkeypatch.setattr(Fragile, "bug", "")
        assert await fragile.touch() == "touched"
    assert "aort_secret" not in capsys.readouterr().out


async def test_g7_an_actor_whose_file_vanishes_is_absent(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        # The file was there when the call came, and is gone when it is opened.
        engine = system._directory._engine
        monkeypatch.setattr(engine, "exists", lambda address: True)

        async def gone() -> None:
            await system._directory.activate(counter.address, create=False)

        open_file = engine.open

        async def vanish(*args: object, **kwargs: object) -> object:
            monkeypatch.undo()
            return await open_file(*args, **kwargs)  # type: ignore[arg-type]  # passed on

        monkeypatch.setattr(engine, "open", vanish)
        await gone()
        assert await counter.value() == 0
        assert system.activations == 0


async def test_g7_a_turn_whose_activation_breaks_before_it_runs_is_handed_back(
    data: Path,
) -> None:
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        await counter.add(1)
        activation = system._directory.find(counter.address)
        assert activation is not None
        call = Call(Counter.add.operation, (10,))
        assert await activation.mailbox.reserve()
        # The dispatcher finds the activation in its round, and it is broken by then.
        system._dispatcher.post(activation, call)
        activation.break_off(ActivationEvent.FAULTED)
        system._directory.drop(activation)
        with pytest.raises(UnstartedError):
            await call.reply()
        assert await counter.add(1) == 2


async def test_g7_a_turn_that_waits_for_its_actor_to_be_loaded_is_handed_back_too(
    data: Path, nursery: trio.Nursery
) -> None:
    await make(data, "a")
    async with open_counters(data) as system:
        counter = system.get(Counter, "a")
        call = Caller(nursery, counter.add(1))
        with trio.fail_after(60):
            while not (activation := system._directory.find(counter.address)) or not (
                len(activation.mailbox)
            ):
                await trio.lowlevel.checkpoint()
        activation.break_off(ActivationEvent.FAULTED)
        system._directory.drop(activation)
        assert await call.answer() == 2
