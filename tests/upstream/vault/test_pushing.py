"""Servers that want authorization requests pushed to them, or offer it (RFC 9126)."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.upstream.vault import LoginRedirect
from tests.support.standin import Asked, Said, Upstream
from tests.upstream.vault.world import BROWSER, USER, World, fault

AS = "/.well-known/oauth-authorization-server"
NAME = "urn:ietf:params:oauth:request_uri:1"


def pushing(upstream: Upstream, *, required: bool, **changes: object) -> list[Asked]:
    """Have the server take pushed requests; gives those that come."""
    pushed: list[Asked] = []

    def take(asked: Asked) -> Said:
        pushed.append(asked)
        return Said(201, {"request_uri": NAME, "expires_in": 60})

    upstream.server.pages["/par"] = take
    upstream.server.pages[AS] = Said(
        members={
            **upstream.metadata(),
            "pushed_authorization_request_endpoint": upstream.server.url + "/par",
            "require_pushed_authorization_requests": required,
            **changes,
        }
    )
    return pushed


def resolved(upstream: Upstream, location: str, pushed: Asked) -> str:
    """What the server makes of the name that the browser brings."""
    query = dict(parse_qsl(urlsplit(location).query, strict_parsing=True))
    assert query == {"client_id": pushed.form["client_id"], "request_uri": NAME}
    return f"{upstream.server.url}/authorize?{urlencode(pushed.form)}"


@pytest.mark.requirement("I-15", "I-16")
@pytest.mark.parametrize("required", [True, False])
async def test_a_request_is_pushed_where_it_can_be(
    world: World, *, required: bool
) -> None:
    pushed = pushing(world.upstream, required=required)

    begun = await world.begin()

    [asked] = pushed
    assert asked.basic == ("client1", "s")
    assert asked.form["resource"] == world.upstream.url
    assert asked.form["code_challenge_method"] == "S256"
    location = resolved(world.upstream, begun.url, asked)
    finished = await world.finish(world.upstream.approve(location))
    assert (await world.token()).header == "Bearer access3", finished


async def test_who_insists_and_says_not_where_cannot_be_used(world: World) -> None:
    bad = "http://elsewhere.example/par"
    pushing(world.upstream, required=True, pushed_authorization_request_endpoint=bad)

    assert fault(await _begin(world)) is UpstreamFault.ENDPOINT_REFUSED


@pytest.mark.requirement("I-10")
@pytest.mark.parametrize("answer", [Said(503), Said(429), b""])
async def test_an_endpoint_that_fails_is_not_gone_around(
    world: World, answer: Said | bytes
) -> None:
    pushing(world.upstream, required=False)
    world.upstream.server.pages["/par"] = lambda asked: answer

    begun = await _begin(world)
    assert fault(begun) in (UpstreamFault.UNREACHABLE, UpstreamFault.ANSWER_LOST)


async def test_who_does_not_insist_and_refuses_gets_it_by_the_browser(
    world: World,
) -> None:
    pushing(world.upstream, required=False)
    world.upstream.server.pages["/par"] = Said(400, {"error": "invalid_request"})

    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))

    assert (await world.token()).header == "Bearer access3"


@pytest.mark.requirement("I-14")
async def test_a_server_that_has_forgotten_us_is_registered_at_once_more(
    world: World,
) -> None:
    pushed = pushing(world.upstream, required=True)
    known = world.upstream.server.pages["/par"]
    assert callable(known)

    def forgetful(asked: Asked) -> Said:
        if asked.form["client_id"] == "client1":
            return Said(401, {"error": "invalid_client"})
        pushed.append(asked)
        return Said(201, {"request_uri": NAME, "expires_in": 60})

    world.upstream.server.pages["/par"] = forgetful
    await world.begin()
    assert [asked.form["client_id"] for asked in pushed] == ["client2"]

    world.upstream.server.pages["/par"] = Said(401, {"error": "invalid_client"})
    assert fault(await _begin(world)) is UpstreamFault.CLIENT_REJECTED
    # Client 2, and once a new one.
    assert world.upstream.server.count("/register") == 3


async def _begin(world: World) -> object:
    begun = await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)
    assert not isinstance(begun, LoginRedirect)
    return begun
