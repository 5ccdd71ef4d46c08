"""Every client of the compatibility page, from its first request to its last refresh."""

import re
from pathlib import Path

import pytest

from actor_oauth.oauth.grants import ROUNDING
from tests.clients.agent import Agent, Shop
from tests.clients.profiles import PROFILES, Profile

PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"

each_profile = pytest.mark.parametrize(
    "profile", PROFILES, ids=[profile.id for profile in PROFILES]
)


@each_profile
@pytest.mark.requirement("A-05", "A-10", "C-08", "D-25", "G-07")
async def test_it_connects_calls_and_refreshes(profile: Profile, shop: Shop) -> None:
    agent = Agent(shop, profile)
    await agent.connect()
    assert (await agent.call()).json()["user"] == "ada"
    asked = agent.scope().split()
    granted = agent.tokens["scope"].split()
    assert set(granted) == set(asked or ["notes:read"])

    shop.clock.advance(int(agent.tokens["expires_in"]) + ROUNDING)
    assert (await agent.call()).status_code == 401
    refreshed = await agent.refresh()
    assert refreshed.status_code == 200, refreshed.text
    assert refreshed.json()["scope"].split() == granted
    agent.tokens = refreshed.json()
    assert (await agent.call()).json()["scope"].split() == granted


def test_the_page_and_the_profiles_name_the_same_clients() -> None:
    table = PAGE.read_text().partition("<!-- clients -->")[2].partition("<!-- /")[0]
    rows = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]
    assert rows == list(dict.fromkeys(profile.name for profile in PROFILES))
