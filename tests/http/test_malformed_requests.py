"""Whatever a client sends, the server answers with an error and never breaks."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.deployment import USER, WEB_CALLBACK, Deploy, Deployment

FORM = "application/x-www-form-urlencoded"
PROTOCOL = ["/token", "/revoke", "/introspect", "/register"]
PAGES = [
    "/authorize",
    "/login",
    "/consent",
    "/account",
    "/account/revoke",
    "/account/sign-out-everywhere",
    "/logout",
]
BODIES = [
    b"",
    b"&&&&",
    b"=",
    b"a",
    b"%",
    b"%zz=%1",
    b"a=%ff",
    b"\xff\xfe",
    b"token=\x00",
    b"client_id=%00&grant_type=%0d%0a",
    b"grant_type=refresh_token&grant_type=refresh_token",
    b"client_id=" + b"x" * 60000,
    b"&".join(b"a%d=b" % number for number in range(200)),
    b"txn=a&txn=b&csrf=c&csrf=d&decision=approve",
    b"ticket=%F0%9F%92%A9&username=%00&password=%00",
    b"code=%E2%80%AE&code_verifier=" + b"~" * 200,
    "grant=ü".encode(),
    b"{}",
    b"[[[",
    b'{"redirect_uris": 5}',
    b'{"redirect_uris": ["\\ud800"]}',
    b'{"redirect_uris": [null, {}, "https://[", "http://127.0.0.1:99999/"]}',
    b'{"client_name": 1e999, "redirect_uris": ["https://a.example/"]}',
    b"x" * 70000,
]
TYPES = [FORM, "application/json", "multipart/form-data; boundary=x", "\xff", ""]


def check(status: int, text: str) -> None:
    """An answer that blames nobody wrongly and shows nothing of the inside."""
    assert status < 500
    for sign in ("Traceback", "site-packages", ".py", "Exception"):
        assert sign not in text


@pytest.mark.requirement("D-01", "D-06")
@pytest.mark.parametrize("path", PROTOCOL + PAGES)
async def test_malformed_bodies_are_answered_with_an_error(
    deployment: Deployment, path: str
) -> None:
    http = deployment.browser().http
    for body in BODIES:
        for media_type in TYPES:
            answer = await http.post(
                path,
                content=body,
                headers={b"Content-Type": media_type.encode("latin-1")},
            )
            check(answer.status_code, answer.text)


@pytest.mark.parametrize("path", PAGES)
async def test_malformed_queries_and_cookies_are_answered_with_an_error(
    deployment: Deployment, path: str
) -> None:
    browser = deployment.browser()
    cookies = await session_cookies(deployment)
    for body in BODIES:
        if len(body) < 5000:
            query = body.decode("latin-1").replace("\x00", "%00")
            answer = await browser.http.get(f"{path}?{query}")
            check(answer.status_code, answer.text)
    for value in ("", "x", "aoss_" + "A" * 80, '"', "\xff" * 10, "a" * 4000):
        header = "; ".join(f"{name}={value}" for name in cookies)
        answer = await browser.http.get(
            path, headers={b"Cookie": header.encode("latin-1")}
        )
        check(answer.status_code, answer.text)


async def session_cookies(deployment: Deployment) -> list[str]:
    browser = deployment.browser()
    await browser.sign_in(await browser.get("/login"))
    return list(browser.http.cookies)


@pytest.mark.requirement("D-01")
@pytest.mark.parametrize("path", PROTOCOL + PAGES)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
async def test_an_unknown_method_is_told_which_are_allowed(
    deployment: Deployment, path: str, method: str
) -> None:
    answer = await deployment.browser().http.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"]
    check(answer.status_code, answer.text)


@pytest.mark.parametrize(
    "path", ["/authorize", "/login", "/consent", "/account", "/logout"]
)
async def test_head_works_where_get_does(deployment: Deployment, path: str) -> None:
    http = deployment.browser().http

    got, head = await http.get(path), await http.head(path)

    assert head.status_code == got.status_code
    assert head.content == b""


@pytest.mark.parametrize(
    "path", ["/x//authorize", "/authorize/", "/token/", "/TOKEN", "/"]
)
async def test_a_path_that_is_almost_right_is_not_found(
    deployment: Deployment, path: str
) -> None:
    answer = await deployment.browser().http.get(f"https://as.example{path}")

    assert answer.status_code == 404


async def test_an_oversized_page_form_is_refused(deployment: Deployment) -> None:
    answer = await deployment.browser().http.post(
        "/login", content=b"x" * 100_000, headers={"Content-Type": FORM}
    )

    assert answer.status_code == 413
    assert "Too large" in answer.text


_NAMES = [
    "client_id",
    "redirect_uri",
    "response_type",
    "state",
    "scope",
    "resource",
    "prompt",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "login_hint",
]
_VALUES = st.text(st.characters(codec="utf-8"), max_size=40)
_QUERIES = st.dictionaries(
    st.sampled_from(_NAMES),
    _VALUES | st.sampled_from(["code", "S256", "none", "query", USER, WEB_CALLBACK]),
)


# Each example opens a server, so there are few, of many requests each.
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(queries=st.lists(_QUERIES, min_size=20, max_size=40))
async def test_no_authorization_request_breaks_the_server(
    deploy: Deploy, queries: list[dict[str, str]]
) -> None:
    async with deploy() as deployment:
        client = await deployment.register()
        http = deployment.browser().http
        for query in queries:
            for known in ({}, {"client_id": client["client_id"]}):
                answer = await http.get("/authorize", params={**query, **known})
                check(answer.status_code, answer.text)
