"""Signing in with an OpenID provider that no one here wrote, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

import httpx2
import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.provider import Provider
from tests.http.deployment import Browser, read_page
from tests.support.node import node_command, node_environment

ORIGIN = "http://127.0.0.1:8000"
CALLBACK = ORIGIN + "/login/callback/idp"


@asynccontextmanager
async def openid_provider() -> AsyncIterator[str]:
    """Run the provider; gives its issuer."""
    command = node_command("openid_provider.mjs", "us", "secret", CALLBACK)
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


async def pass_its_pages(url: str, login: str) -> str:
    """Sign in and agree at the provider; gives where it leads back to."""
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(url)
        while True:
            if answer.is_redirect:
                location = str(answer.url.join(answer.headers["location"]))
                if location.startswith(CALLBACK):
                    return location
                answer = await browser.get(location)
                continue
            assert answer.status_code == 200, answer.text
            form = read_page(answer).forms[0]
            fields = {**form.fields, "login": login, "password": "whatever"}
            answer = await browser.post(form.action, data=fields)


@pytest.mark.needs("node22", "oidc-provider")
@pytest.mark.parametrize(("login", "admitted"), [("ann", True), ("eve", False)])
async def test_a_person_signs_in_with_a_real_openid_provider(
    tmp_path: Path, login: str, *, admitted: bool
) -> None:
    async with openid_provider() as issuer:
        settings = Settings.model_validate(
            {
                "issuer": ORIGIN,
                "data": tmp_path,
                "loopback_upstreams": True,
                "login_providers": [
                    {
                        "name": "idp",
                        "kind": "oidc",
                        "issuer": issuer,
                        "client_id": "us",
                        "client_secret": "secret",
                        "method": "client_secret_basic",
                        "users": ["ann@people.example"],
                    }
                ],
            }
        )
        async with Provider(settings).open() as running:
            browser = Browser(running.app, ORIGIN, address="127.0.0.1")
            departure = await browser.submit(await browser.get("/login"))
            url = read_page(departure).refresh
            assert url is not None
            assert url.startswith(issuer)
            back = await pass_its_pages(url, login)
            answer = await browser.get(back.removeprefix(ORIGIN))
            assert answer.status_code == (303 if admitted else 403), answer.text
            account = await browser.get("/account")
            assert (account.status_code == 200) == admitted
            exists = running.server.federated_user_id(issuer, login)
            assert await running.server.user_exists(exists) == admitted
