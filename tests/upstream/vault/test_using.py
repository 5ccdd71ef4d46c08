"""Using what is connected: the right token, and what follows when it is refused."""

from collections.abc import Sequence
from dataclasses import replace

import httpx2
import pytest
import trio

from actor_oauth.oauth.upstream.challenges import parse_www_authenticate
from actor_oauth.oauth.upstream.credentials import CredentialState
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault import Authorization
from actor_oauth.upstream.vault.http_auth import NotConnectedError, VaultAuth
from tests.support.standin import Said
from tests.upstream.vault.logins import asked_for
from tests.upstream.vault.world import BROWSER, USER, World, fault

_F = UpstreamFault


@pytest.mark.requirement("I-33", "I-34")
async def test_the_token_goes_to_what_is_below_its_resource_only(world: World) -> None:
    await world.connect()
    url, origin = world.upstream.url, world.upstream.resource.url

    for below in (url, url + "/", url + "/tools?x=1", url + "/a/../b"):
        found = await world.vault.get_authorization(USER, below)
        assert isinstance(found, Authorization), below
        assert found.resource == url
    for elsewhere in (
        origin,
        url + "2",
        url + "/../other",
        url + "/%2e%2e/other",
        url.replace("http://", "https://"),
        url.replace("127.0.0.1", "localhost"),
        "nonsense",
    ):
        found = await world.vault.get_authorization(USER, elsewhere)
        assert fault(found) is _F.NOT_CONNECTED, elsewhere


@pytest.mark.requirement("I-39")
async def test_nobody_sees_or_removes_what_is_another_users(world: World) -> None:
    await world.connect()

    assert await world.fault(user="mallory") is _F.NOT_CONNECTED
    assert await world.vault.list_providers("mallory") == ()
    assert not await world.vault.remove("mallory", world.upstream.url)
    assert isinstance(await world.token(), Authorization)


@pytest.mark.requirement("I-33")
async def test_providers_are_listed_for_urls(world: World) -> None:
    await world.connect()
    world.upstream.resource.pages["/open"] = Said()
    opened = world.upstream.resource.url + "/open"
    await world.vault.begin_login(USER, opened, browser=BROWSER)

    async def listed(*urls: str) -> list[str]:
        found = await world.vault.list_providers(USER, urls)
        return [provider.resource for provider in found]

    url = world.upstream.url
    assert await listed() == []
    assert await listed(url + "/tools") == [url]
    assert await listed(url, opened, url, "nonsense") == [opened, url]
    assert len(await world.vault.list_providers(USER)) == 2


@pytest.mark.requirement("I-39")
async def test_the_list_holds_nothing_secret(world: World) -> None:
    await world.connect()

    [provider] = await world.vault.list_providers(USER)

    assert provider.resource == world.upstream.url
    assert provider.issuer == world.upstream.server.url
    assert provider.state is CredentialState.CONNECTED
    assert str(provider.scope) == "read"
    assert provider.created_at == world.clock.now()
    assert provider.expires_at == world.clock.now() + 3600
    assert not provider.needs_authorization
    for secret in ("access3", "refresh3"):
        assert secret not in repr(provider)
        assert secret not in repr(await world.token())


@pytest.mark.requirement("I-40")
async def test_removing_revokes_the_refresh_token_first(world: World) -> None:
    await world.connect()

    assert await world.vault.remove(USER, world.upstream.url)
    assert world.upstream.revoked == ["refresh3", "access3"]
    assert not await world.vault.remove(USER, world.upstream.url)
    assert await world.fault() is _F.NOT_CONNECTED


@pytest.mark.requirement("I-40", "H-08")
async def test_all_of_a_users_connections_are_removed_likewise(world: World) -> None:
    await world.connect()

    await world.vault.remove_all("mallory")
    assert await world.vault.list_providers(USER) != ()
    await world.vault.remove_all(USER)
    assert world.upstream.revoked == ["refresh3", "access3"]
    assert await world.vault.list_providers(USER) == ()


@pytest.mark.requirement("I-40")
@pytest.mark.parametrize("answer", [Said(503), Said(404), b""])
async def test_what_is_removed_is_removed_whatever_the_other_server_says(
    world: World, answer: Said | bytes
) -> None:
    await world.connect()
    world.upstream.server.pages["/revoke"] = lambda asked: answer

    assert await world.vault.remove(USER, world.upstream.url)
    assert await world.vault.list_providers(USER) == ()


async def test_a_server_that_hangs_does_not_hold_up_a_removal(world: World) -> None:
    await world.connect()
    go_on = trio.Event()

    async def hang(asked: object) -> Said:
        await go_on.wait()
        return Said()

    world.upstream.server.pages["/revoke"] = hang
    with trio.fail_after(60):
        assert await world.vault.remove(USER, world.upstream.url)
    assert world.upstream.server.count("/revoke") == 1
    go_on.set()


async def test_what_has_nothing_to_revoke_is_just_removed(world: World) -> None:
    world.upstream.resource.pages["/open"] = Said()
    url = world.upstream.resource.url + "/open"
    await world.vault.begin_login(USER, url, browser="x")

    assert await world.vault.remove(USER, url)
    without = {**world.upstream.metadata(), "revocation_endpoint": None}
    world.upstream.server.pages["/.well-known/oauth-authorization-server"] = Said(
        members=without
    )
    await world.connect()
    assert await world.vault.remove(USER, world.upstream.url)
    assert world.upstream.revoked == []


@pytest.mark.requirement("I-26")
async def test_refreshing_is_for_what_ends_soon_unless_forced(world: World) -> None:
    await world.connect()
    url = world.upstream.url

    [lazy] = (await world.vault.refresh(USER, [url, url])).values()
    assert world.upstream.refreshes == 0
    [forced] = (await world.vault.refresh(USER, [url], force=True)).values()

    assert isinstance(lazy, Authorization)
    assert isinstance(forced, Authorization)
    assert (lazy.header, forced.header) == ("Bearer access3", "Bearer access4")
    missing = await world.vault.refresh(USER, ["https://x.example"], force=True)
    assert fault(missing["https://x.example"]) is _F.NOT_CONNECTED
    with pytest.raises(ValueError, match="at most"):
        await world.vault.refresh(USER, [f"https://x.example/{n}" for n in range(101)])


@pytest.mark.requirement("I-28", "M-16")
async def test_many_who_force_it_at_once_get_one_new_token(world: World) -> None:
    await world.connect()
    answers: list[object] = []

    async def force() -> None:
        found = await world.vault.refresh(USER, [world.upstream.url], force=True)
        answers.extend(found.values())

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(force)

    assert {getattr(answer, "header", None) for answer in answers} == {"Bearer access4"}
    assert world.upstream.refreshes == 1


@pytest.mark.requirement("I-35")
async def test_a_refused_token_is_replaced_once_for_all_who_report_it(
    world: World,
) -> None:
    first = await world.connect()
    answers: list[object] = []

    async def report() -> None:
        answers.append(
            await world.vault.report_rejection(USER, world.upstream.url, first.version)
        )

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(report)
    # Somebody comes late: there is a newer one already.
    await report()

    assert {getattr(answer, "header", None) for answer in answers} == {"Bearer access4"}
    assert world.upstream.refreshes == 1


@pytest.mark.requirement("I-35")
async def test_if_the_new_token_is_refused_too_only_the_user_can_help(
    world: World,
) -> None:
    first = await world.connect()
    url = world.upstream.url
    second = await world.vault.report_rejection(USER, url, first.version)
    assert isinstance(second, Authorization)

    third = await world.vault.report_rejection(USER, url, second.version)

    assert fault(third) is _F.REAUTHORIZATION_NEEDED
    [provider] = await world.vault.list_providers(USER)
    assert provider.needs_authorization
    assert world.upstream.refreshes == 1


@pytest.mark.requirement("I-35")
async def test_a_token_that_was_good_for_a_while_is_replaced_again(
    world: World,
) -> None:
    url = world.upstream.url
    found = await world.connect()
    for _ in range(3):
        world.clock.advance(400)
        again = await world.vault.report_rejection(USER, url, found.version)
        assert isinstance(again, Authorization)
        found = again

    assert world.upstream.refreshes == 3


async def test_a_refused_token_without_a_successor_needs_the_user(world: World) -> None:
    world.upstream.answers = [
        Said(members={"access_token": "a", "token_type": "Bearer"})
    ]
    begun = await world.begin()
    await world.finish(world.upstream.approve(begun.url))
    found = await world.token()

    again = await world.vault.report_rejection(USER, world.upstream.url, found.version)

    assert fault(again) is _F.REAUTHORIZATION_NEEDED
    nobody = await world.vault.report_rejection(USER, "https://x.example", (1, 0))
    assert fault(nobody) is _F.NOT_CONNECTED


def lacking(*scopes: str) -> Sequence[str]:
    return [f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"']


@pytest.mark.requirement("I-36")
async def test_a_lacking_scope_is_asked_for_beside_what_there_was(world: World) -> None:
    await world.connect()
    url = world.upstream.url

    where = await world.vault.report_lacking_scope(
        USER, url, parse_www_authenticate(lacking("write", "admin"))
    )

    assert where == world.vault.login_url(url)
    begun = await world.begin()
    assert asked_for(begun)["scope"] == ["read write admin"]
    await world.finish(world.upstream.approve(begun.url))
    # Asked for once; the next sign-in asks for what the resource wants.
    assert asked_for(await world.begin())["scope"] == ["read"]


@pytest.mark.requirement("I-36")
async def test_the_same_scope_is_asked_for_three_times_a_day(world: World) -> None:
    await world.connect()

    async def ask(*scopes: str) -> str | UpstreamFailed:
        challenges = parse_www_authenticate(lacking(*scopes))
        return await world.vault.report_lacking_scope(
            USER, world.upstream.url, challenges
        )

    for _ in range(3):
        assert isinstance(await ask("write"), str)
    assert fault(await ask("write")) is _F.SCOPE_REFUSED
    assert isinstance(await ask("other"), str)
    world.clock.advance(86_400)
    assert isinstance(await ask("write"), str)


async def test_a_refusal_that_names_no_scope_leads_nowhere(world: World) -> None:
    await world.connect()
    for challenges in ([], lacking()):
        refused = await world.vault.report_lacking_scope(
            USER, world.upstream.url, parse_www_authenticate(challenges)
        )
        assert fault(refused) is _F.SCOPE_REFUSED
    nobody = await world.vault.report_lacking_scope(USER, "https://x.example", ())
    assert fault(nobody) is _F.NOT_CONNECTED


def client(world: World, user: str = USER) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(auth=VaultAuth(world.vault, user))


async def test_an_http_client_brings_the_token_of_each_url(world: World) -> None:
    await world.connect()
    world.upstream.resource.pages["/open"] = Said(members={})
    public = world.upstream.resource.url + "/open"
    await world.vault.begin_login(USER, public, browser="x")

    async with client(world) as http:
        answer = await http.post(world.upstream.url, json={})
        await http.get(public)

    assert answer.json() == {"you": "access3"}
    assert "authorization" not in world.upstream.resource.asked[-1].headers


@pytest.mark.requirement("I-35")
async def test_an_http_client_replaces_a_refused_token_once(world: World) -> None:
    await world.connect()
    async with client(world) as http:
        world.upstream.current["refresh3"] = "another"
        answer = await http.get(world.upstream.url)
        assert answer.json() == {"you": "access4"}

        world.upstream.resource.pages["/mcp"] = Said(401)
        asked = len(world.upstream.resource.asked)
        world.clock.advance(400)
        answer = await http.get(world.upstream.url)
        assert answer.status_code == 401
        assert len(world.upstream.resource.asked) == asked + 2
        with pytest.raises(NotConnectedError) as refused:
            await http.get(world.upstream.url)
    assert refused.value.failed.fault is _F.REAUTHORIZATION_NEEDED
    assert refused.value.login_url == world.vault.login_url(world.upstream.url)


@pytest.mark.requirement("I-36")
async def test_an_http_client_says_where_to_grant_more(world: World) -> None:
    await world.connect()
    [line] = lacking("write")
    refusing = Said(403, {}, (f"WWW-Authenticate: {line}",))
    world.upstream.resource.pages["/mcp"] = refusing
    async with client(world) as http:
        for _ in range(3):
            with pytest.raises(NotConnectedError):
                await http.get(world.upstream.url)
        assert (await http.get(world.upstream.url)).status_code == 403
        world.upstream.resource.pages["/mcp"] = replace(refusing, headers=())
        assert (await http.get(world.upstream.url)).status_code == 403


@pytest.mark.requirement("I-34")
async def test_a_redirect_to_another_origin_gets_no_token(world: World) -> None:
    await world.connect()
    elsewhere = world.upstream.server.url + "/collect"
    world.upstream.resource.pages["/mcp"] = Said(
        307, headers=(f"Location: {elsewhere}",)
    )
    async with client(world) as http:
        await http.get(world.upstream.url, follow_redirects=True)

    assert world.upstream.server.asked[-1].path == "/collect"
    assert "authorization" not in world.upstream.server.asked[-1].headers


async def test_a_client_without_a_connection_says_where_to_make_one(
    world: World,
) -> None:
    async with client(world, "mallory") as http:
        with pytest.raises(NotConnectedError, match="/login"):
            await http.get(world.upstream.url)
    with (
        httpx2.Client(auth=VaultAuth(world.vault, USER)) as blocking,
        pytest.raises(RuntimeError),
    ):
        blocking.get(world.upstream.url)
