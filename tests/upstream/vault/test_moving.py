"""Tokens of another manager are moved into a vault as the guide shows, word for word."""

import re
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import pytest

from actor_oauth.upstream.steps import CallMeans, UpstreamFailed
from actor_oauth.upstream.vault import Connected, Vault
from tests.upstream.vault.world import USER, World

GUIDE = Path(__file__).parents[3] / "docs" / "coming-from.md"


class Program(Protocol):
    """What the guide's program defines."""

    async def move(
        self, vault: Vault, user_id: str, row: dict[str, str], callback: str
    ) -> Connected | UpstreamFailed: ...


@pytest.fixture
def program() -> Program:
    [text] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    # The stand-in is on this machine, where no program looks unless it is told to.
    text = text.replace("Fetcher()", "Fetcher(loopback=True)")
    text = text.replace("asked)\n    if", "asked, loopback=True)\n    if")
    text = text.replace("client_secret_post", "client_secret_basic")  # as it wants it
    module = ModuleType("guide")
    exec(text, vars(module))
    return cast("Program", module)


@pytest.mark.requirement("I-27", "I-30")
async def test_what_another_manager_held_is_used_and_renewed_from_now_on(
    program: Program, world: World
) -> None:
    upstream = world.upstream
    upstream.issue()
    vars(program)["means"] = CallMeans(clock=world.clock)
    row = {
        "resource_url": upstream.url,
        "client_id": "client",
        "client_secret": "s",
        "access_token": "access1",
        "refresh_token": "refresh1",
    }

    moved = await program.move(world.vault, USER, row, "https://old.example/callback")

    assert isinstance(moved, Connected), moved
    assert (await world.token()).header == "Bearer access2"
    assert upstream.refreshes == 1
