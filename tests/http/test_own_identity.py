"""An application's own sessions: this server's follow them from page to page."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
import trio
from itsdangerous import BadSignature, TimestampSigner
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from actor_oauth.actors.user import UserActor
from actor_oauth.config import Settings
from actor_oauth.http.own_identity import BrowserRequest, OwnIdentity
from actor_oauth.provider import Provider, RunningProvider
from tests.http.deployment import Browser, query_of, read_page

ORIGIN = "https://as.example"
SIGN_IN = "https://app.example/sign-in?theme=dark"


async def by_cookie(request: BrowserRequest) -> str | None:
    """Whoever the application's cookie names."""
    return request.cookies.get("app")


@asynccontextmanager
async def open_own(data: Path, own: OwnIdentity) -> AsyncIterator[RunningProvider]:
    """A provider whose users are the application's."""
    settings = Settings.model_validate({"issuer": ORIGIN, "data": data})
    async with Provider(settings, own_identity=own).open() as running:
        yield running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningProvider]:
    """The usual one."""
    own = OwnIdentity(authenticate=by_cookie, sign_in_url=SIGN_IN)
    async with open_own(tmp_path, own) as running:
        yield running


def browser_of(running: RunningProvider, user: str | None = None) -> Browser:
    """A browser that the application knows, or does not."""
    browser = Browser(running.app, ORIGIN, address="203.0.113.5")
    if user is not None:
        browser.http.cookies["app"] = user
    return browser


async def request_of(running: RunningProvider, **more: str) -> str:
    """The URL of an authorization request."""
    registered = await browser_of(running).http.post(
        "/register",
        json={
            "redirect_uris": ["https://client.example/cb"],
            "client_name": "Ledger",
            "token_endpoint_auth_method": "none",
        },
    )
    parameters = {
        "response_type": "code",
        "client_id": registered.json()["client_id"],
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        **more,
    }
    return f"/authorize?{urlencode(parameters)}"


@pytest.mark.requirement("C-11")
async def test_who_is_signed_in_to_the_application_is_asked_at_once(
    running: RunningProvider,
) -> None:
    browser = browser_of(running, "ann")
    page = await browser.follow(await browser.get(await request_of(running)))
    assert "ann" in page.text
    answer = await browser.submit(page, decision="approve")
    assert "code" in query_of(read_page(answer).refresh or "")
    assert await running.server.user_exists("ann")


async def test_who_is_not_is_sent_there_and_comes_back(
    running: RunningProvider,
) -> None:
    browser = browser_of(running)
    url = await request_of(running, prompt="login", state="s")
    answer = await browser.get(url)
    location = answer.headers["location"]
    assert location.startswith(SIGN_IN + "&")
    sent = query_of(location)
    assert sent["prompt"] == "login"
    assert sent["return_to"].startswith(f"{ORIGIN}/authorize?response_type=code")
    browser.http.cookies["app"] = "ann"
    page = await browser.follow(await browser.get(sent["return_to"]))
    assert "Ledger" in page.text


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"prompt": "login"}, "login"),
        ({"prompt": "login consent"}, "login"),
        ({"prompt": "select_account"}, "select_account"),
        ({"max_age": "0"}, "login"),
    ],
)
async def test_who_is_to_sign_in_once_more_is_sent_there_once(
    running: RunningProvider, wish: dict[str, str], told: str
) -> None:
    browser = browser_of(running, "ann")
    await browser.get("/account")
    answer = await browser.get(await request_of(running, **wish))
    sent = query_of(answer.headers["location"])
    assert sent["prompt"] == told
    page = await browser.follow(await browser.get(sent["return_to"]))
    assert "Ledger" in page.text


async def test_a_wish_in_a_pushed_request_is_kept_and_ends(
    running: RunningProvider,
) -> None:
    browser = browser_of(running, "ann")
    await browser.get("/account")
    query = query_of(await request_of(running, prompt="login"))
    pushed = (await browser.http.post("/par", data=query)).json()
    name = {"client_id": query["client_id"], "request_uri": pushed["request_uri"]}
    answer = await browser.get(f"/authorize?{urlencode(name)}")
    sent = query_of(answer.headers["location"])
    assert sent["prompt"] == "login"
    page = await browser.follow(await browser.get(sent["return_to"]))
    assert "Ledger" in page.text


async def test_a_session_of_starlette_is_recognised_as_the_documents_say(
    tmp_path: Path,
) -> None:
    """FastAPI's sessions are these: a signed cookie."""

    async def sign_in(request: Request) -> Response:
        request.session["user"] = "ann"
        return Response()

    secret = "a secret of the application"
    app = Starlette(
        routes=[Route("/sign-in", sign_in)],
        middleware=[Middleware(SessionMiddleware, secret_key=secret)],
    )
    signer = TimestampSigner(secret)

    async def authenticate(request: BrowserRequest) -> str | None:
        try:
            sealed = signer.unsign(request.cookies.get("session", ""), max_age=1209600)
        except BadSignature:
            return None
        user: str | None = json.loads(b64decode(sealed)).get("user")
        return user

    own = OwnIdentity(authenticate=authenticate, sign_in_url=SIGN_IN)
    async with open_own(tmp_path, own) as running:
        browser = browser_of(running)
        assert (await browser.get("/account")).status_code == 302
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            given = (await http.get("/sign-in")).cookies["session"]
        browser.http.cookies["session"] = given
        assert "ann" in (await browser.get("/account")).text
        browser.http.cookies["session"] = "x" + given
        assert (await browser.get("/account")).status_code == 302


async def test_another_person_in_the_application_is_another_person_here(
    running: RunningProvider,
) -> None:
    browser = browser_of(running, "ann")
    assert "ann" in (await browser.get("/account")).text
    anns = dict(browser.http.cookies)
    browser.http.cookies["app"] = "bob"
    page = await browser.get("/account")
    assert "bob" in page.text
    assert "ann" not in page.text
    # The earlier session has ended, not only been forgotten by the browser.
    (name,) = [name for name in anns if "session" in name]
    assert await running.server.session(anns[name]) is None
    del browser.http.cookies["app"]
    answer = await browser.get("/account")
    assert answer.status_code == 302


async def test_a_session_is_opened_once_and_then_used(running: RunningProvider) -> None:
    browser = browser_of(running, "ann")
    first = await browser.get("/account")
    second = await browser.get("/account")
    assert "session" in first.headers["set-cookie"]
    assert "set-cookie" not in second.headers


async def test_a_disabled_account_is_nobodys(running: RunningProvider) -> None:
    browser = browser_of(running, "ann")
    await browser.get("/account")
    user = running.server.effects.system.get(
        UserActor, running.server.effects.user_key("ann")
    )
    await user.set_disabled(disabled=True, now=running.server.clock.now())
    assert (await browser.get("/account")).status_code == 302


@pytest.mark.requirement("D-06", "K-12")
@pytest.mark.parametrize("slow", [False, True])
async def test_an_application_that_cannot_say_makes_people_wait(
    tmp_path: Path, *, slow: bool
) -> None:
    async def fail(request: BrowserRequest) -> str | None:
        if slow:
            await trio.sleep_forever()
        raise LookupError(request.cookies["app"])

    own = OwnIdentity(authenticate=fail, sign_in_url=SIGN_IN, seconds=0.01)
    async with open_own(tmp_path, own) as running:
        with capture_logs() as logs:
            answer = await browser_of(running, "hush").get("/account")
        assert any(entry.get("callback") == "authenticate" for entry in logs)
        assert "hush" not in str(logs)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "LookupError" not in answer.text
