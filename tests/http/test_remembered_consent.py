"""Not to be asked again: the choice, the skipped page, and taking it back."""

from dataclasses import replace

import httpx2
import pytest

from actor_oauth.oauth.consent_policy import ConsentPolicy
from tests.http.deployment import (
    ISSUER,
    LOOPBACK_CALLBACK,
    WEB_CALLBACK,
    Browser,
    Deploy,
    Deployment,
    policy_for,
    query_of,
    read_page,
)


async def allow(
    deployment: Deployment,
    browser: Browser,
    client: dict[str, str],
    *,
    remember: bool = True,
    **parameters: str,
) -> str:
    """Allow what a client asks; gives the code."""
    page = await browser.consent_page(deployment.authorize_url(client, **parameters))
    more = {"remember": "on"} if remember else {}
    answer = await browser.submit(page, more, decision="approve")
    return query_of(read_page(answer).refresh or "")["code"]


def is_question(answer: httpx2.Response) -> bool:
    return "/consent?txn=" in answer.headers.get("location", "")


@pytest.mark.requirement("C-12", "C-18", "J-07")
async def test_a_page_that_was_not_to_be_shown_again_is_skipped(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await allow(deployment, browser, client)

    answer = await browser.get(deployment.authorize_url(client))

    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(WEB_CALLBACK)
    query = query_of(location)
    assert set(query) == {"code", "state", "iss"}
    assert (await deployment.redeem(client, query["code"])).status_code == 200


@pytest.mark.requirement("C-12")
async def test_without_the_choice_the_page_is_shown_again(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await allow(deployment, browser, client, remember=False)

    assert is_question(await browser.get(deployment.authorize_url(client)))


@pytest.mark.requirement("C-12")
async def test_another_sign_in_of_the_same_person_is_not_asked_either(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    await allow(deployment, deployment.browser(), client)
    browser = deployment.browser("203.0.113.77")

    sign_in = await browser.get(deployment.authorize_url(client))
    answer = await browser.sign_in(sign_in)

    # In answer to a form, so by a page that leads on by itself (J-02).
    assert answer.status_code == 200
    assert "code" in query_of(read_page(answer).refresh or "")


@pytest.mark.requirement("C-12")
async def test_a_client_may_wish_that_the_user_is_asked(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await allow(deployment, browser, client)

    asked = await browser.get(deployment.authorize_url(client, prompt="consent"))
    silent = await browser.get(deployment.authorize_url(client, prompt="none"))

    assert is_question(asked)
    assert "code" in query_of(silent.headers["location"])


@pytest.mark.requirement("C-12")
async def test_more_than_was_allowed_is_asked_about_and_marked_as_new(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    code = await allow(deployment, browser, client, scope="notes:read")
    await deployment.redeem(client, code)

    page = await browser.consent_page(
        deployment.authorize_url(client, scope="notes:write")
    )

    assert page.text.count("already allowed") == 1
    assert page.text.count(">new<") == 1
    answer = await browser.submit(page, decision="approve")
    code = query_of(read_page(answer).refresh or "")["code"]
    tokens = (await deployment.redeem(client, code)).json()
    assert set(tokens["scope"].split()) == {"notes:read", "notes:write"}


@pytest.mark.requirement("C-12")
@pytest.mark.parametrize("remembers", ["assured", "always", "never"])
async def test_a_client_on_the_users_device_is_remembered_only_if_the_operator_wants(
    deploy: Deploy, remembers: str
) -> None:
    policy = replace(
        policy_for(ISSUER),
        consent=ConsentPolicy(remembers=remembers),  # type: ignore[arg-type]  # of three words
    )
    async with deploy(policy=policy) as deployment:
        client = await deployment.register(LOOPBACK_CALLBACK)
        browser = deployment.browser()
        first = "http://127.0.0.1:4001/callback"
        page = await browser.consent_page(
            deployment.authorize_url(client, redirect_uri=first)
        )
        assert ("Do not ask me again" in page.text) is (remembers == "always")
        # Whatever the form says.
        await browser.submit(page, {"remember": "on"}, decision="approve")

        again = await browser.get(
            deployment.authorize_url(
                client, redirect_uri="http://127.0.0.1:4002/callback"
            )
        )

        assert is_question(again) is (remembers != "always")


@pytest.mark.requirement("C-12")
async def test_what_is_remembered_stands_on_the_account_page_and_can_be_removed(
    deployment: Deployment,
) -> None:
    client = await deployment.register(client_name="<i>Ledger</i>")
    browser = deployment.browser()
    await allow(deployment, browser, client)
    account = await browser.get("/account")
    assert "Allowed without asking" in account.text
    assert "&lt;i&gt;Ledger" in account.text
    assert "app.example" in account.text
    (place,) = [
        number
        for number, form in enumerate(read_page(account).forms)
        if form.action.endswith("/account/forget")
    ]

    forged = await browser.submit(account, {"csrf": "x"}, form=place)
    assert forged.status_code == 403
    gone = await browser.follow(await browser.submit(account, form=place))

    assert "You will be asked again" in gone.text
    assert "Allowed without asking" not in gone.text
    assert is_question(await browser.get(deployment.authorize_url(client)))


async def test_nobody_is_made_to_forget_by_a_stranger(deployment: Deployment) -> None:
    answer = await deployment.browser().http.post(
        "/account/forget", data={"consent": "00"}, headers={"Origin": ISSUER}
    )

    assert answer.headers["location"] == "/login"


@pytest.mark.requirement("C-12")
async def test_a_disconnected_application_asks_again(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    code = await allow(deployment, browser, client)
    await deployment.redeem(client, code)
    account = await browser.get("/account")
    (place,) = [
        number
        for number, form in enumerate(read_page(account).forms)
        if form.action.endswith("/account/revoke")
    ]

    await browser.submit(account, form=place)

    assert is_question(await browser.get(deployment.authorize_url(client)))


@pytest.mark.requirement("C-27", "C-12")
async def test_a_pushed_request_is_spent_by_a_skipped_page(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await allow(deployment, browser, client)
    query = query_of(deployment.authorize_url(client))
    pushed = (await deployment.post("/par", query)).json()
    url = (
        f"{ISSUER}/authorize?client_id={client['client_id']}"
        f"&request_uri={pushed['request_uri']}"
    )

    first = await browser.get(url)
    second = await browser.get(url)

    assert "code" in query_of(first.headers["location"])
    assert second.status_code == 400


async def test_a_grant_that_cannot_be_made_at_the_moment_is_a_fault(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await allow(deployment, browser, client)
    deployment.disk.failing.add("user")

    answer = await browser.get(deployment.authorize_url(client))

    assert answer.status_code == 503
