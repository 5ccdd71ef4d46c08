"""Pushed authorization requests through HTTP (RFC 9126)."""

from base64 import b64encode
from dataclasses import replace
from urllib.parse import urlencode

import httpx2
import pytest
import trio

from tests.http.deployment import (
    CHALLENGE,
    ISSUER,
    WEB_CALLBACK,
    Browser,
    Deploy,
    Deployment,
    policy_for,
    query_of,
    read_page,
)

TASKS = 32


def a_form(client: dict[str, str], **changes: str) -> dict[str, str]:
    return {
        "client_id": client["client_id"],
        "response_type": "code",
        "redirect_uri": WEB_CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": "notes:read",
        "state": "pushed state",
        **changes,
    }


async def push(deployment: Deployment, client: dict[str, str]) -> str:
    answer = await deployment.post("/par", a_form(client))
    assert answer.status_code == 201, answer.text
    name = answer.json()["request_uri"]
    assert isinstance(name, str)
    return name


def authorize_url(client: dict[str, str], name: str, **more: str) -> str:
    query = {"client_id": client["client_id"], "request_uri": name, **more}
    return f"{ISSUER}/authorize?{urlencode(query)}"


def target_of(answer: httpx2.Response) -> dict[str, str]:
    return query_of(read_page(answer).refresh or "")


@pytest.mark.requirement("C-25")
async def test_a_push_is_answered_with_a_name_that_no_cache_may_keep(
    deployment: Deployment,
) -> None:
    client = await deployment.register()

    answer = await deployment.post("/par", a_form(client))

    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    members = answer.json()
    assert members.keys() == {"request_uri", "expires_in"}
    assert members["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert members["expires_in"] == 90
    assert await push(deployment, client) != members["request_uri"]


@pytest.mark.requirement("C-25", "E-01")
async def test_a_confidential_client_must_authenticate_to_push(
    deployment: Deployment,
) -> None:
    client = await deployment.register(method="client_secret_basic")
    pair = f"{client['client_id']}:{client['client_secret']}"
    form = a_form(client)
    del form["client_id"]
    basic = "Basic " + b64encode(pair.encode()).decode()

    assert (await deployment.post("/par", a_form(client))).status_code == 401
    assert (await deployment.post("/par", form)).status_code == 401
    answer = await deployment.post("/par", form, Authorization=basic)

    assert answer.status_code == 201


@pytest.mark.requirement("C-25", "C-28")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "e30."}, "request_not_supported"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_faulty_push_is_told_to_the_client_at_once(
    deployment: Deployment, change: dict[str, str], error: str
) -> None:
    client = await deployment.register()

    answer = await deployment.post("/par", a_form(client, **change))

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.requirement("C-25")
async def test_pushing_takes_a_post_of_what_would_fit_into_a_url(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    http = deployment.browser().http

    by_get = await http.get("/par")
    long = await deployment.post("/par", a_form(client, state="\x01" * 8000))

    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST, OPTIONS")
    assert long.status_code == 413


@pytest.mark.requirement("C-26", "C-18")
async def test_only_what_was_pushed_counts(deployment: Deployment) -> None:
    client = await deployment.register()
    name = await push(deployment, client)
    browser = deployment.browser()

    page = await browser.consent_page(
        authorize_url(
            client,
            name,
            scope="notes:read notes:write",
            state="other state",
            redirect_uri="https://evil.example/",
            code_challenge="A" * 43,
        )
    )
    assert "notes:write" not in page.text
    answer = await browser.submit(page, decision="approve")

    given = target_of(answer)
    assert given["state"] == "pushed state"
    redeemed = await deployment.redeem(client, given["code"])
    assert redeemed.json()["scope"] == "notes:read"


@pytest.mark.requirement("C-27")
async def test_looking_spends_nothing_and_completing_spends_it(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    url = authorize_url(client, await push(deployment, client))
    prefetcher = deployment.browser("192.0.2.7")
    for _ in range(3):
        assert (await prefetcher.get(url)).status_code == 200
    browser = deployment.browser()
    first, second = await browser.consent_page(url), await browser.consent_page(url)

    assert "code" in target_of(await browser.submit(first, decision="approve"))
    late = await browser.submit(second, decision="approve")
    reload = await browser.get(url)

    assert late.status_code != 303
    assert read_page(late).refresh is None
    assert reload.status_code == 400
    assert "invalid_request_uri" not in reload.headers.get("location", "")
    assert "<code>invalid_request_uri</code>" in reload.text
    assert "Start again from the application" in reload.text


@pytest.mark.requirement("C-27", "C-16")
async def test_a_denial_completes_the_authorization_too(deployment: Deployment) -> None:
    client = await deployment.register()
    url = authorize_url(client, await push(deployment, client))
    browser = deployment.browser()
    first, second = await browser.consent_page(url), await browser.consent_page(url)

    denied = await browser.submit(first, decision="deny")
    late = await browser.submit(second, decision="deny")

    assert target_of(denied)["error"] == "access_denied"
    assert read_page(late).refresh is None
    assert (await browser.get(url)).status_code == 400


@pytest.mark.requirement("C-27", "M-11")
async def test_of_many_tabs_that_approve_or_deny_one_is_answered(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    url = authorize_url(client, await push(deployment, client))
    browser = deployment.browser()
    pages = [await browser.consent_page(url) for _ in range(TASKS)]
    answers: list[httpx2.Response] = []

    async def submit(browser: Browser, page: httpx2.Response, decision: str) -> None:
        answers.append(await browser.submit(page, decision=decision))

    async with trio.open_nursery() as nursery:
        for number, page in enumerate(pages):
            decision = "deny" if number % 4 == 3 else "approve"
            nursery.start_soon(submit, browser, page, decision)

    redirected = [page for page in map(read_page, answers) if page.refresh]
    assert len(redirected) == 1


@pytest.mark.requirement("C-26")
@pytest.mark.parametrize("late", [False, True])
async def test_a_browser_must_come_in_time_but_may_take_its_time_to_sign_in(
    deployment: Deployment, *, late: bool
) -> None:
    client = await deployment.register()
    url = authorize_url(client, await push(deployment, client))
    browser = deployment.browser()
    deployment.clock.advance(90 if late else 89)

    page = await browser.get(url)
    if late:
        assert page.status_code == 400
        assert "invalid_request_uri" in page.text
        return
    deployment.clock.advance(500)
    consent = await browser.follow(await browser.sign_in(page))
    deployment.clock.advance(500)
    answer = await browser.submit(consent, decision="approve")

    assert "code" in target_of(answer)


@pytest.mark.requirement("C-26", "C-28")
@pytest.mark.parametrize(
    "name",
    [
        "urn:ietf:params:oauth:request_uri:" + "A" * 43,
        "urn:ietf:params:oauth:request_uri:nonsense",
    ],
)
async def test_an_unknown_name_is_a_local_error(
    deployment: Deployment, name: str
) -> None:
    client = await deployment.register()
    more = {"redirect_uri": WEB_CALLBACK, "state": "x"}

    for known in (client, {"client_id": "unknown"}):
        page = await deployment.browser().get(authorize_url(known, name, **more))

        assert page.status_code == 400
        assert "location" not in page.headers
        assert read_page(page).refresh is None


@pytest.mark.requirement("C-14", "C-26")
async def test_a_redirect_uri_that_was_registered_no_more_is_not_used(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    url = authorize_url(client, await push(deployment, client))
    await deployment.server.delete_client(client["client_id"])

    page = await deployment.browser().get(url)

    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.requirement("C-26", "A-05")
async def test_where_pushing_is_required_a_plain_request_is_refused(
    deploy: Deploy,
) -> None:
    policy = replace(policy_for(ISSUER), require_pushed_requests=True)
    async with deploy(policy=policy) as deployment:
        document = (
            await deployment.browser().get("/.well-known/oauth-authorization-server")
        ).json()
        client = await deployment.register()
        browser = deployment.browser()
        await browser.consent_page(
            authorize_url(client, await push(deployment, client))
        )

        refused = await browser.get(deployment.authorize_url(client))

        assert document["pushed_authorization_request_endpoint"] == f"{ISSUER}/par"
        assert document["require_pushed_authorization_requests"] is True
        assert refused.status_code == 302
        assert query_of(refused.headers["location"])["error"] == "invalid_request"


@pytest.mark.requirement("A-08")
async def test_where_pushing_is_not_required_nothing_says_that_it_is(
    deployment: Deployment,
) -> None:
    document = (
        await deployment.browser().get("/.well-known/oauth-authorization-server")
    ).json()

    assert "require_pushed_authorization_requests" not in document
