"""The account page: what is connected, taking it back, and leaving."""

import pytest

from actor_oauth.http import account
from tests.http.deployment import (
    USER,
    Browser,
    Deployment,
    read_page,
)


async def signed_in_browser(deployment: Deployment) -> Browser:
    browser = deployment.browser()
    await browser.sign_in(await browser.get("/login"))
    return browser


async def refresh(
    deployment: Deployment, client: dict[str, str], refresh_token: str
) -> int:
    answer = await deployment.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": client["client_id"],
        },
    )
    return answer.status_code


async def connect(deployment: Deployment, client: dict[str, str]) -> str:
    """Connect an application; gives its refresh token."""
    code = await deployment.code(client, scope="notes:read offline_access")
    tokens = (await deployment.redeem(client, code)).json()
    refresh_token: str = tokens["refresh_token"]
    return refresh_token


async def test_a_stranger_is_sent_to_sign_in_and_then_to_the_account(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()

    sign_in = await browser.follow(await browser.get("/account"))
    page = await browser.follow(await browser.sign_in(sign_in))

    assert "Connected applications" in page.text
    assert "No application is connected" in page.text


async def test_connected_applications_are_listed_with_what_they_may_do(
    deployment: Deployment,
) -> None:
    client = await deployment.register(client_name="<i>Ledger</i> Assistant")
    await connect(deployment, client)
    deployment.clock.advance(3 * 86400)

    page = await (await signed_in_browser(deployment)).get("/account")

    for fact in (
        "&lt;i&gt;Ledger&lt;/i&gt; Assistant",
        "https://as.example/mcp",
        "notes:read",
        "last used 3 days ago",
        f"<strong><bdi>{USER}</bdi></strong>",
    ):
        assert fact in page.text


@pytest.mark.requirement("H-05", "H-08")
async def test_disconnecting_ends_the_grant_at_once(deployment: Deployment) -> None:
    client = await deployment.register()
    first = await connect(deployment, client)
    other_client = await deployment.register()
    second = await connect(deployment, other_client)
    browser = await signed_in_browser(deployment)
    page = await browser.get("/account")
    forms = read_page(page).forms
    newest = next(i for i, form in enumerate(forms) if form.action.endswith("revoke"))

    answer = await browser.submit(page, form=newest)

    assert answer.status_code == 303
    done = await browser.follow(answer)
    assert "The application is disconnected." in done.text
    assert done.text.count("account/revoke") == 1
    assert await refresh(deployment, other_client, second) == 400
    assert await refresh(deployment, client, first) == 200


@pytest.mark.requirement("J-04")
@pytest.mark.parametrize(
    "action", ["/account/revoke", "/account/sign-out-everywhere", "/logout"]
)
async def test_forms_of_the_account_need_their_own_token(
    deployment: Deployment, action: str
) -> None:
    client = await deployment.register()
    await connect(deployment, client)
    browser = await signed_in_browser(deployment)
    forms = read_page(await browser.get("/account")).forms
    tokens = {form.fields["csrf"] for form in forms if form.action != action}
    grant = next(form.fields["grant"] for form in forms if "grant" in form.fields)

    for csrf in (*tokens, "", "wrong"):
        answer = await browser.http.post(action, data={"csrf": csrf, "grant": grant})
        assert answer.status_code == 403

    page = await browser.get("/account")
    assert page.status_code == 200
    assert "Ledger Assistant" in page.text


@pytest.mark.requirement("J-04")
async def test_a_form_token_of_one_grant_does_not_end_another(
    deployment: Deployment,
) -> None:
    for _ in range(2):
        await connect(deployment, await deployment.register())
    browser = await signed_in_browser(deployment)
    page = await browser.get("/account")
    first, second = [f for f in read_page(page).forms if "grant" in f.fields]

    answer = await browser.http.post(
        "/account/revoke",
        data={"csrf": first.fields["csrf"], "grant": second.fields["grant"]},
    )

    assert answer.status_code == 403


@pytest.mark.requirement("H-08")
async def test_signing_out_everywhere_ends_all_sessions_and_grants(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    token = await connect(deployment, client)
    elsewhere = await signed_in_browser(deployment)
    browser = await signed_in_browser(deployment)
    page = await browser.get("/account")

    answer = await browser.submit(page, form=len(read_page(page).forms) - 1)

    assert answer.status_code == 200
    assert (await browser.get("/account")).status_code == 302
    assert (await elsewhere.get("/account")).status_code == 302
    assert await refresh(deployment, client, token) == 400


async def test_signing_out_ends_this_session_and_no_grant(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    token = await connect(deployment, client)
    elsewhere = await signed_in_browser(deployment)
    browser = await signed_in_browser(deployment)
    cookies = "; ".join(f"{k}={v}" for k, v in browser.http.cookies.items())
    page = await browser.get("/logout")
    assert page.status_code == 200

    answer = await browser.submit(page)

    assert answer.status_code == 200
    removed = [c for c in answer.headers.get_list("set-cookie") if "session" in c]
    assert "Max-Age=0" in removed[0]
    replayed = await deployment.browser().get("/account", Cookie=cookies)
    assert replayed.status_code == 302
    assert (await elsewhere.get("/account")).status_code == 200
    assert await refresh(deployment, client, token) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/logout"),
        ("POST", "/logout"),
        ("POST", "/account/revoke"),
        ("POST", "/account/sign-out-everywhere"),
    ],
)
async def test_without_a_session_there_is_nothing_to_end(
    deployment: Deployment, method: str, path: str
) -> None:
    browser = deployment.browser()
    data = {} if method == "GET" else {"data": {"csrf": "x"}}

    answer = await browser.http.request(method, path, **data)  # type: ignore[arg-type]  # one keyword

    assert answer.headers["location"] == "/login"


async def test_many_applications_come_in_pages(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "GRANTS_SHOWN", 2)
    for number in range(3):
        client = await deployment.register(client_name=f"Application {number}")
        await connect(deployment, client)
    browser = await signed_in_browser(deployment)

    first = await browser.get("/account")
    more = [link for link in read_page(first).links if "cursor" in link]
    second = await browser.get(more[0])

    assert [f"Application {n}" in first.text for n in range(3)] == [False, True, True]
    assert [f"Application {n}" in second.text for n in range(3)] == [True, False, False]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "done=x", "cursor=999999"])
async def test_a_strange_query_of_the_account_page_is_no_fault(
    deployment: Deployment, query: str
) -> None:
    browser = await signed_in_browser(deployment)

    assert (await browser.get(f"/account?{query}")).status_code == 200


async def test_a_grant_of_a_client_that_is_gone_is_still_named(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    await connect(deployment, client)
    browser = await signed_in_browser(deployment)
    await deployment.server.delete_client(client["client_id"])

    page = await browser.get("/account")

    assert page.status_code == 200
    assert "Ledger Assistant" not in page.text
