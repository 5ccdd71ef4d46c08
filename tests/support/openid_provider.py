"""An OpenID provider that no one here wrote, and people who sign in there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from subprocess import PIPE, Popen

import httpx2
import trio

from tests.http.deployment import read_page
from tests.support.node import node_command, node_environment


@asynccontextmanager
async def openid_provider(callback: str) -> AsyncIterator[str]:
    """Run the provider; gives its issuer.

    Args:
        callback: The redirect URI of its one client, `us`, with the secret `secret`.
    """
    command = node_command("openid_provider.mjs", "us", "secret", callback)
    async with trio.open_nursery() as nursery:
        run = partial(
            trio.run_process,
            command,
            stdin=PIPE,
            stdout=PIPE,
            env=node_environment(),
            check=False,
        )
        process: trio.Process = await nursery.start(run)
        assert process.stdin is not None
        assert process.stdout is not None
        line = b""
        with trio.fail_after(60):
            while b"\n" not in line:
                chunk = await process.stdout.receive_some()
                assert chunk, "the provider ended"
                line += chunk
        yield line.decode().strip()
        await process.stdin.aclose()


async def pass_its_pages(url: str, login: str, *, callback: str) -> str:
    """Sign in and agree at the provider; gives where it leads back to."""
    async with httpx2.AsyncClient(timeout=60) as browser:
        answer = await browser.get(url)
        while True:
            if answer.is_redirect:
                location = str(answer.url.join(answer.headers["location"]))
                if location.startswith(callback):
                    return location
                answer = await browser.get(location)
                continue
            assert answer.status_code == 200, answer.text
            form = read_page(answer).forms[0]
            fields = {**form.fields, "login": login, "password": "whatever"}
            answer = await browser.post(form.action, data=fields)


@contextmanager
def openid_provider_running(callback: str) -> Iterator[str]:
    """As `openid_provider`, for tests without an event loop."""
    command = node_command("openid_provider.mjs", "us", "secret", callback)
    with Popen(
        command, stdin=PIPE, stdout=PIPE, env=node_environment(), text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
