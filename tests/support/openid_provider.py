"""An OpenID provider that no one here wrote, and people who sign in there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from subprocess import PIPE, Popen

import httpx2

from tests.http.deployment import read_page
from tests.support.node import node_command, node_environment, node_running


@asynccontextmanager
async def openid_provider(callback: str) -> AsyncIterator[str]:
    """Run the provider; gives its issuer.

    Args:
        callback: The redirect URI of its one client, `us`, with the secret `secret`.
    """
    arguments = ("us", "secret", callback)
    async with node_running("openid_provider.mjs", *arguments) as issuer:
        yield issuer


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
