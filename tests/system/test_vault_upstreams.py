"""The vault towards an OpenID provider that no one here wrote, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

import httpx2
import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.provider import Provider
from actor_oauth.upstream.vault import Authorization, Connected, LoginRedirect, Vault
from tests.http.deployment import SettableClock, read_page
from tests.support.node import node_command, node_environment
from tests.upstream.vault.world import fault

ORIGIN = "http://127.0.0.1:8000"
CALLBACK = ORIGIN + "/oauth/callback/"
USER = "ada"
BROWSER = "what only ada's browser has"


@asynccontextmanager
async def protected_service(*options: str) -> AsyncIterator[str]:
    """Run the service and its provider; gives its URL."""
    async with trio.open_nursery() as nursery:
        run = partial(
            trio.run_process,
            node_command("protected_service.mjs", *options),
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


async def pass_its_pages(url: str) -> str:
    """Sign in and agree at the provider; gives where it leads back to."""
    async with httpx2.AsyncClient(timeout=60) as browser:
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
            fields = {**form.fields, "login": "ann", "password": "whatever"}
            answer = await browser.post(form.action, data=fields)


async def connect(vault: Vault, url: str) -> str:
    """Go the whole way; gives where the browser was sent."""
    begun = await vault.begin_login(USER, url, browser=BROWSER)
    assert isinstance(begun, LoginRedirect), begun
    back = httpx2.URL(await pass_its_pages(begun.url))
    answer = parse_form(back.query)
    assert isinstance(answer, Parameters)
    finished = await vault.finish_login(
        USER,
        answer,
        browser=BROWSER,
        redirect_uri=str(back.copy_with(query=None)),
    )
    assert isinstance(finished, Connected), finished
    return begun.url


@asynccontextmanager
async def open_vault_at(path: Path, clock: SettableClock) -> AsyncIterator[Vault]:
    settings = Settings(
        data=path, issuer=ORIGIN, vault_enabled=True, loopback_upstreams=True
    )
    async with Provider(settings, clock=clock).open() as running:
        assert running.vault is not None
        yield running.vault


async def token_of(vault: Vault, url: str) -> Authorization:
    found = await vault.get_authorization(USER, url)
    assert isinstance(found, Authorization), found
    return found


async def ask(url: str, header: str | None) -> int:
    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.get(url, headers={"Authorization": header or ""})
    return answer.status_code


async def happened(url: str) -> dict[str, int]:
    async with httpx2.AsyncClient(timeout=60) as client:
        counts: dict[str, int] = (await client.get(_beside(url, "/happened"))).json()
    return counts


def _beside(url: str, path: str) -> str:
    return url.removesuffix("/mcp") + path


@pytest.mark.needs("node22", "oidc-provider")
@pytest.mark.requirement("I-11", "I-13", "I-16", "I-17", "I-27", "I-31", "I-40")
@pytest.mark.parametrize("options", [(), ("insist-on-par",)])
async def test_a_life_with_a_real_openid_provider(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    clock = SettableClock()
    async with (
        protected_service(*options) as url,
        open_vault_at(tmp_path, clock) as vault,
    ):
        left = await connect(vault, url)
        assert "request_uri=" in left
        first = await token_of(vault, url)
        assert await ask(url, first.header) == 200
        assert await ask(url, None) == 401

        # Its refresh tokens rotate: each is good once.
        headers = [first.header]
        for _ in range(3):
            clock.advance(3400)
            headers.append((await token_of(vault, url)).header)
            assert await ask(url, headers[-1]) == 200
        assert len(set(headers)) == 4
        counts = await happened(url)
        assert counts["refresh_token.consumed"] == 3
        assert counts["registration_create.success"] == 1
        assert counts["pushed_authorization_request.success"] == 1

        # Its user ends the access there, and connects anew.
        async with httpx2.AsyncClient(timeout=60) as client:
            await client.get(_beside(url, "/end"))
        clock.advance(3400)
        assert fault(await vault.get_authorization(USER, url)) is (
            UpstreamFault.REAUTHORIZATION_NEEDED
        )
        [provider] = await vault.list_providers(USER)
        assert (provider.needs_authorization, provider.name) == (True, "Notes")
        await connect(vault, url)
        last = await token_of(vault, url)
        assert await ask(url, last.header) == 200
        assert (await happened(url))["registration_create.success"] == 1

        assert await vault.remove(USER, url)
        assert await ask(url, last.header) == 401
        assert (await happened(url))["grant.revoked"] >= 1
