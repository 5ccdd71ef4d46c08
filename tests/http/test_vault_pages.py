"""The vault for people: connect, see, renew, remove; and what a link may not do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx2
import pytest
import trio

from actor_oauth.config import Settings
from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.provider import Provider, RunningProvider
from actor_oauth.upstream.vault import Connected, LoginRedirect, upkeep
from tests.http.deployment import PASSWORD, USER, Browser, read_page
from tests.support.clocks import SettableClock
from tests.support.standin import Asked, Said, Upstream, open_upstream, query_text

ORIGIN = "http://127.0.0.1:8000"
CONNECTIONS = f"{ORIGIN}/oauth/connections"


@dataclass
class Site:
    running: RunningProvider
    upstream: Upstream
    browser: Browser
    clock: SettableClock

    @property
    def link(self) -> str:
        return f"{ORIGIN}/oauth/login?{urlencode({'url': self.upstream.url})}"

    def stranger(self) -> Browser:
        return Browser(self.running.app, ORIGIN, address="203.0.113.9")

    async def sign_in(self) -> httpx2.Response:
        """Sign in; gives the page with the question whether to connect."""
        page = await self.browser.get(self.link)
        return await self.browser.follow(await self.browser.sign_in(page))

    async def leave(self) -> str:
        """Go as far as the other server; gives its URL."""
        departure = await self.browser.submit(await self.sign_in())
        leave = read_page(departure).refresh
        assert leave is not None, departure.text
        return leave

    def back(self, leave: str, **changes: str) -> str:
        """Where the other server sends the browser once its user said yes."""
        label = self.upstream.server.url.partition("://")[2]
        query = {**self.upstream.approve(leave), **changes}
        return f"{ORIGIN}/oauth/callback/{label}?{urlencode(query)}"

    async def connect(self) -> httpx2.Response:
        """Go the whole way; gives the page of connections."""
        arrived = await self.browser.get(self.back(await self.leave()))
        return await self.browser.follow(arrived)


@asynccontextmanager
async def open_site(path: Path, **settings: object) -> AsyncIterator[Site]:
    values = {
        "data": path,
        "issuer": ORIGIN,
        "vault_enabled": True,
        "loopback_upstreams": True,
        **settings,
    }
    clock = SettableClock()
    async with (
        open_upstream() as upstream,
        Provider(Settings.model_validate(values), clock=clock).open() as running,
    ):
        await running.server.create_user(USER, PASSWORD)
        browser = Browser(running.app, ORIGIN, address="203.0.113.5")
        yield Site(running, upstream, browser, clock)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def test_a_service_is_connected_seen_renewed_and_removed(site: Site) -> None:
    page = await site.connect()

    assert "The service is connected." in page.text
    assert "Stand-in" in page.text
    assert site.upstream.url in page.text
    renewed = await site.browser.follow(await site.browser.submit(page, form=0))
    assert "The connection is renewed." in renewed.text
    assert site.upstream.refreshes == 1
    removed = await site.browser.follow(await site.browser.submit(renewed, form=1))
    assert "The service is disconnected." in removed.text
    assert "No service is connected" in removed.text
    assert site.upstream.revoked == ["refresh4", "access4"]


@pytest.mark.requirement("I-24")
async def test_a_link_asks_before_it_leads_anywhere(site: Site) -> None:
    question = await site.sign_in()

    assert question.status_code == 200
    assert "127.0.0.1" in question.text
    assert site.upstream.resource.asked == site.upstream.server.asked == []
    assert question.headers["referrer-policy"] == "same-origin"


@pytest.mark.requirement("I-24", "J-02")
async def test_the_way_out_is_a_page_that_names_where_it_leads(site: Site) -> None:
    departure = await site.browser.submit(await site.sign_in())

    assert departure.status_code == 200
    assert "form-action 'none'" in departure.headers["content-security-policy"]
    assert departure.headers["cache-control"] == "no-store"
    assert "location" not in departure.headers


async def test_without_the_question_a_link_leads_there_at_once(tmp_path: Path) -> None:
    async with open_site(tmp_path, vault_confirm=False) as site:
        moved = await site.sign_in()

        assert moved.status_code == 302
        assert moved.headers["location"].startswith(site.upstream.server.url)


@pytest.mark.requirement("I-23")
async def test_what_comes_back_leads_to_a_page_without_code_and_state(
    site: Site,
) -> None:
    arrived = await site.browser.get(site.back(await site.leave()))

    assert arrived.status_code == 303
    assert arrived.headers["location"] == CONNECTIONS + "?done=connected"
    assert arrived.headers["referrer-policy"] == "no-referrer"
    assert arrived.headers["cache-control"] == "no-store"


@pytest.mark.requirement("I-18", "I-39")
async def test_an_answer_in_another_browser_is_refused(site: Site) -> None:
    back = site.back(await site.leave())

    stranger = site.stranger()
    nobody = await stranger.get(back)
    await stranger.sign_in(await stranger.get(f"{ORIGIN}/login"))
    elsewhere = await stranger.get(back)

    assert nobody.status_code == elsewhere.status_code == 400
    assert "attempt_unknown" in nobody.text
    assert site.upstream.server.count("/token") == 0
    assert (await site.browser.get(back)).status_code == 303


@pytest.mark.requirement("I-19", "I-23")
async def test_nothing_that_the_other_server_says_is_shown(site: Site) -> None:
    leave = await site.leave()
    query = {
        "error": "<script>alert(1)</script>",
        "error_description": "call 555-1234",
        "code": "",
    }

    refused = await site.browser.get(site.back(leave, **query))

    assert refused.status_code == 400
    assert "authorization_failed" in refused.text
    assert "alert(1)" not in refused.text
    assert "555-1234" not in refused.text


async def test_what_cannot_be_reached_may_be_tried_again(site: Site) -> None:
    site.upstream.resource.pages["/mcp"] = Said(503)

    refused = await site.browser.submit(await site.sign_in())

    assert refused.status_code == 502
    assert "Please try again in a moment." in refused.text


async def test_a_public_service_is_put_on_the_list(site: Site) -> None:
    site.upstream.resource.pages["/mcp"] = Said()

    moved = await site.browser.submit(await site.sign_in())

    assert moved.headers["location"] == CONNECTIONS + "?done=public"
    page = await site.browser.follow(moved)
    assert "needs no sign-in" in page.text
    assert ">public<" in page.text


async def test_a_connection_that_ended_says_so_and_is_connected_again(
    site: Site,
) -> None:
    page = await site.connect()
    site.upstream.current.clear()

    refused = await site.browser.submit(page, form=0)

    assert refused.status_code == 400
    assert "reauthorization_needed" in refused.text
    account = await site.browser.get(f"{ORIGIN}/account")
    assert "1 to reconnect" in account.text
    page = await site.browser.get(CONNECTIONS)
    assert "Access has ended" in page.text
    leave = read_page(await site.browser.submit(page, form=0)).refresh
    arrived = await site.browser.get(site.back(leave or ""))
    page = await site.browser.follow(arrived)
    assert "Access has ended" not in page.text


async def test_the_page_connects_what_is_typed(site: Site) -> None:
    await site.sign_in()
    page = await site.browser.get(CONNECTIONS)

    departure = await site.browser.submit(page, url=site.upstream.url)

    assert site.upstream.server.url in (read_page(departure).refresh or "")
    refused = await site.browser.submit(page, url="nonsense")
    assert "url_refused" in refused.text


@pytest.mark.requirement("J-04", "J-05")
@pytest.mark.parametrize("path", ["login", "refresh", "remove"])
async def test_a_form_that_was_not_shown_here_does_nothing(
    site: Site, path: str
) -> None:
    await site.connect()
    asked = len(site.upstream.server.asked)
    form = {"url": site.upstream.url, "resource": site.upstream.url, "csrf": "forged"}
    url = f"{ORIGIN}/oauth/{path}"

    forged = await site.browser.http.post(url, data=form, headers={"Origin": ORIGIN})
    foreign = await site.browser.http.post(
        url, data=form, headers={"Origin": "https://evil.example"}
    )

    assert forged.status_code == foreign.status_code == 403
    assert len(site.upstream.server.asked) == asked
    signed_out = await site.stranger().http.post(
        url, data=form, headers={"Origin": ORIGIN}
    )
    assert signed_out.status_code == 303
    assert signed_out.headers["location"] == "/login"


@pytest.mark.requirement("J-04")
async def test_the_token_of_one_form_is_good_for_no_other(site: Site) -> None:
    page = await site.connect()
    forms = read_page(page).forms
    renew, remove = forms[0].fields, forms[1].fields

    swapped = await site.browser.http.post(
        forms[1].action,
        data={**remove, "csrf": renew["csrf"]},
        headers={"Origin": ORIGIN},
    )
    other = await site.browser.http.post(
        forms[1].action,
        data={**remove, "resource": "https://other.example"},
        headers={"Origin": ORIGIN},
    )

    assert swapped.status_code == other.status_code == 403


async def test_the_account_page_leads_to_the_connections(site: Site) -> None:
    await site.sign_in()

    account = await site.browser.get(f"{ORIGIN}/account")

    assert CONNECTIONS in read_page(account).links


@pytest.mark.requirement("K-10")
async def test_a_deleted_user_leaves_no_connection(site: Site) -> None:
    await site.connect()
    leave = await site.browser.submit(await site.browser.get(site.link))
    assert leave.status_code == 200

    await site.running.server.delete_user(USER)

    assert site.running.vault is not None
    assert await site.running.vault.list_providers(USER) == ()
    # And one who never had any.
    await site.running.server.create_user("bob", PASSWORD)
    assert await site.running.server.delete_user("bob")


@pytest.mark.requirement("K-10", "I-40")
async def test_a_deleted_user_leaves_none_elsewhere_though_the_vault_is_off_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "EVERY", 0.01)
    on = Settings(
        data=tmp_path, issuer=ORIGIN, vault_enabled=True, loopback_upstreams=True
    )
    async with open_upstream() as upstream:
        async with Provider(on).open() as running:
            await running.server.create_user(USER, PASSWORD)
            vault = running.vault
            assert vault is not None
            begun = await vault.begin_login(USER, upstream.url, browser="b")
            assert isinstance(begun, LoginRedirect)
            answer = parse_form(query_text(upstream.approve(begun.url)))
            assert isinstance(answer, Parameters)
            label = upstream.server.url.partition("://")[2]
            finished = await vault.finish_login(
                USER, answer, browser="b", redirect_uri=vault.policy.redirect_uri(label)
            )
            assert isinstance(finished, Connected)
        asked = trio.Event()

        def revoke(request: Asked) -> Said:
            upstream.revoked.append(request.form["token"])
            if len(upstream.revoked) == 2:
                asked.set()
            return Said(members={})

        upstream.server.pages["/revoke"] = revoke
        off = on.model_copy(update={"vault_enabled": False})
        async with Provider(off).open() as running:
            assert await running.server.delete_user(USER)
            with trio.fail_after(60):
                await asked.wait()
    assert upstream.revoked == ["refresh3", "access3"]


async def test_who_is_not_signed_in_is_sent_to_do_so(site: Site) -> None:
    page = await site.browser.get(CONNECTIONS)
    assert page.status_code == 200
    page = await site.browser.follow(await site.browser.sign_in(page))
    assert "No service is connected" in page.text

    for query in ("", "?url=", "?url=javascript:alert(1)", "?url=" + quote("x y")):
        refused = await site.browser.get(f"{ORIGIN}/oauth/login{query}")
        assert refused.status_code == 400, query


async def test_one_person_cannot_make_this_server_ask_all_the_time(site: Site) -> None:
    page = await site.sign_in()
    for _ in range(20):
        await site.browser.submit(page)

    refused = await site.browser.submit(page)

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0


async def test_a_name_from_a_stranger_is_only_a_name(site: Site) -> None:
    named = {**site.upstream.resource_metadata(), "resource_name": "<b>\u202ebank</b>"}
    document = "/.well-known/oauth-protected-resource/mcp"
    site.upstream.resource.pages[document] = Said(members=named)

    page = await site.connect()

    assert "&lt;b&gt;bank&lt;/b&gt;" in page.text


async def test_pages_and_documents_are_where_they_are_configured(
    tmp_path: Path,
) -> None:
    async with open_site(
        tmp_path, vault_prefix="/connect/v1", issuer=ORIGIN + "/as"
    ) as site:
        browser = site.browser
        page = await browser.get(f"{ORIGIN}/as/connect/v1/connections")
        assert page.status_code == 200
        assert (await browser.get(f"{ORIGIN}/as/oauth/connections")).status_code == 404
        document = await browser.get(f"{ORIGIN}/as/connect/v1/client/a.example")
        assert document.json()["redirect_uris"] == [
            f"{ORIGIN}/as/connect/v1/callback/a.example"
        ]


async def test_a_vault_that_is_off_is_not_there(tmp_path: Path) -> None:
    async with open_site(tmp_path, vault_enabled=False) as site:
        for path in ("connections", "login", "callback/x", "client/x", "jwks"):
            answer = await site.browser.get(f"{ORIGIN}/oauth/{path}")
            assert answer.status_code == 404, path
        assert site.running.vault is None


@pytest.mark.requirement("I-11")
@pytest.mark.parametrize(
    ("kind", "method"),
    [("client", "none"), ("signing-client", "private_key_jwt")],
)
async def test_the_document_of_a_client_names_its_own_url(
    site: Site, kind: str, method: str
) -> None:
    url = f"{ORIGIN}/oauth/{kind}/as.example:8443"

    answer = await site.browser.get(url)

    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["client_id"] == url
    assert document["redirect_uris"] == [f"{ORIGIN}/oauth/callback/as.example:8443"]
    assert document["token_endpoint_auth_method"] == method
    if method == "private_key_jwt":
        keys = (await site.browser.get(document["jwks_uri"])).json()["keys"]
        assert [key["alg"] for key in keys] == ["ES256"]
        assert not {"d", "k"} & set(keys[0])
    strange = await site.browser.get(f"{ORIGIN}/oauth/{kind}/a%20b")
    assert strange.status_code == 404
