"""Access checks without HTTP: what an application in the provider's process can have.

    python -m actor_oauth.bench.throughput.in_process SECONDS < settings.json

Prints how many checks of an access token there were per second of this process's CPU
time, one after the other: on a busy machine that measures the check, where the clock
would measure the other programs.
"""

import sys
from time import process_time
from typing import Final

import trio

from actor_oauth.bench.helper_grants import open_helper
from actor_oauth.config import Settings, configure_logging
from actor_oauth.provider import Provider
from actor_oauth.runtime import SystemEntropy

_AT_ONCE: Final = 100


async def checks_per_second(settings: Settings, seconds: float) -> float:
    """Check for so long.

    Args:
        settings: Of a provider whose data directory may be empty.
        seconds: How long.
    """
    async with Provider(settings).open() as running:
        server = running.server
        helper = await open_helper(server, SystemEntropy())
        tokens = await helper.grant("bench")
        begun, count = process_time(), 0
        deadline = trio.current_time() + seconds
        while trio.current_time() < deadline:
            for _ in range(_AT_ONCE):
                found = await server.validate_token(
                    tokens.resource, tokens.access_token
                )
                assert found is not None
            count += _AT_ONCE
        return count / (process_time() - begun)


def main() -> None:
    """Read the settings, and measure."""
    settings = Settings.model_validate_json(sys.stdin.buffer.readline())
    # Standard output is for what was found, and nothing else.
    configure_logging(settings.log_level, settings.log_format, sys.stderr)
    found = trio.run(checks_per_second, settings, float(sys.argv[1]))
    sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main()
