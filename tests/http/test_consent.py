"""The consent page: what it shows, and the one answer that it takes."""

from dataclasses import replace

import httpx2
import pytest

from tests.http.deployment import (
    ISSUER,
    LOOPBACK_CALLBACK,
    USER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
    query_of,
    read_page,
)


def redirect_target(page: httpx2.Response) -> str:
    """Where the interstitial page leads."""
    return read_page(page).refresh or ""


@pytest.mark.requirement("C-16", "C-18")
async def test_denial_reaches_the_client_as_access_denied(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.submit(page, decision="deny")

    url = redirect_target(answer)
    assert url.startswith(WEB_CALLBACK + "?")
    query = query_of(url)
    assert query.pop("error_description")
    assert query == {
        "error": "access_denied",
        "state": "the state",
        "iss": deployment.policy.issuer,
    }


@pytest.mark.requirement("C-18", "D-04")
async def test_approval_reaches_the_client_as_a_code_that_is_worth_tokens(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.submit(page, decision="approve")

    query = query_of(redirect_target(answer))
    code = query.pop("code")
    assert query == {"state": "the state", "iss": deployment.policy.issuer}
    tokens = await deployment.redeem(client, code)
    assert (tokens.status_code, tokens.json()["scope"]) == (200, "notes:read")


@pytest.mark.requirement("C-18", "A-19")
async def test_a_query_of_the_redirect_uri_is_kept(deployment: Deployment) -> None:
    callback = WEB_CALLBACK + "?tenant=7&x=%20y"
    client = await deployment.register(callback)
    browser = deployment.browser()
    url = deployment.authorize_url(client, redirect_uri=callback)
    page = await browser.consent_page(url)

    answer = await browser.submit(page, decision="approve")

    target = redirect_target(answer)
    assert target.startswith(callback + "&")
    assert query_of(target)["tenant"] == "7"


@pytest.mark.requirement("C-13")
async def test_the_page_says_who_asks_for_what_and_where_it_leads(
    deployment: Deployment,
) -> None:
    client = await deployment.register(client_name="Ledger Assistant")
    url = deployment.authorize_url(client, scope="notes:read notes:write")

    page = await deployment.browser().consent_page(url)

    for fact in (
        "Ledger Assistant",
        "name not verified",
        "app.example",
        "Field Notes",
        "https://as.example/mcp",
        "Read your notes",
        "notes:write",
        f"<strong><bdi>{USER}</bdi></strong>",
    ):
        assert fact in page.text


@pytest.mark.requirement("C-13")
async def test_what_is_to_be_allowed_is_told_to_its_end(deploy: Deploy) -> None:
    words = (
        "Change and delete your notes, also those that you share with " + 8 * "many "
    )
    policy = policy_for(ISSUER)
    policy = replace(policy, scope_descriptions=(("notes:read", f"{words}others"),))
    async with deploy(policy=policy) as deployment:
        client = await deployment.register()
        url = deployment.authorize_url(client, scope="notes:read")
        page = await deployment.browser().consent_page(url)
    assert f"<bdi>{words}others</bdi>" in page.text


@pytest.mark.requirement("C-13", "J-09")
async def test_a_name_that_is_written_from_right_to_left_leaves_the_rest_in_order(
    deployment: Deployment,
) -> None:
    name = "\u05e2\u05d5\u05d6\u05e8 42 (beta)!"
    client = await deployment.register(client_name=name)
    page = await deployment.browser().consent_page(deployment.authorize_url(client))
    assert f"<h1><bdi>{name}</bdi> wants access to <bdi>" in page.text


@pytest.mark.requirement("C-13")
async def test_a_client_that_lives_on_loopback_only_gets_an_extra_warning(
    deployment: Deployment,
) -> None:
    local = await deployment.register(LOOPBACK_CALLBACK)
    web = await deployment.register()
    browser = deployment.browser()
    warning = "any program there can claim this name"

    at_loopback = await browser.consent_page(
        deployment.authorize_url(local, redirect_uri="http://127.0.0.1:4711/callback")
    )
    elsewhere = await browser.consent_page(deployment.authorize_url(web))

    assert warning in at_loopback.text
    assert "127.0.0.1" in at_loopback.text
    assert warning not in elsewhere.text


@pytest.mark.requirement("C-13")
async def test_a_client_of_the_operator_is_not_called_unverified(
    deployment: Deployment,
) -> None:
    created = await deployment.server.create_client(
        client_name="House Client", redirect_uris=[LOOPBACK_CALLBACK]
    )
    client = {"client_id": created.client.client_id}  # type: ignore[union-attr]  # acceptable
    url = deployment.authorize_url(client, redirect_uri=LOOPBACK_CALLBACK)

    page = await deployment.browser().consent_page(url)

    assert "House Client" in page.text
    assert "not verified" not in page.text
    assert "any program there" not in page.text


@pytest.mark.requirement("J-09")
async def test_a_clients_words_cannot_become_markup_or_turn_the_text_around(
    deployment: Deployment,
) -> None:
    client = await deployment.register(
        client_name="<script>alert(1)</script>\u202e\"'&",
        client_uri="https://app.example/?a=1&b='2'",
    )

    page = await deployment.browser().consent_page(deployment.authorize_url(client))

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "\u202e" not in page.text
    assert page.text.count("<script") == 1


@pytest.mark.requirement("J-09", "B-26")
async def test_links_to_the_clients_pages_reveal_and_risk_nothing(
    deployment: Deployment,
) -> None:
    client = await deployment.register(
        client_uri="https://app.example/",
        tos_uri="https://app.example/terms",
        policy_uri="http://app.example/privacy",
        logo_uri="https://tracker.example/logo.png",
    )

    page = await deployment.browser().consent_page(deployment.authorize_url(client))

    outside = [link for link in read_page(page).links if "app.example" in link]
    assert len(outside) == 3
    assert page.text.count('rel="noopener noreferrer"') == 3
    assert "tracker.example" not in page.text


@pytest.mark.requirement("J-10", "B-15")
async def test_nothing_is_loaded_from_anywhere_else(deployment: Deployment) -> None:
    client = await deployment.register(logo_uri="https://tracker.example/logo.png")
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    sources = read_page(page).sources
    assert sources
    for source in sources:
        assert source.startswith("/static/")
        loaded = await browser.get(source)
        assert loaded.status_code == 200
        assert "immutable" in loaded.headers["cache-control"]


@pytest.mark.requirement("C-08")
async def test_the_user_may_allow_less_than_was_asked(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client, scope="notes:read notes:write")
    page = await browser.consent_page(url)
    fields = dict(read_page(page).forms[0].fields)
    del fields["scope:notes:read"]

    answer = await browser.http.post("/consent", data={**fields, "decision": "approve"})

    tokens = await deployment.redeem(client, query_of(redirect_target(answer))["code"])
    assert tokens.json()["scope"] == "notes:write"


@pytest.mark.requirement("C-14")
async def test_the_user_cannot_be_made_to_allow_more_than_was_asked(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(
        deployment.authorize_url(client, scope="notes:read")
    )

    answer = await browser.submit(
        page,
        {"scope:notes:write": "on", "scope:admin": "on"},
        decision="approve",
        scope="notes:read notes:write",
        client_id="another",
        redirect_uri="https://evil.example/",
    )

    assert redirect_target(answer).startswith(WEB_CALLBACK)
    tokens = await deployment.redeem(client, query_of(redirect_target(answer))["code"])
    assert tokens.json()["scope"] == "notes:read"


async def test_staying_connected_is_explained_and_can_be_refused(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client, scope="notes:read offline_access")
    page = await browser.consent_page(url)
    assert "Stay connected while you are away" in page.text

    fields = dict(read_page(page).forms[0].fields)
    del fields["scope:offline_access"]
    answer = await browser.http.post("/consent", data={**fields, "decision": "approve"})

    tokens = await deployment.redeem(client, query_of(redirect_target(answer))["code"])
    assert tokens.json()["scope"] == "notes:read"
    assert "refresh_token" not in tokens.json()


async def test_allowing_nothing_asks_again(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client, scope="notes:read offline_access")
    page = await browser.consent_page(url)

    again = await browser.submit(page, {"scope:notes:read": ""}, decision="approve")

    assert again.status_code == 400
    assert "Choose at least one" in again.text
    ticked = {"scope:notes:read": "on"}
    answer = await browser.submit(again, ticked, decision="approve")
    assert redirect_target(answer)
