"""People with an account, and what they do when a client asks for their permission."""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from tests.mcp.form_browser import FormBrowser


def add_user(data: Path, name: str, password: str) -> None:
    """Make a local account by the command line, while the server runs."""
    subprocess.run(
        [
            *(sys.executable, "-m", "actor_oauth", "users", "add", name),
            *("--password-stdin", "--data", str(data)),
        ],
        input=f"{password}\n".encode(),
        check=True,
        capture_output=True,
    )


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
