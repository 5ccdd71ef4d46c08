"""A person with a real browser signs in with a real OpenID provider, by clicks."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.mcp.people import add_user
from tests.support.openid_provider import openid_provider_running
from tests.support.server_process import serving
from tests.system.browsing import (
    PASSWORD,
    USER,
    Callback,
    Client,
    assert_readable,
    person,
    sign_in,
)

pytestmark = pytest.mark.needs("chromium", "node22", "oidc-provider")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server with one user, at which people may sign in from elsewhere."""
    data: Path = tmp_path_factory.mktemp("data")
    # Of a native application on this machine any port will do.
    callback = "http://127.0.0.1/login/callback/idp"
    with openid_provider_running(callback) as upstream:
        idp = {
            "name": "idp",
            "kind": "oidc",
            "label": "Example Inc.",
            "issuer": upstream,
            "client_id": "us",
            "client_secret": "secret",
            "method": "client_secret_basic",
            "everyone": True,
        }
        github = {
            "name": "github",
            "kind": "github",
            "client_id": "us",
            "client_secret": "secret",
            "everyone": True,
        }
        environment = {
            "ACTOR_OAUTH_LOGIN_PROVIDERS": json.dumps([idp, github]),
            "ACTOR_OAUTH_LOOPBACK_UPSTREAMS": "true",
        }
        with serving(data, environment=environment) as server:
            add_user(data, USER, PASSWORD)
            yield server.url


def sign_in_there(page: Page, name: str) -> None:
    """Sign in and agree on the provider's own pages."""
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_person_signs_in_elsewhere_and_lands_at_the_client_with_a_code(
    chromium: Browser, issuer: str, callback: Callback
) -> None:
    answer = httpx2.post(
        issuer + "/register",
        json={
            "client_name": "Ledger Assistant",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        },
    )
    client = Client(issuer, answer.json()["client_id"], callback.url)
    with person(chromium, ours=issuer) as page:
        page.goto(client.url())
        page.get_by_role("button", name="Continue with Example Inc.").click()
        sign_in_there(page, "grace")
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_contain_text("Ledger Assistant wants access to")
        expect(page.get_by_text("You are signed in as grace")).to_be_visible()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(callback.url + "*")
    assert client.redeem(callback.answer()["code"]).status_code == 200


def test_a_person_connects_an_account_elsewhere_and_disconnects_it(
    chromium: Browser, issuer: str
) -> None:
    with person(chromium, ours=issuer) as page:
        page.goto(issuer + "/login")
        sign_in(page)
        page.get_by_role("link", name="Show ways to sign in").click()
        expect(page.get_by_text("No other service is linked")).to_be_visible()
        page.get_by_role("button", name="Connect Example Inc.").click()
        sign_in_there(page, "barbara")
        expect(page.get_by_text("barbara@people.example")).to_be_visible()
        page.get_by_role("button", name="Disconnect Example Inc.").click()
        expect(page.get_by_text("No other service is linked")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_of_other_services_fit_a_narrow_screen_and_have_enough_contrast(
    chromium: Browser, issuer: str, *, dark: bool
) -> None:
    with person(chromium, width=320, dark=dark, ours=issuer) as page:
        page.goto(issuer + "/login")
        assert_readable(page)
        page.get_by_role("button", name="Continue with Example Inc.").click()
        sign_in_there(page, "grace-with-a-very-long-name-that-does-not-fit-anywhere")
        page.wait_for_url(issuer + "/account")
        assert_readable(page)
        page.goto(issuer + "/account/sign-ins")
        assert_readable(page)
        page.goto(issuer + "/login/callback/idp?state=x&code=y")
        assert_readable(page)
