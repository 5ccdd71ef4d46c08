"""What a client may wish for at the authorization endpoint: prompt, max_age, a login hint."""

import pytest

from tests.http.deployment import Deployment, query_of, read_page, vetted_client


async def test_prompt_login_asks_even_who_is_signed_in(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))

    page = await browser.get(deployment.authorize_url(client, prompt="login"))

    assert "Sign in" in page.text
    consent = await browser.follow(await browser.sign_in(page))
    assert "wants access" in consent.text


async def test_max_age_asks_who_signed_in_too_long_ago(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))
    deployment.clock.advance(60)

    recent = await browser.get(deployment.authorize_url(client, max_age="60"))
    page = await browser.get(deployment.authorize_url(client, max_age="59"))

    assert recent.status_code == 302
    assert "Sign in" in page.text
    deployment.clock.advance(60)
    consent = await browser.follow(await browser.sign_in(page))
    assert "wants access" in consent.text


@pytest.mark.parametrize("change", [{"prompt": "none login"}, {"max_age": "soon"}])
async def test_wishes_that_make_no_sense_are_told_to_the_client(
    deployment: Deployment, change: dict[str, str]
) -> None:
    client = await vetted_client(deployment)

    answer = await deployment.browser().get(deployment.authorize_url(client, **change))

    assert query_of(answer.headers["location"])["error"] == "invalid_request"


async def test_prompt_none_for_another_account_than_the_client_has_in_mind(
    deployment: Deployment,
) -> None:
    client = await vetted_client(deployment)
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.get(
        deployment.authorize_url(client, prompt="none", login_hint="eve")
    )

    error = query_of(answer.headers["location"])["error"]
    assert error == "account_selection_required"


async def test_prompt_none_asks_nobody(deployment: Deployment) -> None:
    client = await vetted_client(deployment)
    browser = deployment.browser()
    url = deployment.authorize_url(client, prompt="none")

    stranger = await browser.get(url)
    await browser.consent_page(deployment.authorize_url(client))
    known = await browser.get(url)

    assert query_of(stranger.headers["location"])["error"] == "login_required"
    assert query_of(known.headers["location"])["error"] == "consent_required"


@pytest.mark.requirement("C-03")
async def test_prompt_none_does_not_open_a_redirector_for_anybody(
    deployment: Deployment,
) -> None:
    client = await deployment.register()

    page = await deployment.browser().get(
        deployment.authorize_url(client, prompt="none")
    )

    assert page.status_code == 400
    assert "location" not in page.headers


async def test_a_login_hint_fills_in_the_name(deployment: Deployment) -> None:
    client = await deployment.register()
    url = deployment.authorize_url(client, login_hint='ada"><b>')

    page = await deployment.browser().get(url)

    assert read_page(page).forms[0].fields["username"] == 'ada"><b>'
