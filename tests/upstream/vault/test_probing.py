"""Whether a URL wants a token: what a service says when it is asked without one."""

import json

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.upstream.vault import Connected
from tests.support.standin import Asked, Said
from tests.upstream.vault.logins import AS, OIDC, PRM, ROOT_PRM, asked_for, refusal
from tests.upstream.vault.world import BROWSER, USER, World, fault

_F = UpstreamFault


@pytest.mark.requirement("I-01", "I-03", "I-04", "I-06", "I-16", "I-17")
async def test_a_url_leads_to_its_authorization_server(world: World) -> None:
    begun = await world.begin(world.upstream.url)

    assert begun.resource == world.upstream.url
    query = asked_for(begun)
    assert query["resource"] == [world.upstream.url]
    assert query["scope"] == ["read"]
    assert [(asked.method, asked.path) for asked in world.upstream.resource.asked] == [
        ("HEAD", "/mcp"),
        ("GET", PRM),
    ]
    assert [asked.path for asked in world.upstream.server.asked] == [AS, "/register"]


@pytest.mark.requirement("I-01")
async def test_the_probe_says_nothing_about_who_asks(world: World) -> None:
    await world.connect()
    await world.begin()

    for asked in world.upstream.resource.asked:
        assert not {"authorization", "cookie"} & set(asked.headers)


@pytest.mark.requirement("I-01", "I-02")
async def test_a_resource_that_wants_no_token_is_public_for_a_day(world: World) -> None:
    world.upstream.resource.pages["/mcp"] = Said(members={})
    url = world.upstream.url

    begun = await world.vault.begin_login(USER, url + "?x=1", browser=BROWSER)

    assert isinstance(begun, Connected)
    assert begun.provider.is_public
    assert begun.provider.resource == url
    found = await world.token()
    assert found.header is None
    world.clock.advance(86_400)
    assert (await world.token()).header is None
    assert world.upstream.resource.count("/mcp", "HEAD") == 2


@pytest.mark.requirement("I-02")
async def test_a_public_resource_turns_at_its_first_refusal(world: World) -> None:
    world.upstream.resource.pages["/mcp"] = Said(members={})
    await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)
    found = await world.token()

    again = await world.vault.report_rejection(USER, world.upstream.url, found.version)

    assert fault(again) is _F.REAUTHORIZATION_NEEDED
    # It still answers HEAD to anybody; nobody is fooled twice.
    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))
    assert (await world.token()).header == "Bearer access3"


@pytest.mark.requirement("I-02")
async def test_a_public_resource_that_wants_a_token_now_is_noticed_in_time(
    world: World,
) -> None:
    protected = world.upstream.resource.pages["/mcp"]
    world.upstream.resource.pages["/mcp"] = Said(members={})
    await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)
    world.clock.advance(86_400)
    world.upstream.resource.pages["/mcp"] = Said(503)
    assert await world.fault() is _F.UNREACHABLE
    world.upstream.resource.pages["/mcp"] = protected

    assert await world.fault() is _F.REAUTHORIZATION_NEEDED


@pytest.mark.requirement("I-01")
@pytest.mark.parametrize("status", [404, 405, 302, 501])
async def test_a_head_that_proves_nothing_is_followed_by_a_call(
    world: World, status: int
) -> None:
    protected = world.upstream.resource.pages["/mcp"]

    def answer(asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(status, headers=("Location: http://127.0.0.1:1/",))
        assert callable(protected)
        said = protected(asked)
        assert isinstance(said, Said)
        return said

    world.upstream.resource.pages["/mcp"] = answer

    await world.begin()

    assert world.upstream.resource.count("/mcp", "POST") == 1
    body = json.loads(world.upstream.resource.asked[1].body)
    assert body["method"] == "server/discover"


@pytest.mark.requirement("I-01")
async def test_an_older_server_is_asked_as_it_knows_it(world: World) -> None:
    def answer(asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(405)
        called = json.loads(asked.body)["method"]
        return Said(200 if called == "initialize" else 400)

    world.upstream.resource.pages["/mcp"] = answer

    begun = await world.vault.begin_login(USER, world.upstream.url, browser=BROWSER)

    assert isinstance(begun, Connected)
    assert begun.provider.is_public


@pytest.mark.requirement("I-01", "I-04")
async def test_who_says_nothing_but_publishes_metadata_is_protected(
    world: World,
) -> None:
    world.upstream.resource.pages["/mcp"] = Said(404)

    assert (await world.begin()).resource == world.upstream.url


async def test_who_says_nothing_at_all_cannot_be_connected(world: World) -> None:
    world.upstream.resource.pages = {"/mcp": Said(404)}

    assert await refusal(world) is _F.INCONCLUSIVE


@pytest.mark.requirement("I-10")
@pytest.mark.parametrize("answer", [Said(500), Said(429), Said(503), b"", b"x\r\n\r\n"])
@pytest.mark.parametrize("where", ["/mcp", PRM])
async def test_a_resource_that_fails_is_neither_public_nor_guessed_around(
    world: World, answer: Said | bytes, where: str
) -> None:
    world.upstream.resource.pages[where] = lambda asked: answer

    assert await refusal(world) in (_F.UNREACHABLE, _F.ANSWER_LOST)
    assert world.upstream.resource.count(ROOT_PRM) == 0
    assert world.upstream.server.asked == []


@pytest.mark.requirement("I-10")
async def test_a_server_that_fails_is_not_guessed_around(world: World) -> None:
    world.upstream.server.pages[AS] = Said(500)
    world.upstream.server.pages[OIDC] = Said(members=world.upstream.metadata())

    assert await refusal(world) is _F.UNREACHABLE
    assert world.upstream.server.count(OIDC) == 0
