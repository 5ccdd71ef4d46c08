"""A person with a real browser: headless Chromium against the real process.

Signs in, sees what is asked, decides, and lands at the client's callback, which is a
real listener on loopback.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.mcp.people import add_user
from tests.support.server_process import serving
from tests.system.browsing import (
    PASSWORD,
    STATE,
    USER,
    Callback,
    Client,
    assert_readable,
    person,
    sign_in,
)

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server with one user."""
    data: Path = tmp_path_factory.mktemp("data")
    with serving(data) as server:
        add_user(data, USER, PASSWORD)
        yield server.url


@pytest.fixture
def client(issuer: str, callback: Callback) -> Client:
    """Registered over HTTP."""
    answer = httpx2.post(
        issuer + "/register",
        json={
            "client_name": "Ledger Assistant",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        },
    )
    return Client(issuer, answer.json()["client_id"], callback.url)


@pytest.mark.requirement("C-13", "C-18", "J-02", "J-03")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_person_signs_in_allows_and_lands_at_the_client_with_a_code(
    chromium: Browser, client: Client, callback: Callback, *, scripts: bool
) -> None:
    with person(chromium, scripts=scripts) as page:
        page.goto(client.url())
        expect(page.get_by_text("to continue to Ledger Assistant")).to_be_visible()
        sign_in(page)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_contain_text("Ledger Assistant wants access to")
        expect(page.get_by_text(f"You are signed in as {USER}")).to_be_visible()
        expect(page.get_by_text("name not verified")).to_be_visible()
        expect(page.get_by_text("127.0.0.1, a program on this device")).to_be_visible()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(callback.url + "*")

    answer = callback.answer()
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (STATE, client.issuer)
    assert client.redeem(answer["code"]).status_code == 200


@pytest.mark.requirement("C-16", "C-18")
def test_a_person_denies_and_the_client_is_told(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    with person(chromium) as page:
        page.goto(client.url())
        sign_in(page)
        page.get_by_role("button", name="Deny").click()
        page.wait_for_url(callback.url + "*")

    answer = callback.answer()
    assert answer["error"] == "access_denied"
    assert (answer["state"], answer["iss"]) == (STATE, client.issuer)
    assert "code" not in answer


@pytest.mark.requirement("C-15")
def test_going_back_and_deciding_again_changes_nothing(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    with person(chromium) as page:
        page.goto(client.url())
        sign_in(page)
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(callback.url + "*")
        page.goto(client.issuer + "/account")
        page.go_back()
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Already answered")

    assert client.redeem(callback.answer()["code"]).status_code == 200


@pytest.mark.requirement("J-08")
def test_the_deciding_buttons_are_dead_for_a_moment(
    chromium: Browser, client: Client
) -> None:
    with person(chromium) as page:
        page.goto(client.url())
        sign_in(page)
        page.wait_for_url("**/consent?*")
        page.clock.install()
        page.reload()
        for name in ("Allow", "Deny"):
            expect(page.get_by_role("button", name=name)).to_be_disabled()
        page.clock.run_for(1000)
        for name in ("Allow", "Deny"):
            expect(page.get_by_role("button", name=name)).to_be_enabled()


def test_a_wrong_password_is_told_and_the_request_survives_it(
    chromium: Browser, client: Client
) -> None:
    with person(chromium) as page:
        page.goto(client.url())
        page.get_by_label("Username").fill(USER)
        page.get_by_label("Password").fill("wrong password")
        page.get_by_label("Password").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("do not match")
        sign_in(page)
        expect(page.get_by_role("button", name="Allow")).to_be_visible()


@pytest.mark.requirement("H-08")
def test_a_person_finds_the_application_on_the_account_page_and_disconnects_it(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    with person(chromium) as page:
        page.goto(client.url())
        sign_in(page)
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(callback.url + "*")
        assert client.redeem(callback.answer()["code"]).status_code == 200

        page.goto(client.issuer + "/account")
        entries = page.get_by_role("listitem").filter(has_text="Ledger Assistant")
        before = entries.count()
        entries.first.get_by_role("button", name="Disconnect").click()
        expect(page.get_by_role("status")).to_contain_text("disconnected")
        assert entries.count() == before - 1

        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        page.goto(client.issuer + "/account")
        page.wait_for_url("**/login")


@pytest.mark.requirement("J-01")
def test_no_page_can_be_put_into_a_frame(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    callback.html = f'<iframe src="{client.issuer}/login"></iframe>'
    context = chromium.new_context()
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text))

    page.goto(callback.url.replace("/callback", "/framing"))
    page.wait_for_load_state("networkidle")
    framed = page.frames[1].content()
    context.close()

    assert "Username" not in framed
    assert any("frame-ancestors" in text for text in refused)


@pytest.mark.requirement("J-04")
def test_a_form_on_another_page_cannot_sign_a_person_out(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    # Another port of one host is another origin but the same site: cookies come along.
    callback.html = f"""
        <form method="post" action="{client.issuer}/logout">
        <input name="csrf" value="guessed"><button>Win a prize</button></form>"""
    with person(chromium) as page:
        page.goto(client.issuer + "/login")
        sign_in(page)
        page.wait_for_url("**/account")
        page.goto(callback.url.replace("/callback", "/prize"))
        page.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "This form is not valid"
        )
        page.goto(client.issuer + "/account")
        expect(page.get_by_text("Connected applications")).to_be_visible()


@pytest.mark.requirement("J-10")
def test_a_page_loads_nothing_from_anywhere_else(
    chromium: Browser, client: Client, callback: Callback
) -> None:
    with person(chromium) as page:
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        page.goto(client.url())
        sign_in(page)
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url(callback.url + "*")

    foreign = [url for url in loaded if not url.startswith(client.issuer)]
    assert [url.partition("?")[0] for url in foreign] == [callback.url]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_narrow_screen_and_have_enough_contrast(
    chromium: Browser, client: Client, *, dark: bool
) -> None:
    with person(chromium, width=320, dark=dark) as page:
        page.goto(client.issuer + "/authorize")
        assert_readable(page)
        page.goto(client.url())
        assert_readable(page)
        sign_in(page)
        page.wait_for_url("**/consent?*")
        expect(page.get_by_role("button", name="Allow")).to_be_enabled()
        assert_readable(page)
        page.goto(client.issuer + "/account")
        assert_readable(page)
