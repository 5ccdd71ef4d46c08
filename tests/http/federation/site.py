"""A provider where people sign in with other services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from actor_oauth.config import Settings
from actor_oauth.config.settings import LoginProviderSettings
from actor_oauth.oauth.json_values import Json
from actor_oauth.provider import Provider, RunningProvider
from tests.http.deployment import Browser, query_of, read_page
from tests.support.clocks import SettableClock
from tests.support.login_services import (
    CLIENT_ID,
    GITHUB_API,
    GITHUB_WEB,
    OpenIDService,
)
from tests.support.web import Web, open_web

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


def person_in(site: Site) -> str:
    """The name of the account that the usual person has."""
    return site.running.server.federated_user_id(f"https://{HOST}", "person-1")


async def account_of(browser: Browser) -> str:
    """Who the account page says is signed in."""
    answer = await browser.get("/account")
    assert answer.status_code == 200, answer.headers.get("location")
    return answer.text.partition("<strong><bdi>")[2].partition("</bdi>")[0]


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
