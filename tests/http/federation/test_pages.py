"""The pages around a sign-in elsewhere: what they offer, and to whom."""

from pathlib import Path

from tests.http.deployment import read_page
from tests.http.federation.site import (
    ORIGIN,
    Site,
    github,
    oidc,
    open_site,
    signed_in_locally,
)


async def test_the_page_offers_what_there_is(tmp_path: Path) -> None:
    async with open_site(tmp_path, oidc(), github()) as site:
        answer = await site.browser().get("/login")
        assert "Continue with Example IdP" in answer.text
        assert "Continue with GitHub" in answer.text
        assert 'name="password"' in answer.text
    async with open_site(tmp_path, local_accounts_enabled=False) as site:
        await site.running.server.create_user("ann", "correct horse battery")
        browser = site.browser()
        login = await browser.get("/login")
        assert 'name="password"' not in login.text
        ticket = read_page(login).forms[0].fields["ticket"]
        answer = await browser.http.post(
            "/login",
            data={
                "ticket": ticket,
                "username": "ann",
                "password": "correct horse battery",
            },
            headers={"Origin": ORIGIN},
        )
        assert answer.status_code == 403


async def test_a_service_that_is_not_set_up_has_no_button(site: Site) -> None:
    browser = site.browser()
    login = await browser.get("/login")
    ticket = read_page(login).forms[0].fields["ticket"]
    answer = await browser.http.post(
        "/login/with/nobody", data={"ticket": ticket}, headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 403


async def test_an_answer_without_state_or_with_two_is_refused(site: Site) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    state = sent["state"]
    for query in ("code=c", f"code=c&state={state}&state={state}"):
        answer = await browser.get(f"/login/callback/idp?{query}")
        assert answer.status_code == 403


async def test_a_new_session_ends_the_one_that_the_browser_had(site: Site) -> None:
    await site.running.server.create_user("ann", "correct horse battery")
    browser = site.browser()
    login = await browser.get("/login")
    await browser.submit(
        login, form=1, username="ann", password="correct horse battery"
    )
    earlier = dict(browser.http.cookies)
    # In another tab, which was open before.
    sent = await site.leave(browser, login)
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    await site.come_back(browser, sent)
    browser.http.cookies.clear()
    browser.http.cookies.update(earlier)
    assert (await browser.get("/account")).status_code == 302


async def test_who_signs_out_on_the_way_connects_nothing(site: Site) -> None:
    browser = await signed_in_locally(site, "ann")
    ways = await browser.get("/account/sign-ins")
    sent = await site.leave(browser, ways)
    session = [name for name in browser.http.cookies if "session" in name]
    for name in session:
        del browser.http.cookies[name]
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    answer = await site.come_back(browser, sent)
    assert "Continue with" in answer.text


async def test_a_browser_without_a_mark_gets_one_to_connect(site: Site) -> None:
    browser = await signed_in_locally(site, "ann")
    ways = await browser.get("/account/sign-ins")
    for name in [name for name in browser.http.cookies if "browser" in name]:
        del browser.http.cookies[name]
    sent = await site.leave(browser, ways)
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    assert (await site.come_back(browser, sent)).status_code == 302


async def test_the_account_page_leads_to_the_ways_to_sign_in(site: Site) -> None:
    browser = await signed_in_locally(site, "ann")
    account = await browser.get("/account")
    assert "/account/sign-ins" in " ".join(read_page(account).links)


async def test_a_button_of_another_browser_or_time_leads_nowhere(site: Site) -> None:
    browser = site.browser()
    login = await browser.get("/login")
    thief = site.browser()
    await thief.get("/login")
    stolen = await thief.submit(login)
    assert stolen.status_code == 403
    assert read_page(stolen).refresh is None
    site.clock.advance(601)
    late = await browser.submit(login)
    assert late.status_code == 400
    assert not [head for head in site.web.requests if "idp.example" in head]


async def test_begun_sign_ins_are_throttled_by_address(site: Site) -> None:
    browser = site.browser()
    login = await browser.get("/login")
    statuses = [(await browser.submit(login)).status_code for _ in range(25)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
