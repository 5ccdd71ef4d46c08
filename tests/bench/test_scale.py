"""Slow disks and many users: measured, and every answer looked at."""

import shutil
from pathlib import Path

import pytest
import trio

from actor_oauth.bench.make_users import made_in, make_users, name_of
from actor_oauth.bench.own_server import own_settings
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.report.document import Table
from actor_oauth.bench.run import run_plan
from actor_oauth.oauth.tokens import TokenKind
from actor_oauth.provider import Provider


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


def test_users_are_put_on_disk_and_asked_for() -> None:
    report, raw = run_plan(Plan(what=[What.SCALE], users=60), silent)
    assert report.problems == []
    titles = [block.title for block in report.sections[0].blocks]
    assert titles[:2] == ["Users", "Refreshes"]
    found = raw["scale"]
    assert isinstance(found, dict)
    each = found["bytes_each"]
    assert isinstance(each, float)
    # The goal: what is not asked for costs disk, and little of it.
    assert each <= 16 * 1024


def test_users_that_are_copied_are_as_those_that_the_server_makes(
    tmp_path: Path,
) -> None:
    settings = own_settings(tmp_path / "data", 8000)
    client_id = make_users(settings, 20)
    made = made_in(settings.data)

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
                assert (info.user_id, info.client_id) == (name_of(number), client_id)
            # The client knows whom to tell of its end.
            await server.delete_client(client_id)
            last = made.token(19, TokenKind.ACCESS).render()
            assert await server.unwrap_token(last) is None

    trio.run(ask)
