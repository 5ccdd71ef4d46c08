"""The authorization endpoint: who may be asked, and where refusals go."""

import pytest

from actor_oauth.http import HttpOptions, Rate
from tests.http.deployment import (
    CHALLENGE,
    LOOPBACK_CALLBACK,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    query_of,
    read_page,
    vetted_client,
)


@pytest.mark.requirement("C-02")
@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"client_id": "https://evil.example/client.json"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": WEB_CALLBACK + "/"},
        {"redirect_uri": WEB_CALLBACK + "?x=1"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_without_a_known_client_and_redirect_uri_nobody_is_redirected(
    deployment: Deployment, change: dict[str, str | None]
) -> None:
    client = await deployment.register()

    refused = await deployment.browser().get(deployment.authorize_url(client, **change))

    assert refused.status_code == 400
    assert "location" not in refused.headers
    assert "evil.example" not in refused.text


@pytest.mark.requirement("C-04")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_a_repeated_client_or_redirect_uri_is_a_local_error(
    deployment: Deployment, name: str
) -> None:
    client = await deployment.register()
    url = deployment.authorize_url(client)

    refused = await deployment.browser().get(f"{url}&{name}=another")

    assert refused.status_code == 400


@pytest.mark.requirement("C-03")
async def test_a_stranger_is_not_sent_to_a_self_registered_client_even_with_an_error(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    url = deployment.authorize_url(client, response_type="token")

    page = await deployment.browser().get(url)

    assert page.status_code == 400
    assert "location" not in page.headers
    read = read_page(page)
    assert read.refresh is None
    (link,) = [link for link in read.links if link.startswith(WEB_CALLBACK)]
    assert query_of(link)["error"] == "unsupported_response_type"
    assert "Go back to app.example" in page.text


@pytest.mark.requirement("C-03")
async def test_a_signed_in_person_is_sent_back_with_the_error(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.get(deployment.authorize_url(client, response_type="token"))

    assert answer.status_code == 302
    assert query_of(answer.headers["location"])["error"] == "unsupported_response_type"


@pytest.mark.requirement("C-03", "C-18", "C-10")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/"}, "invalid_target"),
        ({"request": "e30."}, "request_not_supported"),
        ({"request_uri": "https://x.example/r"}, "request_uri_not_supported"),
    ],
)
async def test_a_vetted_client_is_told_about_its_mistake_by_redirect(
    deployment: Deployment, change: dict[str, str | None], error: str
) -> None:
    client = await vetted_client(deployment)

    answer = await deployment.browser().get(deployment.authorize_url(client, **change))

    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(WEB_CALLBACK + "?")
    query = query_of(location)
    assert (query["error"], query["state"]) == (error, "the state")
    assert query["iss"] == deployment.policy.issuer
    assert "code" not in query
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.requirement("C-04")
async def test_another_repeated_parameter_is_told_to_the_client(
    deployment: Deployment,
) -> None:
    client = await vetted_client(deployment)
    url = deployment.authorize_url(client) + "&scope=notes:read&scope=notes:write"

    answer = await deployment.browser().get(url)

    assert query_of(answer.headers["location"])["error"] == "invalid_request"


@pytest.mark.requirement("C-10")
@pytest.mark.parametrize("state", ["x" * 2500, "a b+c%20&=#/?\"'<>ü漢", "\u202e"])
async def test_a_long_or_strange_state_comes_back_as_it_was(
    deployment: Deployment, state: str
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client, state=state))

    answer = await browser.submit(page, decision="approve")

    assert query_of(read_page(answer).refresh or "")["state"] == state


@pytest.mark.requirement("C-10")
async def test_a_state_that_was_not_sent_is_not_returned(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client, state=None))

    answer = await browser.submit(page, decision="approve")

    assert set(query_of(read_page(answer).refresh or "")) == {"code", "iss"}


@pytest.mark.requirement("C-20")
async def test_the_challenge_appears_nowhere(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client)

    sign_in = await browser.get(url)
    answered = await browser.sign_in(sign_in)
    consent = await browser.follow(answered)
    departure = await browser.submit(consent, decision="approve")

    for response in (sign_in, answered, consent, departure):
        assert CHALLENGE not in response.text + str(response.headers)


@pytest.mark.requirement("C-11")
async def test_who_is_signed_in_goes_straight_to_the_question(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.get(deployment.authorize_url(client))

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/consent?txn=")


@pytest.mark.requirement("C-12")
async def test_consent_is_asked_for_again_each_time(deployment: Deployment) -> None:
    client = await deployment.register()
    await deployment.code(client)
    browser = deployment.browser()

    page = await browser.consent_page(deployment.authorize_url(client))

    assert "wants access" in page.text


@pytest.mark.requirement("C-01")
async def test_a_form_is_the_same_request_as_a_link(deployment: Deployment) -> None:
    client = await deployment.register()
    url = deployment.authorize_url(client)
    form = query_of(url)
    browser = deployment.browser()

    answer = await browser.http.post(
        "/authorize", data=form, headers={"Origin": "https://app.example"}
    )

    assert answer.status_code == 303
    page = await browser.follow(answer)
    assert "Sign in" in page.text


@pytest.mark.requirement("C-01")
async def test_a_form_too_large_for_a_url_is_refused(deployment: Deployment) -> None:
    answer = await deployment.browser().http.post(
        "/authorize", data={"state": "x" * 20000}
    )

    assert answer.status_code == 400


@pytest.mark.requirement("C-01", "J-13")
@pytest.mark.parametrize(
    "path", ["/authorize", "/login", "/consent", "/logout", "/account"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
async def test_no_script_of_another_origin_may_read_a_page(
    deployment: Deployment, path: str, method: str
) -> None:
    answer = await deployment.browser().http.request(
        method, path, headers={"Origin": "https://evil.example"}
    )

    assert not [name for name in answer.headers if "access-control" in name]


@pytest.mark.requirement("C-22", "C-27")
async def test_a_reload_of_the_request_starts_nothing_for_a_stranger(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client)

    pages = [await browser.get(url) for _ in range(3)]

    assert {page.status_code for page in pages} == {200}
    consent = await browser.follow(await browser.sign_in(pages[0]))
    assert consent.status_code == 200


@pytest.mark.requirement("C-24")
async def test_trouble_after_validation_is_told_to_the_client_that_waits(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client)
    await browser.consent_page(url)
    deployment.disk.failing.add("user")

    answer = await browser.get(url)

    assert answer.status_code == 302
    query = query_of(answer.headers["location"])
    assert query["error"] == "temporarily_unavailable"
    assert query["state"] == "the state"


async def test_a_demonstration_server_asks_nobody(deploy: Deploy) -> None:
    async with deploy(options=HttpOptions(auto_approve_user="demo")) as deployment:
        client = await deployment.register(LOOPBACK_CALLBACK)
        here = "http://127.0.0.1:4711/callback"
        url = deployment.authorize_url(client, redirect_uri=here)
        browser = deployment.browser()

        answer = await browser.get(url)
        mistaken = await browser.get(url.replace("S256", "plain"))
        foreign = await browser.get(url.replace("127.0.0.1", "127.0.0.2"))

    assert answer.status_code == 302
    assert answer.headers["cache-control"] == "no-store"
    assert set(query_of(answer.headers["location"])) == {"code", "state", "iss"}
    assert query_of(mistaken.headers["location"])["error"] == "invalid_request"
    assert foreign.status_code == 400


@pytest.mark.requirement("C-22")
async def test_an_address_that_asks_without_end_is_told_to_wait(deploy: Deploy) -> None:
    options = HttpOptions(authorize_rate=Rate(burst=2, interval=30.0))
    async with deploy(options=options) as deployment:
        client = await deployment.register()
        url = deployment.authorize_url(client)
        pages = [await deployment.browser().get(url) for _ in range(3)]
        assert [page.status_code for page in pages] == [200, 200, 429]
        assert pages[2].headers["retry-after"] == "30"
        assert "Reload this page in 30 seconds" in pages[2].text
        assert "from your network" in pages[2].text
        # Nobody else waits, and nobody for longer than that.
        other = await deployment.browser("203.0.113.99").get(url)
        assert other.status_code == 200
        deployment.clock.advance(30)
        assert (await deployment.browser().get(url)).status_code == 200


@pytest.mark.requirement("C-22")
async def test_people_behind_one_address_do_not_wait_for_each_other(
    deploy: Deploy,
) -> None:
    options = HttpOptions(
        authorize_rate=Rate(burst=2, interval=3600.0),
        authorize_user_rate=Rate(burst=3, interval=60.0),
    )
    async with deploy(options=options) as deployment:
        client = await deployment.register()
        url = deployment.authorize_url(client)
        browser = deployment.browser()
        await browser.consent_page(url)
        while (await deployment.browser().get(url)).status_code == 200:
            pass

        answers = [(await browser.get(url)).status_code for _ in range(4)]

        assert answers == [302, 302, 302, 429]
