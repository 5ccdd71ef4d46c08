"""Headers that every answer of the server carries, page by page."""

import re

import httpx2
import pytest

from tests.http.deployment import (
    LOOPBACK_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
    read_page,
)


async def every_kind_of_page(deployment: Deployment) -> dict[str, httpx2.Response]:
    """One answer of each kind, by name."""
    client = await deployment.register()
    url = deployment.authorize_url(client)
    browser = deployment.browser()
    sign_in = await browser.get(url)
    entered = await browser.sign_in(sign_in)
    consent = await browser.follow(entered)
    asked = await browser.get(url)
    departure = await browser.submit(consent, decision="approve")
    return {
        "sign-in": sign_in,
        "wrong password": await browser.sign_in(sign_in, "wrong password"),
        "after sign-in": entered,
        "to the question": asked,
        "consent": consent,
        "departure": departure,
        "answered": await browser.submit(consent, decision="approve"),
        "account": await browser.get("/account"),
        "logout": await browser.get("/logout"),
        "error": await browser.get("/authorize"),
        "foreign form": await browser.submit(consent, csrf="x"),
        "click-through": await deployment.browser().get(url.replace("S256", "plain")),
        "not found": await browser.get("/nothing"),
        "wrong method": await browser.http.put("/login"),
        "wrong media type": await browser.http.post("/login", json={}),
    }


WITH_FORMS = {"sign-in", "wrong password", "consent", "account", "logout"}


@pytest.mark.requirement("J-01", "J-05", "J-11", "J-12")
async def test_every_page_is_locked_down(deployment: Deployment) -> None:
    for name, answer in (await every_kind_of_page(deployment)).items():
        headers = answer.headers
        policy = headers["content-security-policy"]
        with_form = name in WITH_FORMS
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "base-uri 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert ("form-action 'self'" in policy) is with_form, name
        assert ("form-action 'none'" in policy) is not with_form, name
        assert ("script-src" in policy) is with_form, name
        assert headers["x-frame-options"] == "DENY", name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["cache-control"] == "no-store", name
        referrer = "same-origin" if with_form else "no-referrer"
        assert headers["referrer-policy"] == referrer, name
        assert headers["strict-transport-security"].startswith("max-age="), name
        assert "cross-origin-opener-policy" not in headers, name


@pytest.mark.requirement("J-01", "J-10")
async def test_no_page_has_inline_code_or_style_or_foreign_content(
    deployment: Deployment,
) -> None:
    for name, answer in (await every_kind_of_page(deployment)).items():
        if not answer.text:
            continue
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text), name
        assert "<script>" not in answer.text, name
        for source in read_page(answer).sources:
            assert source.startswith("/static/"), name


@pytest.mark.requirement("C-19")
async def test_a_form_is_answered_by_a_page_or_a_303_to_our_own_origin(
    deployment: Deployment,
) -> None:
    for name, answer in (await every_kind_of_page(deployment)).items():
        assert answer.status_code not in {301, 307, 308}, name
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/"), name


async def test_labels_headings_and_language_are_there_for_all_readers(
    deployment: Deployment,
) -> None:
    for name, answer in (await every_kind_of_page(deployment)).items():
        if not answer.text:
            continue
        assert '<html lang="en">' in answer.text, name
        assert answer.text.count("<h1>") == 1, name
        assert "<main" in answer.text, name
        ids = re.findall(r'\sid="([^"]*)"', answer.text)
        assert len(ids) == len(set(ids)), name
        for field in re.findall(r'<input id="([^"]*)"', answer.text):
            assert f'<label for="{field}">' in answer.text, name


@pytest.mark.requirement("J-12", "A-17")
async def test_hsts_is_for_https_only(deploy: Deploy) -> None:
    async with deploy(policy=policy_for("http://127.0.0.1:8000")) as deployment:
        for path in ("/login", "/.well-known/oauth-authorization-server", "/nothing"):
            answer = await deployment.browser().get(path)
            assert "strict-transport-security" not in answer.headers


@pytest.mark.requirement("J-12")
@pytest.mark.parametrize(
    "path", ["/token", "/register", "/.well-known/oauth-authorization-server"]
)
async def test_protocol_answers_have_hsts_too(
    deployment: Deployment, path: str
) -> None:
    answer = await deployment.browser().get(path)

    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_page_that_cannot_be_had_right_now_says_so(
    deployment: Deployment,
) -> None:
    client = await deployment.register(LOOPBACK_CALLBACK)
    browser = deployment.browser()
    url = deployment.authorize_url(client, redirect_uri=LOOPBACK_CALLBACK)
    page = await browser.consent_page(url)
    deployment.disk.failing.add("user")

    answer = await browser.submit(page, decision="approve")

    assert answer.status_code == 503
    assert "Please try again" in answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert read_page(answer).refresh is None


@pytest.mark.requirement("K-12")
async def test_a_bug_in_a_page_shows_nothing_of_itself(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bug(*_arguments: object) -> None:
        raise ValueError("aoss_secret in a message")

    monkeypatch.setattr(deployment.server, "parse_auth_request", bug)

    answer = await deployment.browser().get("/authorize?client_id=secret")

    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
