"""One refresh over several processes, and what a `kill -9` leaves behind."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from actor_oauth.bench.leash import leashed
from tests.support.processes import ROOT
from tests.support.standin import Asked, Said, Upstream
from tests.upstream.vault.world import open_world

PATIENCE = 60


class VaultProcess:
    """A process that runs `tests.support.vault_process`."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.has_noticed = trio.Event()
        self._read = b""

    async def line(self) -> str:
        assert self.process.stdout is not None
        while b"\n" not in self._read:
            chunk = await self.process.stdout.receive_some()
            assert chunk, "the process has ended"
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()

    async def ask(self, url: str) -> list[str]:
        """Have sixteen callers ask at once; gives their different answers."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(url.encode() + b"\n")
        while not (line := await self.line()).startswith("["):
            if "refresh under way elsewhere" in line:
                self.has_noticed.set()
        answers: list[str] = json.loads(line)
        return answers


@asynccontextmanager
async def vault_process(data: Path, now: int) -> AsyncIterator[VaultProcess]:
    process = await trio.lowlevel.open_process(
        leashed(
            *(sys.executable, "-m", "tests.support.vault_process"), str(data), str(now)
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    vaults = VaultProcess(process)
    try:
        while await vaults.line() != "ready":
            pass
        yield vaults
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()


@pytest.mark.requirement("I-27", "I-28", "M-16")
async def test_two_processes_refresh_once(tmp_path: Path, upstream: Upstream) -> None:
    async with open_world(tmp_path, upstream) as world:
        await world.connect()
        now = world.clock.now() + 3500
    go_on = trio.Event()
    came: list[Asked] = []

    async def hold(asked: Asked) -> Said:
        came.append(asked)
        if len(came) > 1:
            go_on.set()
        answer = upstream.token(asked)
        await go_on.wait()
        return answer

    upstream.answers = [hold, hold]
    answers: list[list[str]] = []

    async def ask(vaults: VaultProcess) -> None:
        answers.append(await vaults.ask(upstream.url))

    async def let_go(vaults: VaultProcess) -> None:
        # Not before the one that came too late has found out that it did.
        await vaults.has_noticed.wait()
        go_on.set()

    with trio.fail_after(PATIENCE):
        async with (
            vault_process(tmp_path, now) as first,
            vault_process(tmp_path, now) as second,
            trio.open_nursery() as watching,
        ):
            watching.start_soon(let_go, first)
            watching.start_soon(let_go, second)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, first)
                nursery.start_soon(ask, second)
            watching.cancel_scope.cancel()

    assert answers == [["Bearer access4"]] * 2
    assert upstream.refreshes == 1
    assert not upstream.replayed


@pytest.mark.requirement("I-29", "I-30")
async def test_a_kill_between_answer_and_commit_costs_one_more_request(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream) as world:
        first = await world.connect()
        clock = world.clock
    clock.advance(3400)
    arrived = trio.Event()

    async def hold(asked: Asked) -> Said:
        # The other server has made up its mind, and nobody is there to hear it.
        arrived.set()
        await trio.sleep_forever()
        raise AssertionError

    upstream.answers = [hold]
    with trio.fail_after(PATIENCE):
        async with vault_process(tmp_path, clock.now()) as vaults:
            assert vaults.process.stdin is not None
            await vaults.process.stdin.send_all(upstream.url.encode() + b"\n")
            await arrived.wait()
            vaults.process.kill()
            await vaults.process.wait()
    async with open_world(tmp_path, upstream, clock=clock) as world:
        [connection] = await world.actor().list_connections()
        assert connection.credential.unanswered == 1
        clock.advance(41)
        second = await world.token()

    assert second != first
    assert upstream.refreshes == 2
    sent = [asked.form["refresh_token"] for asked in upstream.server.asked[-2:]]
    assert sent == ["refresh3", "refresh3"]
