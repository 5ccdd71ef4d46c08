"""Slow disks and many users: measured, and every answer looked at."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio

from actor_oauth.bench.asking import BenchError
from actor_oauth.bench.make_users import made_in, make_users, name_of
from actor_oauth.bench.many_users import count_in, many_users
from actor_oauth.bench.own_server import own_settings
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.report.document import Table
from actor_oauth.bench.report.raw import to_plain
from actor_oauth.bench.run import run_plan
from actor_oauth.oauth.tokens import TokenKind
from actor_oauth.provider import Provider
from actor_oauth.runtime import SystemClock


def silent(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_disk_is_made_slow_and_the_event_loop_watched() -> None:
    plan = Plan(what=[What.SLOW_DISK], seconds=0.5, connections=[1], delays=[0.0, 50.0])
    report, _ = run_plan(plan, silent)
    assert report.problems == []
    table = report.sections[0].blocks[0]
    assert isinstance(table, Table)
    fast, slow = table.rows
    # One caller waits for one sync after the other: nothing to gather.
    assert float(slow[4]) >= 50 > float(fast[4])


def test_users_are_put_on_disk_and_asked_for_and_kept(
    tmp_path: Path,
) -> None:
    plan = Plan(what=[What.SCALE], users=60, data=tmp_path / "kept")
    report, raw = run_plan(plan, silent)
    assert report.problems == []
    titles = [block.title for block in report.sections[0].blocks]
    assert titles[:2] == ["Users", "Refreshes"]
    found = raw["scale"]
    assert isinstance(found, dict)
    at_rest = found["at_rest"]
    assert isinstance(at_rest, dict)
    each = at_rest["bytes_each"]
    assert isinstance(each, float)
    # The goal: what is not asked for costs disk, and little of it.
    assert each <= 16 * 1024
    # The server ended in order: the next one need not look after what it left.
    assert list((tmp_path / "kept" / "live").iterdir()) == []
    told: list[str] = []
    made = made_in(tmp_path / "kept")
    assert made is not None
    with many_users(plan.data, 60, lambda what, *_: told.append(what)) as users:
        assert to_plain(users.at_rest) == at_rest
        # In the next run nobody presents a token that was used up in this one.
        assert users.token(0) != made.token(0, TokenKind.REFRESH).render()
    assert told == []
    with (
        pytest.raises(BenchError, match="60 of 61"),
        many_users(plan.data, 61, silent),
    ):
        pass


def test_users_who_were_not_made_or_measured_to_the_end_are_not_taken(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    plan = Plan(what=[What.SCALE], users=20, data=data)
    with pytest.raises(BenchError, match="not all of 20"):
        run_plan(plan, silent)
    with pytest.raises(BenchError, match="to the end"):
        count_in(data)
    make_users(own_settings(data, 8000), 20)
    assert count_in(data) == 20
    with pytest.raises(BenchError, match="not measured"):
        run_plan(plan, silent)


def test_users_that_are_copied_are_as_those_that_the_server_makes(
    tmp_path: Path,
) -> None:
    settings = own_settings(tmp_path / "data", 8000)
    made = make_users(settings, 20)
    assert made_in(settings.data) == made
    # Nobody is to be woken while he is measured.
    with closing(sqlite3.connect(settings.data / "wakes.db")) as db:
        (due,) = db.execute("SELECT min(due) FROM wakes").fetchone()
    assert due > SystemClock().now() + 86_400

    async def ask() -> None:
        async with Provider(settings).open() as running:
            server = running.server
            page = await server.list_users()
            assert [one.entry_id for one in page.entries] == [
                name_of(number) for number in range(20)
            ]
            for number in (0, 7, 19):
                token = made.token(number, TokenKind.ACCESS).render()
                info = await server.unwrap_token(token)
                assert info is not None
                assert (info.user_id, info.client_id) == (
                    name_of(number),
                    made.client_id,
                )
            # The client knows whom to tell of its end.
            await server.delete_client(made.client_id)
            last = made.token(19, TokenKind.ACCESS).render()
            assert await server.unwrap_token(last) is None

    trio.run(ask)
