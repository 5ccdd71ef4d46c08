"""The documented Caddy, for real."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actor_oauth.bench.leash import leashed
from tests.support.programs import find_program
from tests.system.proxies import Places, check_step_up, check_who_passes, documented

pytestmark = pytest.mark.needs("caddy")

OPTIONS = "{\n\tadmin off\n\tauto_https off\n}\n"


@contextmanager
def caddy(folder: Path, places: Places) -> Iterator[None]:
    """Run Caddy with the site of the page."""
    program = find_program("caddy")
    assert program is not None
    site = documented(
        "caddy",
        ("notes.example {", f"http://127.0.0.1:{places.port} {{"),
        ("uri /auth/check", f"uri /auth/check{places.query}"),
        ("127.0.0.1:8000", places.provider.removeprefix("http://")),
        ("127.0.0.1:8001", places.backend.removeprefix("http://")),
    )
    file = folder / "Caddyfile"
    file.write_text(OPTIONS + site)
    with subprocess.Popen(
        leashed(str(program), "run", "--config", str(file)),
        env={
            **os.environ,
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        },
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.requirement("G-01", "G-03", "G-07", "G-08", "G-11")
async def test_the_documented_caddy_lets_through_whom_the_guard_would(
    tmp_path: Path,
) -> None:
    await check_who_passes(tmp_path, caddy)


@pytest.mark.requirement("G-08")
async def test_caddy_hands_on_the_challenge_of_a_location_that_wants_more_scopes(
    tmp_path: Path,
) -> None:
    await check_step_up(tmp_path, caddy)
