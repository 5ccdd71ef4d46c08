"""Slow disks and many users: measured, and every answer looked at."""

import shutil
from pathlib import Path

import pytest

from actor_oauth.bench.make_users import make_users
from actor_oauth.bench.own_server import own_settings
from actor_oauth.bench.plan import Plan, What
from actor_oauth.bench.report.document import Table
from actor_oauth.bench.run import run_plan


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
    report, _ = run_plan(Plan(what=[What.SCALE], users=30), silent)
    assert report.problems == []
    titles = [block.title for block in report.sections[0].blocks]
    assert titles[:2] == ["Users", "Refreshes"]


async def test_as_many_users_are_made_as_were_asked_for(tmp_path: Path) -> None:
    settings = own_settings(tmp_path / "data", 8000)
    client_id, tokens = await make_users(settings, 10, 5)
    assert client_id
    assert len(set(tokens)) == 5
