"""The steps of connecting elsewhere as the guide shows them, word for word, without a vault."""

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.upstream.steps import (
    Attempt,
    Departure,
    UpstreamFailed,
    UpstreamTokens,
)
from actor_oauth.upstream.vault import Connected
from tests.support.standin import Said, Upstream, query_text
from tests.upstream.vault.world import USER, World, fault

GUIDE = Path(__file__).parents[3] / "docs" / "vault.md"

Traded = UpstreamTokens | UpstreamFailed


class Program(Protocol):
    """What the guide's program defines."""

    async def begin(self, url: str) -> tuple[Departure, str] | UpstreamFailed: ...
    async def finish(self, attempt: Attempt, query: bytes) -> Traded: ...
    async def renew(self, tokens: UpstreamTokens, attempt: Attempt) -> Traded: ...


@pytest.fixture
def program() -> Program:
    part = GUIDE.read_text().partition("## Step by step")[2].partition("\n## ")[0]
    [text] = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    # The stand-in is on this machine, where no program looks unless it is told to.
    text = text.replace("Fetcher()", "Fetcher(loopback=True)")
    text = text.replace("url, asked)", "url, asked, loopback=True)")
    module = ModuleType("guide")
    exec(text, vars(module))
    return cast("Program", module)


@pytest.mark.requirement("I-16", "I-18", "I-21")
async def test_the_guides_program_gets_tokens_and_renews_them(
    program: Program, upstream: Upstream
) -> None:
    begun = await program.begin(upstream.url)
    assert isinstance(begun, tuple), begun
    departure, location = begun
    back = upstream.approve(location)
    assert back["state"] == departure.state
    forged = query_text({**back, "iss": "https://evil.example"})
    refused = await program.finish(departure.attempt, forged)
    assert fault(refused) is UpstreamFault.CALLBACK_ISSUER_WRONG
    tokens = await program.finish(departure.attempt, query_text(back))
    assert isinstance(tokens, UpstreamTokens)
    renewed = await program.renew(tokens, departure.attempt)
    assert isinstance(renewed, UpstreamTokens)
    assert renewed.access_token != tokens.access_token
    trades = [each for each in upstream.server.asked if each.path == "/token"]
    assert [each.form["resource"] for each in trades] == [upstream.url] * 2


@pytest.mark.requirement("I-27", "I-33")
async def test_tokens_that_were_got_step_by_step_can_be_left_to_a_vault(
    program: Program, world: World
) -> None:
    upstream, vault = world.upstream, world.vault
    begun = await program.begin(upstream.url)
    assert isinstance(begun, tuple), begun
    departure, location = begun
    query = query_text(upstream.approve(location))
    tokens = await program.finish(departure.attempt, query)
    assert isinstance(tokens, UpstreamTokens)
    now = world.clock.now()
    tokens = replace(tokens, obtained_at=now, expires_at=now + 1000)

    kept = await vault.keep(USER, departure.attempt, tokens)
    assert isinstance(kept, Connected), kept
    assert (kept.provider.resource, kept.provider.name) == (upstream.url, "127.0.0.1")
    assert (await world.token()).header == f"Bearer {tokens.access_token}"
    world.clock.advance(800)
    assert (await world.token()).header != f"Bearer {tokens.access_token}"
    assert upstream.refreshes == 1

    elsewhere = replace(departure.attempt, resource="file:///etc/passwd")
    refused = await vault.keep(USER, elsewhere, tokens)
    assert fault(refused) is UpstreamFault.URL_REFUSED


async def test_where_nobody_can_register_the_program_is_told_so(
    program: Program, upstream: Upstream
) -> None:
    members = upstream.metadata()
    del members["registration_endpoint"]
    where = "/.well-known/oauth-authorization-server"
    upstream.server.pages[where] = Said(members=members)
    begun = await program.begin(upstream.url)
    assert fault(begun) is UpstreamFault.REGISTRATION_UNAVAILABLE
