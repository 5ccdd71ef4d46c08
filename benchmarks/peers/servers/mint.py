"""Prints what `actor-oauth bench --token-command` asks for: mint.py URL."""

import os
import sys
from http.client import HTTPConnection


def main() -> None:
    """Ask the server that has it all, and print what it says."""
    origin = sys.argv[1].removeprefix("http://")
    kind = os.environ["ACTOR_OAUTH_BENCH_KIND"]
    count = os.environ["ACTOR_OAUTH_BENCH_COUNT"]
    connection = HTTPConnection(origin)
    connection.request("GET", f"/bench/{kind}?count={count}")
    answer = connection.getresponse()
    if answer.status != 200:
        raise SystemExit(f"{origin} answered {answer.status}")
    sys.stdout.write(answer.read().decode())


if __name__ == "__main__":
    main()
