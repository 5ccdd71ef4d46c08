"""What several tests of the whole share: a browser, a client, an example server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.programs import find_program
from tests.system.browsing import ARGUMENTS, Callback
from tests.system.example_server import Example, example_running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser program; each test opens a profile of its own in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"), args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example of per-tool permissions, running, with a user."""
    with example_running(tmp_path_factory.mktemp("data")) as running:
        yield running


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
