"""The examples, run as the programs that they are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actor_oauth.bench.leash import leashed

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def running(name: str, data: Path, port: int, **settings: str) -> Iterator[str]:
    """Run an example until it says where it listens; gives the issuer."""
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "ACTOR_OAUTH_PORT": str(port),
        "ACTOR_OAUTH_DATA": str(data),
        **settings,
    }
    with subprocess.Popen(
        leashed(sys.executable, str(EXAMPLES / name)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()
