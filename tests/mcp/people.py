"""People with an account, and what they do when a client asks for their permission."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import trio

from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from tests.mcp.form_browser import FormBrowser


def add_user(data: Path, name: str, password: str) -> None:
    """Make a local account, while the server runs, as `users add` does."""

    async def add() -> None:
        async with Provider(Settings(data=data)).open_server() as server:
            assert await server.create_user(name, password)

    # In a thread, as this one may run Trio already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(trio.run, add).result()


def person(issuer: str, name: str, password: str) -> Callable[[str], Awaitable[str]]:
    """Somebody who signs in and says yes: from the client's URL to where they are sent."""

    async def sign_in_and_consent(url: str) -> str:
        async with httpx2.AsyncClient(timeout=60) as http:
            browser = FormBrowser(http, issuer)
            await browser.open(url)
            await browser.submit({"username": name, "password": password})
            await browser.submit({"decision": "approve"})
        assert browser.left_for is not None
        return browser.left_for

    return sign_in_and_consent
