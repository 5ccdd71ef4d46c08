"""A process with vaults on a data directory that others share: asks for a token when told.

    python -m tests.support.vault_process DATA NOW

Each line of standard input is a URL; each line of the answer is JSON.
"""

import json
import sys
from pathlib import Path

import trio

from actor_oauth.upstream.vault import Authorization
from tests.support.clocks import SettableClock
from tests.support.standin import Upstream
from tests.upstream.vault.world import USER, open_world


async def main(data: Path, now: int) -> None:
    async with open_world(data, Upstream(), clock=SettableClock(now)) as world:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while url := (await trio.to_thread.run_sync(sys.stdin.readline)).strip():
            answers: list[object] = []

            async def ask(url: str = url, answers: list[object] = answers) -> None:
                found = await world.vault.get_authorization(USER, url)
                answers.append(
                    found.header
                    if isinstance(found, Authorization)
                    else str(found.fault)
                )

            async with trio.open_nursery() as nursery:
                for _ in range(16):
                    nursery.start_soon(ask)
            sys.stdout.write(json.dumps(sorted(set(map(str, answers)))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
