"""A person with a real browser: headless Chromium against the real process.

Signs in, sees what is asked, decides, and lands at the client's callback, which is a
real listener on loopback.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from actor_oauth.oauth.pkce import challenge_of
from tests.support.programs import find_program
from tests.support.server_process import run_command, serving

pytestmark = pytest.mark.needs("chromium")

USER = "ada"
PASSWORD = "correct horse battery staple"
VERIFIER = "v" * 43
STATE = "a state with spaces & ümlauts"
PATIENCE_MS = 30_000

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server with one user."""
    data: Path = tmp_path_factory.mktemp("data")
    with serving(data) as server:
        added = run_command(
            "users", "add", USER, "--password-stdin", "--data", str(data),
            stdin=PASSWORD + "\n",
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        yield server.url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser program; each test opens a profile of its own in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"), args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@dataclass
class Callback:
    """The client's side of the redirect: a listener that remembers what came."""

    url: str
    html: str = "<!doctype html><title>client</title><p>You may close this page.</p>"
    arrived: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def answer(self) -> dict[str, str]:
        """The query that the browser brought; each parameter once."""
        found = parse_qs(urlsplit(self.arrived.get(timeout=30)).query)
        assert all(len(values) == 1 for values in found.values())
        return {name: values[0] for name, values in found.items()}


@pytest.fixture
def callback() -> Iterator[Callback]:
    """A client's listener on a free port of loopback."""

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):
                known.arrived.put(self.path)
            body = known.html.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        known = Callback(f"http://127.0.0.1:{server.server_port}/callback")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Client:
    """A client that registered itself."""

    issuer: str
    client_id: str
    redirect_uri: str

    def url(self, **more: str) -> str:
        """Where it sends its user."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "state": STATE,
            **more,
        }
        return f"{self.issuer}/authorize?{urlencode(query)}"

    def redeem(self, code: str) -> httpx2.Response:
        """Trade the code for tokens."""
        return httpx2.post(
            self.issuer + "/token",
            data={
                "grant_type": "authorization_code",
                "client_id": self.client_id,
                "code": code,
                "code_verifier": VERIFIER,
                "redirect_uri": self.redirect_uri,
            },
        )


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


@contextmanager
def person(
    chromium: Browser, *, scripts: bool = True, width: int = 1200, dark: bool = False
) -> Iterator[Page]:
    """Somebody at a fresh browser, whose complaints fail the test."""
    context = chromium.new_context(
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 800},
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    # A status of 4xx is reported as if it were an error of the page.
    assert [text for text in complaints if "the server responded" not in text] == []


def sign_in(page: Page) -> None:
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


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


# WCAG 2.2: 1.4.10 reflow at 320 pixels, 1.4.3 contrast of text at least 4.5.
_UNREADABLE = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > window.innerWidth) { found.push("too wide"); }
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const rgba = channels(getComputedStyle(at).backgroundColor);
      if (rgba.length === 3 || rgba[3] === 1) { return rgba; }
    }
    return [255, 255, 255];
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility()) { continue; }
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) { found.push(`${element.textContent.trim()}: ${ratio.toFixed(2)}`); }
  }
  return found;
}"""


def assert_readable(page: Page) -> None:
    assert page.evaluate(_UNREADABLE) == []
