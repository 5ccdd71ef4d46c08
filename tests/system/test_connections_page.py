"""A person with a real browser connects, renews and removes a service."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.mcp.people import add_user
from tests.support.server_process import run_command, serving
from tests.system.browsing import PASSWORD, USER, assert_readable, person, sign_in

pytestmark = pytest.mark.needs("chromium")

WIDTHS: Final = (320, 1200)
SCHEMES: Final[tuple[Literal["dark", "light"], ...]] = ("dark", "light")


@dataclass(frozen=True)
class Setting:
    """This server, and another one whose MCP server is to be connected."""

    url: str
    other: str
    other_data: Path

    @property
    def page(self) -> str:
        return self.url + "/oauth/connections"

    def end_everything(self) -> None:
        """Be the user who ends the access at the other server."""
        where = ("--data", str(self.other_data))
        listed = run_command("grants", "list", "grace", "--json", *where)
        for grant in json.loads(listed.stdout):
            ended = run_command("grants", "revoke", "grace", grant["grant_id"], *where)
            assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    data, other_data = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("other")
    ours = {
        "ACTOR_OAUTH_VAULT_ENABLED": "true",
        "ACTOR_OAUTH_LOOPBACK_UPSTREAMS": "true",
    }
    theirs = {"ACTOR_OAUTH_AUTO_APPROVE": "grace"}
    with (
        serving(data, environment=ours) as server,
        serving(other_data, environment=theirs) as other,
    ):
        add_user(data, USER, PASSWORD)
        yield Setting(server.url, other.url, other_data)


def look(page: Page) -> None:
    """See that the page can be read on a telephone and on a desk, by day and by night."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in SCHEMES:
            # Colours that still change would be measured on their way.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert_readable(page)


@pytest.mark.requirement("I-23", "I-31", "I-39", "I-40")
def test_a_service_is_connected_renewed_and_removed_through_the_page(
    chromium: Browser, setting: Setting
) -> None:
    with person(chromium) as page:
        page.goto(setting.page)
        sign_in(page)
        expect(page.get_by_text("No service is connected")).to_be_visible()
        page.get_by_label("Address").fill(setting.other + "/mcp")
        page.get_by_role("button", name="Connect").click()

        expect(page.get_by_role("status")).to_contain_text("is connected")
        assert not re.search("code=|state=", page.url)
        expect(page.get_by_text(setting.other + "/mcp")).to_be_visible()
        look(page)
        page.get_by_role("button", name=re.compile("^Renew ")).click()
        expect(page.get_by_role("status")).to_contain_text("renewed")

        setting.end_everything()
        page.get_by_role("button", name=re.compile("^Renew ")).click()
        expect(page.get_by_role("heading", name="This did not work")).to_be_visible()
        page.get_by_role("link", name="Connected services").click()
        expect(page.get_by_text("Access has ended")).to_be_visible()
        look(page)
        page.get_by_role("button", name=re.compile("^Connect .* again$")).click()
        expect(page.get_by_role("status")).to_contain_text("is connected")

        page.get_by_role("button", name=re.compile("^Disconnect ")).click()
        expect(page.get_by_role("status")).to_contain_text("disconnected")
        expect(page.get_by_text("No service is connected")).to_be_visible()
        look(page)
