"""Where the vault never asks, and where it never sends a browser."""

from pathlib import Path

import pytest
import trio
import trio.testing

from actor_oauth.oauth.upstream.failures import UpstreamFault
from tests.support.standin import Asked, Said, Upstream
from tests.upstream.vault.logins import AS, PRM, challenged, refusal
from tests.upstream.vault.world import World, open_world, without_loopback

_F = UpstreamFault


@pytest.mark.requirement("I-09", "I-34")
@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/mcp",
        "https://[fe80::1]/mcp",
        "https://2130706433/mcp",
    ],
)
async def test_a_private_address_is_never_asked(world: World, url: str) -> None:
    assert await refusal(world, url) is _F.ADDRESS_REFUSED


@pytest.mark.requirement("I-09")
async def test_metadata_cannot_lead_to_a_private_address(world: World) -> None:
    challenged(world, 'Bearer resource_metadata="https://10.0.0.1/secret"')
    assert await refusal(world) is _F.ADDRESS_REFUSED

    world.upstream.set_up()
    named = {
        **world.upstream.resource_metadata(),
        "authorization_servers": ["https://10.0.0.1"],
    }
    world.upstream.resource.pages[PRM] = Said(members=named)
    assert await refusal(world) is _F.ADDRESS_REFUSED


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize(
    "endpoint", ["javascript:alert(1)", "data:text/html,x", "http://a.example/x"]
)
async def test_a_browser_is_only_sent_to_https(world: World, endpoint: str) -> None:
    lying = {**world.upstream.metadata(), "authorization_endpoint": endpoint}
    world.upstream.server.pages[AS] = Said(members=lying)

    assert await refusal(world) is _F.ENDPOINT_REFUSED


@pytest.mark.parametrize(
    "url", ["", "nonsense", "ftp://a.example", "http://a.example/mcp", "https://u@a.b/"]
)
async def test_what_is_no_https_url_is_refused(world: World, url: str) -> None:
    assert await refusal(world, url or "x") is _F.URL_REFUSED
    assert world.upstream.resource.asked == []


async def test_in_production_this_machine_is_not_asked(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with open_world(tmp_path, upstream, policy=without_loopback()) as world:
        assert await refusal(world) is _F.URL_REFUSED
    assert upstream.resource.asked == []


async def test_a_resource_that_never_answers_is_given_up(
    world: World, autojump_clock: trio.testing.MockClock
) -> None:
    async def never(asked: Asked) -> Said:
        await trio.sleep(3600)
        return Said()

    world.upstream.resource.pages["/mcp"] = never

    assert await refusal(world) is _F.ANSWER_LOST
