"""Puts many users on disk, each with a grant: the program that does it.

    python -m actor_oauth.bench.make_users COUNT SAMPLE < settings.json

Prints the client, and tokens of SAMPLE of the users, spread evenly over all.
"""

import json
import sys
from collections.abc import Iterator
from typing import Final

import trio

from actor_oauth.bench.helper_grants import HelperGrants, open_helper
from actor_oauth.config import Settings, configure_logging
from actor_oauth.provider import Provider
from actor_oauth.runtime import SystemEntropy

# More only wait for each other.
_AT_ONCE: Final = 64


async def make_users(
    settings: Settings, count: int, sample: int
) -> tuple[str, list[tuple[str, str]]]:
    """Make users.

    Args:
        settings: Of a provider.
        count: How many.
        sample: Of how many the tokens are wanted.

    Returns:
        The client, and pairs of refresh and access token.
    """
    wanted = {number * count // sample for number in range(sample)}
    tokens: list[tuple[str, str]] = []
    async with Provider(settings).open() as running:
        helper = await open_helper(running.server, SystemEntropy())
        numbers = iter(range(count))
        async with trio.open_nursery() as nursery:
            for _ in range(_AT_ONCE):
                nursery.start_soon(_make, helper, numbers, wanted, tokens)
    return helper.client_id, tokens


async def _make(
    helper: HelperGrants,
    numbers: Iterator[int],
    wanted: set[int],
    tokens: list[tuple[str, str]],
) -> None:
    for number in numbers:
        made = await helper.grant(f"user{number}")
        if number in wanted:
            tokens.append((made.refresh_token or "", made.access_token))


def main() -> None:
    """Read the settings, and make them."""
    settings = Settings.model_validate_json(sys.stdin.buffer.readline())
    # Standard output is for what was found, and nothing else.
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    count, sample = int(sys.argv[1]), int(sys.argv[2])
    client_id, tokens = trio.run(make_users, settings, count, sample)
    sys.stdout.write(json.dumps({"client_id": client_id, "tokens": tokens}))


if __name__ == "__main__":
    main()
