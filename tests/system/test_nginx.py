"""The documented nginx, for real."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actor_oauth.bench.leash import leashed
from tests.support.programs import find_program
from tests.system.proxies import Places, check_step_up, check_who_passes, documented

pytestmark = pytest.mark.needs("nginx")

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@contextmanager
def nginx(folder: Path, places: Places) -> Iterator[None]:
    """Run nginx with the server of the page."""
    program = find_program("nginx")
    assert program is not None
    server = documented(
        "nginx",
        ("listen 443 ssl;", f"listen 127.0.0.1:{places.port};"),
        ("/auth/check;", f"/auth/check{places.query};"),
        ("http://127.0.0.1:8000", places.provider),
        ("http://127.0.0.1:8001", places.backend),
    )
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, server=server))
    with subprocess.Popen(
        leashed(str(program), "-p", str(folder), "-c", str(file))
    ) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.mark.requirement("G-01", "G-03", "G-07", "G-08", "G-11")
async def test_the_documented_nginx_lets_through_whom_the_guard_would(
    tmp_path: Path,
) -> None:
    await check_who_passes(tmp_path, nginx)


@pytest.mark.requirement("G-08")
async def test_nginx_hands_on_the_challenge_of_a_location_that_wants_more_scopes(
    tmp_path: Path,
) -> None:
    await check_step_up(tmp_path, nginx)
