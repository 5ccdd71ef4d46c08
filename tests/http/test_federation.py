"""Signing in with other services: a real browser's way, and everything that may be wrong."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
import trio

from actor_oauth.actors.clients import NewClient
from actor_oauth.actors.user import UserActor
from actor_oauth.config import Settings
from actor_oauth.config.settings import LoginProviderSettings
from actor_oauth.oauth.federation.id_tokens import MAX_AGE, SKEW
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.signed_jwt import parse_jwt
from actor_oauth.provider import Provider, RunningProvider
from tests.http.deployment import (
    CHALLENGE,
    VERIFIER,
    WEB_CALLBACK,
    Browser,
    SettableClock,
    query_of,
    read_page,
)
from tests.support.login_services import (
    CLIENT_ID,
    GITHUB_API,
    GITHUB_WEB,
    OpenIDService,
    page,
    publish_github,
)
from tests.support.signing import signer
from tests.support.web import Web, open_web, reply

ORIGIN = "https://as.example"
HOST = "idp.example"


def oidc(**more: object) -> LoginProviderSettings:
    """How the OpenID provider is set up."""
    return LoginProviderSettings.model_validate(
        {
            "name": "idp",
            "kind": "oidc",
            "label": "Example IdP",
            "issuer": f"https://{HOST}",
            "client_id": CLIENT_ID,
            "client_secret": "secret",
            "everyone": True,
            **more,
        }
    )


def github(**more: object) -> LoginProviderSettings:
    """How GitHub is set up, at the address of the stand-in."""
    return LoginProviderSettings.model_validate(
        {
            "name": "github",
            "kind": "github",
            "issuer": f"https://{GITHUB_WEB}",
            "api_url": f"https://{GITHUB_API}",
            "client_id": CLIENT_ID,
            "client_secret": "secret",
            "everyone": True,
            **more,
        }
    )


class Site:
    """A provider, a web with services, and a browser."""

    def __init__(
        self, running: RunningProvider, web: Web, clock: SettableClock
    ) -> None:
        self.running = running
        self.web = web
        self.clock = clock
        self.idp = OpenIDService(web, HOST)
        self.idp.publish()

    def browser(self) -> Browser:
        """A new browser."""
        return Browser(self.running.app, ORIGIN, address="203.0.113.5")

    async def leave(
        self, browser: Browser, page: httpx2.Response, *, form: int = 0
    ) -> dict[str, str]:
        """Press a service's button; gives the parameters that the service is sent."""
        departure = await browser.submit(page, form=form)
        assert departure.status_code == 200, departure.text
        url = read_page(departure).refresh
        assert url is not None
        return query_of(url)

    async def come_back(
        self, browser: Browser, sent: dict[str, str], name: str = "idp", **more: str
    ) -> httpx2.Response:
        """Come back from a service with a code."""
        answer = {"code": "the-code", "state": sent["state"], **more}
        return await browser.get(f"/login/callback/{name}?{urlencode(answer)}")

    async def sign_in(
        self, browser: Browser, **claims: Json
    ) -> tuple[httpx2.Response, dict[str, str]]:
        """Sign in from the front door with the OpenID provider."""
        sent = await self.leave(browser, await browser.get("/login"))
        now = self.clock.now()
        self.idp.answer_with(self.idp.id_token(sent["nonce"], now=now, **claims))
        return await self.come_back(browser, sent), sent


@asynccontextmanager
async def open_site(
    data: Path, *providers: LoginProviderSettings, **settings: object
) -> AsyncIterator[Site]:
    """Serve with these services."""
    clock = SettableClock()
    async with open_web(HOST, GITHUB_WEB, GITHUB_API) as web:
        provider = Provider(
            Settings.model_validate(
                {
                    "issuer": ORIGIN,
                    "data": data,
                    "login_providers": providers or (oidc(),),
                    **settings,
                }
            ),
            clock=clock,
            fetcher=web.fetcher(),
        )
        async with provider.open() as running:
            yield Site(running, web, clock)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """The usual one."""
    async with open_site(tmp_path) as site:
        yield site


def person_in(site: Site) -> str:
    """The name of the account that the usual person has."""
    return site.running.server.federated_user_id(f"https://{HOST}", "person-1")


async def account_of(browser: Browser) -> str:
    """Who the account page says is signed in."""
    answer = await browser.get("/account")
    assert answer.status_code == 200, answer.headers.get("location")
    return answer.text.partition("<strong><bdi>")[2].partition("</bdi>")[0]


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


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": [CLIENT_ID, "other"]}, "azp"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "aud"),
        ({"aud": 7}, "aud"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iat": None}, "iat"),
        ({"exp": None}, "exp"),
        ({"exp": 1}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"sub": None}, "sub"),
        ({"sub": "x" * 201}, "sub"),
        ({"sub": "a\nb"}, "sub"),
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(
    site: Site,
    claims: dict[str, Json],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    browser = site.browser()
    answer, _ = await site.sign_in(browser, **claims)
    assert answer.status_code == 403
    assert (await browser.get("/account")).status_code == 302
    # The operator is told what was wrong, the person is not.
    assert says in capsys.readouterr().out
    assert says not in answer.text.partition("<main")[2].partition("<code")[0].split()


@pytest.mark.parametrize("off", [MAX_AGE + 1, -SKEW - 1])
async def test_a_clock_that_is_off_by_minutes_is_told_to_the_operator(
    site: Site, off: int, capsys: pytest.CaptureFixture[str]
) -> None:
    now = site.clock.now() - off
    answer, _ = await site.sign_in(site.browser(), iat=now, exp=now + 300)
    assert answer.status_code == 403
    assert "is a clock wrong?" in capsys.readouterr().out


async def test_a_token_that_somebody_else_signed_signs_nobody_in(site: Site) -> None:
    site.idp.signer = signer("RS256", nth=1)
    answer, _ = await site.sign_in(site.browser())
    assert answer.status_code == 403


async def test_new_keys_of_a_service_are_found_at_most_once_a_minute(
    site: Site,
) -> None:
    await site.sign_in(site.browser())
    assert site.web.count(f"{HOST}/jwks") == 1
    site.idp.signer = signer("RS256", kid="k2", nth=2)
    site.idp.publish()
    assert (await site.sign_in(site.browser()))[0].status_code == 403
    assert site.web.count(f"{HOST}/jwks") == 1
    site.clock.advance(61)
    assert (await site.sign_in(site.browser()))[0].status_code == 303
    assert site.web.count(f"{HOST}/jwks") == 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (None, 403),
        (reply(b"no json"), 403),
        (page({"access_token": "x"}), 403),
        (page({"error": "invalid_grant"}, status="400 Bad Request"), 403),
        (page({}, status="503 Service Unavailable"), 503),
        (reply(b"{" + b" " * 100_000), 403),
    ],
)
async def test_a_token_endpoint_that_gives_no_token_signs_nobody_in(
    site: Site, answer: bytes | None, status: int
) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    site.idp.answer_with(None)
    if answer is not None:
        site.web.pages[f"{HOST}/token"] = answer
    assert (await site.come_back(browser, sent)).status_code == status


@pytest.mark.requirement("I-18", "I-19")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"error": "access_denied"}, 403),
        ({"error": "server_error"}, 403),
        ({"error": "x", "code": "y"}, 403),
        ({}, 403),
        ({"code": "c", "iss": "https://evil.example"}, 403),
    ],
)
async def test_an_answer_without_a_believable_code_sends_none_anywhere(
    site: Site, query: dict[str, str], status: int
) -> None:
    browser = site.browser()
    sent = await site.leave(browser, await browser.get("/login"))
    url = "/login/callback/idp?" + urlencode({**query, "state": sent["state"]})
    assert (await browser.get(url)).status_code == status
    assert not [head for head in site.web.requests if head.startswith("POST")]


async def test_an_answer_at_another_services_address_is_refused(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path, oidc(), github()) as site:
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == 403
        unknown = await site.come_back(browser, sent, "nobody")
        assert unknown.status_code == 403


async def test_a_service_that_cannot_be_reached_is_worth_another_try(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        site.web.pages[f"{HOST}/.well-known/openid-configuration"] = reply(
            b"{}", status="503 Service Unavailable"
        )
        browser = site.browser()
        answer = await browser.submit(await browser.get("/login"))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]


async def test_what_was_known_of_a_service_serves_while_it_is_away(site: Site) -> None:
    await site.sign_in(site.browser())
    site.clock.advance(3601)
    site.web.pages[f"{HOST}/.well-known/openid-configuration"] = reply(
        b"{}", status="503 Service Unavailable"
    )
    site.web.pages[f"{HOST}/jwks"] = reply(b"{}", status="503 Service Unavailable")
    assert (await site.sign_in(site.browser()))[0].status_code == 303


async def test_a_service_that_says_that_it_is_another_one_is_refused(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        site.idp.publish(issuer="https://evil.example")
        browser = site.browser()
        answer = await browser.submit(await browser.get("/login"))
        assert answer.status_code == 403


async def test_a_service_without_usable_keys_signs_nobody_in(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        site.web.pages[f"{HOST}/jwks"] = page({"keys": "none"})
        assert (await site.sign_in(site.browser()))[0].status_code == 403
        site.web.pages[f"{HOST}/jwks"] = reply(b"", status="500 Oh")
        assert (await site.sign_in(site.browser()))[0].status_code == 503
    async with open_site(tmp_path) as site:
        site.idp.publish(jwks_uri=None)
        assert (await site.sign_in(site.browser()))[0].status_code == 403


async def test_userinfo_says_what_the_id_token_does_not(tmp_path: Path) -> None:
    provider = oidc(everyone=False, domains=["x.example"])
    async with open_site(tmp_path, provider) as site:
        site.idp.publish(userinfo_endpoint=f"https://{HOST}/userinfo")
        about = {"sub": "person-1", "email": "P@X.example", "email_verified": True}
        for said, status in (
            (page(about), 303),
            (page({**about, "sub": "person-2"}), 403),
            (page({**about, "email_verified": "true"}), 403),
            (page({}, status="404 Not Found"), 403),
            (page({}, status="500 Oh"), 503),
        ):
            site.web.pages[f"{HOST}/userinfo"] = said
            assert (await site.sign_in(site.browser()))[0].status_code == status


@pytest.mark.parametrize(
    ("admitted", "claims", "status"),
    [
        ({"users": ["person-1"]}, {}, 303),
        ({"users": ["person-2"]}, {}, 403),
        # Whoever may choose a name could choose another one's, or an address.
        ({"users": ["Ann"]}, {"preferred_username": "Ann"}, 403),
        ({"users": ["a@x.example"]}, {"preferred_username": "a@x.example"}, 403),
        ({"users": ["A@x.example"]}, {"email": "a@X.example"}, 403),
        (
            {"users": ["A@x.example"]},
            {"email": "a@X.example", "email_verified": True},
            303,
        ),
        (
            {"domains": ["X.example"]},
            {"email": "a@x.example", "email_verified": True},
            303,
        ),
        ({"domains": ["x.example"]}, {"email": "a@x.example"}, 403),
        (
            {"domains": ["x.example"]},
            {"email": "a@evil.x.example", "email_verified": True},
            403,
        ),
        (
            {"domains": ["x.example"]},
            {"email": "a@b@x.example", "email_verified": True},
            403,
        ),
        ({"organisations": ["staff"]}, {"groups": ["guests", "staff"]}, 303),
        ({"organisations": ["staff"]}, {"groups": "staff"}, 303),
        ({"organisations": ["staff"]}, {"groups": [7, None]}, 403),
        ({"organisations": ["staff"]}, {"org": "staff"}, 403),
    ],
)
async def test_only_who_is_admitted_signs_in(
    tmp_path: Path, admitted: dict[str, object], claims: dict[str, Json], status: int
) -> None:
    async with open_site(tmp_path, oidc(everyone=False, **admitted)) as site:
        answer, _ = await site.sign_in(site.browser(), **claims)
        assert answer.status_code == status
        created = status == 303
        assert await site.running.server.user_exists(person_in(site)) == created


async def test_where_no_accounts_are_made_only_connected_people_sign_in(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path, oidc(create_accounts=False)) as site:
        assert (await site.sign_in(site.browser()))[0].status_code == 403
        await link(site, await signed_in_locally(site, "ann"))
        browser = site.browser()
        assert (await site.sign_in(browser))[0].status_code == 303
        assert await account_of(browser) == "ann"


async def test_github_says_who_somebody_is(tmp_path: Path) -> None:
    provider = github(everyone=False, organisations=["octo-org"])
    async with open_site(tmp_path, provider) as site:
        publish_github(site.web, orgs=("octo-org",))
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        assert "read:org" in sent["scope"]
        assert "nonce" not in sent
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == 303
        assert await account_of(browser) == "octocat"
        (request,) = [
            head for head in site.web.requests if head.startswith("GET /user HTTP")
        ]
        assert "Authorization: Bearer gho_secret" in request


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        ("user", page({"login": "octocat"}), 403),
        ("user", page({"id": True, "login": "octocat"}), 403),
        ("user", page({"id": 1}), 403),
        ("user", page([]), 403),
        ("user", reply(b"", status="401 Unauthorized"), 403),
        ("user", reply(b"", status="502 Bad Gateway"), 503),
        ("user/emails", reply(b"", status="404 Not Found"), 303),
        ("user/emails", reply(b"[1, {}]"), 303),
        ("user/emails", reply(b'"text"'), 303),
        ("user/orgs", reply(b"", status="500 Oh"), 503),
    ],
)
async def test_what_github_does_not_say_is_not_made_up(
    tmp_path: Path, path: str, said: bytes, status: int
) -> None:
    async with open_site(tmp_path, github()) as site:
        publish_github(site.web)
        site.web.pages[f"{GITHUB_API}/{path}"] = said
        browser = site.browser()
        sent = await site.leave(browser, await browser.get("/login"))
        answer = await site.come_back(browser, sent, "github")
        assert answer.status_code == status


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


async def test_a_disabled_account_cannot_sign_in(site: Site) -> None:
    await site.sign_in(site.browser())
    effects = site.running.server.effects
    user = effects.system.get(UserActor, effects.user_key(person_in(site)))
    await user.set_disabled(disabled=True, now=site.clock.now())
    assert (await site.sign_in(site.browser()))[0].status_code == 403


async def signed_in_locally(site: Site, user: str) -> Browser:
    """A browser in which somebody has signed in by password."""
    await site.running.server.create_user(user, "correct horse battery")
    browser = site.browser()
    login = await browser.get("/login")
    answer = await browser.submit(
        login, form=1, username=user, password="correct horse battery"
    )
    assert answer.status_code == 303
    return browser


async def link(site: Site, browser: Browser) -> httpx2.Response:
    """Connect the OpenID provider's person on the page of ways to sign in."""
    ways = await browser.get("/account/sign-ins")
    sent = await site.leave(browser, ways, form=len(read_page(ways).forms) - 1)
    site.idp.answer_with(site.idp.id_token(sent["nonce"], now=site.clock.now()))
    return await site.come_back(browser, sent)


async def test_who_is_signed_in_connects_a_service_and_then_signs_in_with_it(
    site: Site,
) -> None:
    browser = await signed_in_locally(site, "ann")
    answer = await link(site, browser)
    assert answer.headers["location"].endswith("/account/sign-ins")
    ways = await browser.get("/account/sign-ins")
    assert "person-1" in ways.text
    other = site.browser()
    await site.sign_in(other)
    assert await account_of(other) == "ann"
    # Disconnected, the service leads to an account of its own again.
    await browser.submit(ways, form=0)
    third = site.browser()
    await site.sign_in(third)
    assert await account_of(third) == "person-1"


async def test_nobody_connects_what_is_connected_to_somebody_else(site: Site) -> None:
    assert (await link(site, await signed_in_locally(site, "ann"))).status_code == 302
    bob = await signed_in_locally(site, "bob")
    assert (await link(site, bob)).status_code == 403
    assert "person-1" not in (await bob.get("/account/sign-ins")).text


async def test_the_pages_of_ways_to_sign_in_are_for_who_is_signed_in(
    site: Site,
) -> None:
    browser = site.browser()
    assert "Continue with" in (await browser.get("/account/sign-ins")).text
    headers = {"Origin": ORIGIN}
    for path in ("/account/sign-ins", "/account/sign-ins/idp"):
        answer = await browser.http.post(path, data={"a": "b"}, headers=headers)
        assert "Continue with" in answer.text
    ann = await signed_in_locally(site, "ann")
    for path in ("/account/sign-ins", "/account/sign-ins/idp"):
        answer = await ann.http.post(path, data={"csrf": "x"}, headers=headers)
        assert answer.status_code == 400


TENANT = "9122040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize(
    ("tenant", "issuer", "status"),
    [
        (TENANT, f"https://{HOST}/{TENANT}/v2.0", 303),
        # Of another tenant than it says, of none, of one that is not admitted.
        (TENANT, f"https://{HOST}/0{TENANT[1:]}/v2.0", 403),
        (None, f"https://{HOST}/{TENANT}/v2.0", 403),
        ("{tenantid}", "https://" + HOST + "/{tenantid}/v2.0", 403),
        ("0" + TENANT[1:], f"https://{HOST}/0{TENANT[1:]}/v2.0", 403),
    ],
)
async def test_people_of_one_tenant_of_many_sign_in(
    tmp_path: Path, tenant: str | None, issuer: str, status: int
) -> None:
    template = "https://" + HOST + "/{tenantid}/v2.0"
    provider = oidc(
        issuer=template,
        everyone=False,
        organisation_claim="tid",
        organisations=[TENANT],
    )
    async with open_site(tmp_path, provider) as site:
        known = f"{HOST}/.well-known/openid-configuration"
        document = site.web.pages.pop(known)
        assert isinstance(document, bytes)
        members = json.loads(document.partition(b"\r\n\r\n")[2])
        site.web.pages[f"{known}/organizations/v2.0"] = page(
            {**members, "issuer": template}
        )
        answer, _ = await site.sign_in(site.browser(), iss=issuer, tid=tenant)
        assert answer.status_code == status
        account = site.running.server.federated_user_id(issuer, "person-1")
        assert await site.running.server.user_exists(account) == (status == 303)


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
