"""Signing in with another service: a real browser's way, once, and in that browser only."""

from pathlib import Path
from urllib.parse import urlencode

import pytest
import trio

from actor_oauth.actors.clients import NewClient
from actor_oauth.oauth.signed_jwt import parse_jwt
from tests.http.deployment import CHALLENGE, VERIFIER, WEB_CALLBACK, query_of, read_page
from tests.http.federation.site import ORIGIN, Site, account_of, open_site, person_in


@pytest.mark.requirement("C-11", "C-23")
async def test_a_person_signs_in_with_an_openid_provider_and_has_an_account(
    site: Site,
) -> None:
    browser = site.browser()
    answer, sent = await site.sign_in(browser)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/account")
    assert await account_of(browser) == "person-1"
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == f"{ORIGIN}/login/callback/idp"
    # What was sent for the code is what was asked for.
    (request,) = [head for head in site.web.requests if head.startswith("POST /token")]
    assert "the-code" not in request.partition("\r\n")[0]


async def test_the_same_person_comes_back_to_the_same_account(site: Site) -> None:
    for name in ("Ann", "renamed"):
        browser = site.browser()
        await site.sign_in(browser, preferred_username=name)
        assert await account_of(browser) == name
    listed = await site.running.server.list_users()
    assert [entry.entry_id for entry in listed.entries] == [person_in(site)]


async def test_equal_addresses_connect_no_accounts(site: Site) -> None:
    await site.running.server.create_user("a@x.example", "correct horse battery")
    browser = site.browser()
    await site.sign_in(browser, email="a@x.example", email_verified=True)
    assert await site.running.server.user_exists(person_in(site))


async def test_an_authorization_request_goes_on_after_the_sign_in(site: Site) -> None:
    registered = await site.browser().http.post(
        "/register",
        json={
            "redirect_uris": ["https://client.example/cb"],
            "client_name": "Ledger",
            "token_endpoint_auth_method": "none",
        },
    )
    request = {
        "response_type": "code",
        "client_id": registered.json()["client_id"],
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "state": "s" * 3000,
    }
    browser = site.browser()
    page = await browser.get(f"/authorize?{urlencode(request)}")
    sent = await site.leave(browser, page)
    now = site.clock.now()
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=now))
    answer = await browser.follow(await site.come_back(browser, sent))
    assert answer.status_code == 200
    assert "Ledger" in answer.text
    assert "person-1" in answer.text


@pytest.mark.requirement("I-20", "M-18")
async def test_an_answer_signs_in_once(site: Site) -> None:
    browser = site.browser()
    answer, sent = await site.sign_in(browser)
    assert answer.status_code == 303
    again = await site.come_back(browser, sent)
    assert again.status_code == 403
    assert (
        site.web.requests.count(
            next(head for head in site.web.requests if head.startswith("POST /token"))
        )
        == 1
    )


@pytest.mark.requirement("I-20", "M-18")
async def test_of_many_copies_of_an_answer_one_signs_in(site: Site) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    statuses: list[int] = []

    async def come_back() -> None:
        statuses.append((await site.come_back(browser, sent)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(come_back)
    assert sorted(statuses) == [303] + [403] * 31


@pytest.mark.requirement("I-18")
async def test_another_browser_cannot_finish_a_sign_in_nor_spoil_it(site: Site) -> None:
    browser, attacker = site.browser(), site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    await attacker.get("/login")
    assert (await site.come_back(attacker, sent)).status_code == 403
    assert (await site.browser().get("/account")).status_code != 200
    assert (await site.come_back(browser, sent)).status_code == 303


async def test_two_tabs_sign_in_side_by_side(site: Site) -> None:
    browser = site.browser()
    pages = [await browser.get("/login") for _ in range(2)]
    sents = [await site.leave(browser, page) for page in pages]
    for sent in reversed(sents):
        site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
        assert (await site.come_back(browser, sent)).status_code == 303


@pytest.mark.requirement("I-15")
async def test_a_sign_in_that_took_too_long_is_over(site: Site) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    site.clock.advance(601)
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    assert (await site.come_back(browser, sent)).status_code == 403


@pytest.mark.parametrize(("ago", "stale"), [(200, False), (400, True)])
async def test_when_and_how_somebody_signed_in_elsewhere_is_what_clients_are_told(
    tmp_path: Path, ago: int, *, stale: bool
) -> None:
    settings = {"openid_enabled": True}
    async with open_site(tmp_path, **settings) as site:
        created = await site.running.server.create_client(
            client_name="c", redirect_uris=[WEB_CALLBACK]
        )
        assert isinstance(created, NewClient)
        wish = {
            "response_type": "code",
            "client_id": created.client.client_id,
            "redirect_uri": WEB_CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": "openid",
            "prompt": "select_account",
            "max_age": "300",
        }
        browser = site.browser()
        sent = await site.leave(
            browser, await browser.get(f"/authorize?{urlencode(wish)}")
        )
        assert (sent["prompt"], sent["max_age"]) == ("select_account", "300")
        now = site.clock.now()
        said = site.idp.id_token(
            sent["nonce"], now=now, auth_time=now - ago, amr=["hwk", "mfa"]
        )
        site.idp.answer_with(said)
        answer = await site.come_back(browser, sent)
        if stale:
            # The service did not do what it was asked: nothing is granted over it.
            assert answer.status_code == 403
            assert "sign_in_too_old" in answer.text
            return
        question = await browser.follow(answer)
        left = await browser.submit(question, decision="approve")
        code = query_of(read_page(left).refresh or "")["code"]
        trade = {
            "grant_type": "authorization_code",
            "client_id": created.client.client_id,
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": WEB_CALLBACK,
        }
        tokens = (await browser.http.post(f"{ORIGIN}/token", data=trade)).json()
        jwt = parse_jwt(tokens["id_token"])
        assert jwt is not None
        assert jwt.claims["auth_time"] == now - ago
        assert jwt.claims["amr"] == ["hwk", "mfa"]
