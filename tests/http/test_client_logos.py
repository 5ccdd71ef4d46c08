"""Logos on the consent page: from our origin, to whoever is asked, and only pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
import pytest

from actor_oauth.oauth.consent_policy import ConsentPolicy
from actor_oauth.upstream.host_rate import HostRate
from tests.http.deployment import (
    ISSUER,
    Browser,
    Deploy,
    Deployment,
    policy_for,
    read_page,
)
from tests.oauth.test_pictures import png
from tests.support.web import Web, open_web, reply

LOGO = "https://c.example/logo.png"
PAGE = "c.example/logo.png"
PICTURE = png(64, 64)
POLICY = replace(policy_for(ISSUER), consent=ConsentPolicy(shows_logos=True))


@dataclass
class Asked:
    """Somebody before the consent page of a client with a logo."""

    deployment: Deployment
    web: Web
    browser: Browser
    page: httpx2.Response

    async def logo(self) -> httpx2.Response:
        """What the page loads."""
        (source,) = [url for url in read_page(self.page).sources if "/logo?" in url]
        return await self.browser.get(source)


@asynccontextmanager
async def asked(deploy: Deploy, logo_uri: str = LOGO) -> AsyncIterator[Asked]:
    async with open_web("c.example") as web:
        web.pages[PAGE] = reply(PICTURE, media_type="image/png")
        fetcher = web.fetcher(rate=HostRate(burst=1000))
        async with deploy(policy=POLICY, fetcher=fetcher) as deployment:
            client = await deployment.register(logo_uri=logo_uri)
            browser = deployment.browser()
            page = await browser.consent_page(deployment.authorize_url(client))
            yield Asked(deployment, web, browser, page)


@pytest.mark.requirement("B-15", "J-10", "J-12")
async def test_a_logo_is_fetched_once_and_shown_from_our_origin(deploy: Deploy) -> None:
    async with asked(deploy) as it:
        assert "c.example" not in it.page.text
        assert it.web.count(PAGE) == 0
        shown, again = await it.logo(), await it.logo()
        assert shown.content == again.content == PICTURE
        assert it.web.count(PAGE) == 1
        assert shown.headers["content-type"] == "image/png"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert shown.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.requirement("B-15")
@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<svg onload='alert(1)'/>", media_type="image/svg+xml"),
        reply(b"<!doctype html>", media_type="image/png"),
        reply(png(4000, 4000), media_type="image/png"),
        reply(PICTURE + bytes(70_000), media_type="image/png"),
        reply(PICTURE, status="404 Not Found", media_type="image/png"),
        reply(b"", "Location: https://c.example/logo.png", status="302 Found"),
    ],
)
async def test_what_is_no_small_picture_is_not_shown(
    deploy: Deploy, answer: bytes
) -> None:
    async with asked(deploy) as it:
        it.web.pages[PAGE] = answer
        assert (await it.logo()).status_code == 404


@pytest.mark.requirement("B-15", "B-13")
@pytest.mark.parametrize(
    "url", ["http://c.example/logo.png", "https://127.0.0.1/logo.png"]
)
async def test_nothing_is_fetched_from_where_no_stranger_may_send_us(
    deploy: Deploy, url: str
) -> None:
    async with asked(deploy, url) as it:
        assert (await it.logo()).status_code == 404
        assert it.web.requests == []


@pytest.mark.requirement("B-15")
async def test_only_whoever_is_asked_makes_this_server_fetch(deploy: Deploy) -> None:
    async with asked(deploy) as it:
        (source,) = [url for url in read_page(it.page).sources if "/logo?" in url]
        stranger = await it.deployment.browser().get(source)
        guessed = await it.browser.get("/consent/logo?txn=x")
        assert (stranger.status_code, guessed.status_code) == (404, 404)
        assert it.web.requests == []


async def test_a_logo_stays_for_a_while_when_its_host_is_away(deploy: Deploy) -> None:
    async with asked(deploy) as it:
        it.web.pages[PAGE] = reply(
            PICTURE, "Cache-Control: max-age=1", media_type="image/png"
        )
        await it.logo()
        it.deployment.clock.advance(400)
        it.web.names["c.example"] = [[]]
        stale = await it.logo()
        assert (stale.status_code, stale.content) == (200, PICTURE)
        assert it.web.looked_up["c.example"] == 2


@pytest.mark.requirement("B-15")
@pytest.mark.parametrize(
    ("status", "stays"),
    [
        ("503 Service Unavailable", True),
        ("429 Too Many Requests", True),
        ("410 Gone", False),
    ],
)
async def test_a_logo_stays_while_its_host_cannot_answer_and_goes_when_it_is_gone(
    deploy: Deploy, status: str, stays: bool
) -> None:
    async with asked(deploy) as it:
        it.web.pages[PAGE] = reply(
            PICTURE, "Cache-Control: max-age=1", media_type="image/png"
        )
        await it.logo()
        it.deployment.clock.advance(400)
        it.web.pages[PAGE] = reply(b"sorry", status=status)
        assert (await it.logo()).status_code == (200 if stays else 404)
        assert it.web.count(PAGE) == 2


async def test_without_the_setting_nothing_is_fetched_or_shown(
    deployment: Deployment,
) -> None:
    client = await deployment.register(logo_uri=LOGO)
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    assert "<img" not in page.text
    txn = read_page(page).forms[0].fields["txn"]
    assert (await browser.get(f"/consent/logo?txn={txn}")).status_code == 404


async def test_a_client_without_a_logo_has_none(deploy: Deploy) -> None:
    async with deploy(policy=POLICY) as deployment:
        client = await deployment.register()
        browser = deployment.browser()
        page = await browser.consent_page(deployment.authorize_url(client))
        assert "<img" not in page.text
        txn = read_page(page).forms[0].fields["txn"]
        assert (await browser.get(f"/consent/logo?txn={txn}")).status_code == 404
