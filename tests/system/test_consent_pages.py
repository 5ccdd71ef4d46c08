"""A person with a real browser: not to be asked again, asked for more, and devices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.mcp.people import add_user
from tests.support.server_process import run_command, serving
from tests.system.browsing import (
    PASSWORD,
    USER,
    VERIFIER,
    Callback,
    Client,
    assert_readable,
    person,
    sign_in,
)

pytestmark = pytest.mark.needs("chromium")

SETTINGS = """
replace_grants = "always"
device_authorization_enabled = true

[scope_descriptions]
read = "Read your notes"
write = "Change your notes"

[[resources]]
identifier = "http://127.0.0.1:8000/mcp"
name = "Field Notes"
scopes = ["read", "write"]
default_scopes = ["read"]
"""


@dataclass(frozen=True)
class Setting:
    """A running server, and a client that the operator made."""

    url: str
    client: dict[str, str]

    def asking(self, callback: Callback) -> Client:
        return Client(self.url, self.client["client_id"], callback.url)

    def redeem(self, callback: Callback, code: str) -> httpx2.Response:
        """Trade the code for tokens, as a client with a secret."""
        return httpx2.post(
            self.url + "/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": VERIFIER,
                "redirect_uri": callback.url,
                "client_id": self.client["client_id"],
                "client_secret": self.client["client_secret"],
            },
        )


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    data: Path = tmp_path_factory.mktemp("data")
    file = data / "settings.toml"
    file.write_text(SETTINGS)
    with serving(data, "--config", str(file)) as server:
        where = ("--data", str(data), "--config", str(file))
        add_user(data, USER, PASSWORD)
        made = run_command(
            "clients", "add", "--name", "Ledger Assistant", "--confidential",
            "--redirect-uri", "http://127.0.0.1/callback", "--json", *where,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        yield Setting(server.url, json.loads(made.stdout))


def allow(page: Page, callback: Callback) -> str:
    """Press the button; gives the code."""
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(callback.url + "*")
    return callback.answer()["code"]


@pytest.mark.requirement("C-12", "J-07")
def test_a_person_need_not_answer_twice_and_can_change_their_mind(
    chromium: Browser, setting: Setting, callback: Callback
) -> None:
    client = setting.asking(callback)
    with person(chromium) as page:
        page.goto(client.url())
        sign_in(page)
        page.get_by_label("Do not ask me again").check()
        allow(page, callback)

        page.goto(client.url())
        page.wait_for_url(callback.url + "*")
        code = callback.answer()["code"]
        assert setting.redeem(callback, code).status_code == 200

        page.goto(setting.url + "/account")
        assert_readable(page)
        page.get_by_role("button", name="Ask again").click()
        expect(page.get_by_role("status")).to_contain_text("asked again")
        page.goto(client.url())
        expect(page.get_by_role("button", name="Deny")).to_be_visible()


@pytest.mark.requirement("C-21")
def test_a_person_sees_what_is_new_when_more_is_asked(
    chromium: Browser, setting: Setting, callback: Callback
) -> None:
    client = setting.asking(callback)
    with person(chromium, width=320) as page:
        page.goto(client.url(scope="read", prompt="consent"))
        sign_in(page)
        setting.redeem(callback, allow(page, callback))

        page.goto(client.url(scope="write"))
        known = page.locator("label").filter(has_text="Read your notes")
        expect(known).to_contain_text("already allowed")
        more = page.locator("label").filter(has_text="Change your notes")
        expect(more).to_contain_text("new")
        expect(page.get_by_role("button", name="Allow")).to_be_enabled()
        assert_readable(page)
        tokens = setting.redeem(callback, allow(page, callback)).json()
        assert set(tokens["scope"].split()) == {"read", "write"}


@pytest.mark.requirement("D-52")
def test_a_person_lets_a_device_in(chromium: Browser, setting: Setting) -> None:
    device = httpx2.post(
        setting.url + "/register",
        json={
            "client_name": "Kitchen Radio",
            "token_endpoint_auth_method": "none",
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
        },
    ).json()
    begun = httpx2.post(
        setting.url + "/device_authorization", data={"client_id": device["client_id"]}
    ).json()
    with person(chromium, width=320) as page:
        page.goto(begun["verification_uri_complete"])
        sign_in(page)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Kitchen Radio")
        expect(page.get_by_role("button", name="Allow")).to_be_enabled()
        assert_readable(page)
        page.get_by_role("button", name="Allow").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access allowed")
