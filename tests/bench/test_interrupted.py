"""A measurement that is killed leaves nothing behind that would disturb the next."""

import subprocess
import sys

from tests.support.ends import ending

# All that any measurement starts: servers of the package, of others, and drivers.
STARTS_ALL = """
import os, sys
from actor_oauth.bench.fleet import open_fleet
from actor_oauth.bench.own_server import own_server, started

if __name__ == "__main__":
    echo = [sys.executable, "-m", "actor_oauth.bench.echo", "canned"]
    with own_server() as server, started(echo) as (_, program), open_fleet(1) as fleet:
        driver = fleet.run(os.readlink, "/proc/self")
        print(*server.groups(), program.process.pid, driver, flush=True)
        sys.stdin.read()
"""


def test_servers_and_drivers_end_with_a_run_that_is_killed() -> None:
    # Without a leash, which would end the drivers too. It ends with its input.
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ALL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        assert len(pids) == 3
        with ending(pids):
            run.kill()
