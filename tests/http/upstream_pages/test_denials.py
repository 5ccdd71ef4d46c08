"""A person says no: on a page that asks, or at the service that it led to."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from actor_oauth.actors.authorization_server import AuthorizationError
from actor_oauth.oauth.federation.faults import SignInFault, SignInRefused
from actor_oauth.upstream.federation import Outward
from tests.http.deployment import query_of, read_page
from tests.http.federation.site import ORIGIN, open_site
from tests.http.upstream_pages.stage import BROWSER, CALLBACK, OTHER, Stage, open_stage


def told(error: AuthorizationError | None) -> dict[str, str]:
    """What the client is told."""
    assert error is not None
    assert error.redirect_to is not None
    assert error.redirect_to.startswith(CALLBACK)
    return query_of(error.redirect_to)


async def denied_at_the_service(
    stage: Stage, sent: dict[str, str], error: str = "access_denied"
) -> SignInRefused:
    """Come back from the service with a no."""
    answer = urlencode({"error": error, "state": sent["state"]})
    back = await stage.provider.finish_upstream("idp", answer, browser=BROWSER)
    assert isinstance(back, SignInRefused)
    return back


@pytest.mark.requirement("C-15")
async def test_the_client_hears_of_a_no_once_the_browser_that_was_asked_says_it(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path) as stage:
        ticket = (await stage.ask()).ticket
        deny = stage.provider.deny_upstream
        for browser in (OTHER, None):
            assert (await deny(ticket, browser=browser)).redirect_uri is None
        answer = told(await deny(ticket, browser=BROWSER))
        assert (answer["error"], answer["state"]) == ("access_denied", "s")
        assert answer["iss"] == ORIGIN
        await stage.provider.server.delete_client(stage.client_id)
        assert (await deny(ticket, browser=BROWSER)).redirect_uri is None


@pytest.mark.requirement("C-15")
async def test_the_client_hears_of_a_no_at_the_service_and_of_nothing_else(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path) as stage:
        back = await denied_at_the_service(stage, await stage.leave(data="my own"))
        assert (back.fault, back.data) == (SignInFault.DENIED, "my own")
        assert told(back.error)["error"] == "access_denied"
        # Who has denied nothing may try again; nobody asked for a plain sign-in.
        failed = await denied_at_the_service(stage, await stage.leave(), "server_error")
        assert (failed.fault, failed.error) == (SignInFault.UPSTREAM_FAILED, None)
        plain = await stage.provider.begin_upstream("idp", browser=BROWSER)
        assert isinstance(plain, Outward)
        back = await denied_at_the_service(stage, query_of(plain.url))
        assert (back.fault, back.error) == (SignInFault.DENIED, None)


async def test_who_cancels_at_the_service_may_sign_in_otherwise_and_go_on(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path) as site:
        server = site.running.server
        await server.create_user("ada", "correct horse battery")
        registered = await site.browser().http.post(
            "/register",
            json={"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"},
        )
        request = {
            "response_type": "code",
            "client_id": registered.json()["client_id"],
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        browser = site.browser()
        page = await browser.get(f"/authorize?{urlencode(request)}")
        sent = await site.leave(browser, page)
        query = urlencode({"error": "access_denied", "state": sent["state"]})
        again = await browser.get(f"/login/callback/idp?{query}")
        assert again.status_code == 403
        assert SignInFault.DENIED.text in again.text
        asked = await browser.submit(
            again, form=1, username="ada", password="correct horse battery"
        )
        asked = await browser.follow(asked)
        assert "Allow" in asked.text
        assert read_page(asked).forms
