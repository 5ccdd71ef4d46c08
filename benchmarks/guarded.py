"""A provider with an echo behind its guard: what an access check costs.

    python -m benchmarks.guarded --data DIR

Prints `listening on URL` on standard error, and serves until it is terminated. The echo
is at `/mcp`, where the example MCP server would be.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import trio

from actor_oauth.cli.listen import bind
from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from benchmarks.echo import asgi_echo


def main(arguments: list[str] | None = None) -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="benchmarks.guarded", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args(arguments)
    fd, settings = bind(Settings(data=options.data, port=0))
    provider = Provider(settings)
    provider.protect(asgi_echo, path="/mcp")
    trio.run(partial(provider.serve, fd=fd, announce=_announce))


def _announce(issuer: str) -> None:
    print(f"listening on {issuer}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
