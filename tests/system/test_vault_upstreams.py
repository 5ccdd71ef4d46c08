"""The vault towards an OpenID provider that no one here wrote, over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.provider import Provider
from actor_oauth.upstream.vault import Authorization, Connected, LoginRedirect, Vault
from tests.support.clocks import SettableClock
from tests.support.node import node_running
from tests.support.openid_provider import pass_its_pages
from tests.upstream.vault.world import fault

ORIGIN = "http://127.0.0.1:8000"
CALLBACK = ORIGIN + "/oauth/callback/"
USER = "ada"
BROWSER = "what only ada's browser has"


def protected_service(*options: str) -> AbstractAsyncContextManager[str]:
    """Run the service and its provider; gives its URL."""
    return node_running("protected_service.mjs", *options)


async def connect(vault: Vault, url: str) -> str:
    """Go the whole way; gives where the browser was sent."""
    begun = await vault.begin_login(USER, url, browser=BROWSER)
    assert isinstance(begun, LoginRedirect), begun
    back = httpx2.URL(await pass_its_pages(begun.url, "ann", callback=CALLBACK))
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
