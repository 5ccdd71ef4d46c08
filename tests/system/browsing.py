"""A person at a real browser, and the client that sends them there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from playwright.sync_api import Browser, Page

from actor_oauth.oauth.pkce import challenge_of

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


@contextmanager
def person(
    chromium: Browser,
    *,
    scripts: bool = True,
    width: int = 1200,
    dark: bool = False,
    ours: str = "",
) -> Iterator[Page]:
    """Somebody at a fresh browser, whose complaints fail the test.

    Args:
        chromium: The program.
        scripts: Whether they run.
        width: Of the window, in pixels.
        dark: Whether dark colours are liked.
        ours: How the addresses begin whose complaints count; those of others are theirs.
    """
    context = chromium.new_context(
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 800},
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text) if page.url.startswith(ours) else None
        ),
    )
    page.on(
        "pageerror",
        lambda error: (
            complaints.append(str(error)) if page.url.startswith(ours) else None
        ),
    )
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
