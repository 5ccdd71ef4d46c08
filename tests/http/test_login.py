"""Signing in: sessions are new, cookies are hard to steal, guessing is slow."""

from dataclasses import replace

import pytest

from actor_oauth.http import HttpOptions, Rate
from tests.http.deployment import (
    PASSWORD,
    USER,
    Browser,
    Deploy,
    Deployment,
    policy_for,
    read_page,
)


def cookies_set(set_cookie: list[str], purpose: str) -> list[str]:
    return [line for line in set_cookie if f"ao-{purpose}-" in line.partition("=")[0]]


async def sign_in(browser: Browser) -> str:
    """Sign in from the front door; gives the new session's Set-Cookie line."""
    answer = await browser.sign_in(await browser.get("/login"))
    assert answer.status_code == 303
    (line,) = cookies_set(answer.headers.get_list("set-cookie"), "session")
    return line


@pytest.mark.requirement("J-06")
async def test_the_session_cookie_is_bound_to_the_host_and_hidden_from_scripts(
    deployment: Deployment,
) -> None:
    line = await sign_in(deployment.browser())

    name, _, rest = line.partition("=")
    attributes = {part.strip() for part in rest.split(";")[1:]}
    assert name.startswith("__Host-")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} < attributes
    assert not [part for part in attributes if part.startswith("Domain")]


@pytest.mark.requirement("J-06", "A-17")
async def test_on_loopback_without_tls_the_cookie_works_too(deploy: Deploy) -> None:
    async with deploy(policy=policy_for("http://127.0.0.1:8000")) as deployment:
        browser = deployment.browser()
        line = await sign_in(browser)

        assert not line.startswith("__Host-")
        assert "Secure" not in line
        assert "HttpOnly" in line
        assert (await browser.get("/account")).status_code == 200


@pytest.mark.requirement("C-11", "J-06")
async def test_every_sign_in_makes_a_new_session_and_ends_the_old(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()
    first = await sign_in(browser)
    client = await deployment.register()
    url = deployment.authorize_url(client, prompt="login")

    answer = await browser.sign_in(await browser.get(url))

    (second,) = cookies_set(answer.headers.get_list("set-cookie"), "session")
    assert first.partition(";")[0] != second.partition(";")[0]
    thief = deployment.browser()
    cookie = first.partition(";")[0]
    stolen = await thief.get("/account", Cookie=cookie)
    assert stolen.status_code == 302


@pytest.mark.requirement("C-11")
async def test_a_session_that_somebody_planted_is_not_taken_over(
    deployment: Deployment,
) -> None:
    planted = (await sign_in(deployment.browser())).partition(";")[0]
    victim = deployment.browser()
    page = await victim.get("/login")
    name, _, value = planted.partition("=")
    victim.http.cookies.set(name, value)

    answer = await victim.sign_in(page)

    (line,) = cookies_set(answer.headers.get_list("set-cookie"), "session")
    assert line.partition(";")[0] != planted


@pytest.mark.requirement("J-04")
async def test_nobody_can_make_a_browser_sign_in_as_somebody_else(
    deployment: Deployment,
) -> None:
    attackers_page = await deployment.browser().get("/login")
    victim = deployment.browser()
    await victim.get("/login")

    answer = await victim.submit(attackers_page, username=USER, password=PASSWORD)

    assert answer.status_code == 403
    assert not cookies_set(answer.headers.get_list("set-cookie"), "session")


async def test_two_tabs_opened_at_once_cost_one_more_try(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    first = await browser.get(deployment.authorize_url(client))
    browser.http.cookies.clear()
    await browser.get(deployment.authorize_url(client))

    again = await browser.sign_in(first)
    consent = await browser.follow(await browser.sign_in(again))

    assert "once more" in again.text
    assert "wants access" in consent.text


@pytest.mark.requirement("J-04")
async def test_a_sign_in_form_of_another_origin_is_refused(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()
    fields = read_page(await browser.get("/login")).forms[0].fields

    answer = await browser.http.post(
        "/login",
        data={**fields, "username": USER, "password": PASSWORD},
        headers={"Origin": "https://evil.example"},
    )

    assert answer.status_code == 403


@pytest.mark.parametrize("ticket", ["", "x", "A" * 500, "ü", "AAAA.BBBB"])
async def test_a_forged_ticket_is_an_expired_page(
    deployment: Deployment, ticket: str
) -> None:
    browser = deployment.browser()
    page = await browser.get("/login")

    answer = await browser.submit(page, username=USER, password=PASSWORD, ticket=ticket)

    assert answer.status_code == 400
    assert "expired" in answer.text


async def test_a_sign_in_page_works_for_ten_minutes(deployment: Deployment) -> None:
    browser = deployment.browser()
    page = await browser.get("/login")

    deployment.clock.advance(599)
    assert (await browser.sign_in(page, "wrong password")).status_code == 403
    deployment.clock.advance(1)
    assert (await browser.sign_in(page)).status_code == 400


@pytest.mark.parametrize(
    ("username", "password"),
    [
        (USER, "wrong password"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        (USER, ""),
        ("x" * 257, PASSWORD),
        (USER, "x" * 1025),
        ("\0\u202e", "\0"),
    ],
)
async def test_a_wrong_name_and_a_wrong_password_look_the_same(
    deployment: Deployment, username: str, password: str
) -> None:
    browser = deployment.browser()

    answer = await browser.submit(
        await browser.get("/login"), username=username, password=password
    )

    assert answer.status_code == 403
    assert "That username and password do not match." in answer.text
    assert 'value="x' + "x" * 1000 not in answer.text
    assert not {"\0", "\u202e"} & set(answer.text)
    assert not cookies_set(answer.headers.get_list("set-cookie"), "session")


async def test_after_a_mistake_the_request_is_still_there(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.get(deployment.authorize_url(client))

    wrong = await browser.sign_in(page, "wrong password")
    consent = await browser.follow(await browser.sign_in(wrong))

    assert "Ledger Assistant" in wrong.text
    assert "wants access" in consent.text


@pytest.mark.requirement("C-14")
async def test_a_client_deleted_during_sign_in_is_not_asked_about(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.get(deployment.authorize_url(client))
    await deployment.server.delete_client(client["client_id"])

    wrong = await browser.sign_in(page, "wrong password")
    answer = await browser.sign_in(wrong)

    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.requirement("C-24", "J-02")
async def test_trouble_right_after_sign_in_is_told_by_a_page_that_leads_on(
    deploy: Deploy,
) -> None:
    async with deploy() as deployment:
        client = await deployment.register()
        browser = deployment.browser()
        page = await browser.get(deployment.authorize_url(client))
        # The attempt, its success and the session are stored; the question is not.
        deployment.disk.patience = 3
        deployment.disk.failing.add("user")

        answer = await browser.sign_in(page)

    assert answer.status_code == 200
    assert "temporarily_unavailable" in (read_page(answer).refresh or "")


@pytest.mark.requirement("E-09")
async def test_one_address_cannot_guess_quickly(deploy: Deploy) -> None:
    options = HttpOptions(login_rate=Rate(burst=3, interval=10.0))
    async with deploy(options=options) as deployment:
        guesser = deployment.browser("203.0.113.66")
        page = await guesser.get("/login")
        for number in range(3):
            answer = await guesser.submit(page, username=f"user{number}", password="x")
            assert answer.status_code == 403

        answer = await guesser.sign_in(page)

        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "10"
        assert "wait 10 seconds" in answer.text
        await sign_in(deployment.browser("203.0.113.67"))
        deployment.clock.advance(10)
        assert (await guesser.sign_in(page)).status_code == 303


@pytest.mark.requirement("E-09")
async def test_one_account_cannot_be_guessed_from_many_addresses(
    deployment: Deployment,
) -> None:
    answers = []
    for number in range(40):
        browser = deployment.browser(f"198.51.100.{number}")
        page = await browser.get("/login")
        answers.append(await browser.sign_in(page, "wrong password"))

    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.requirement("E-09", "K-03")
async def test_guessing_does_not_tell_which_names_are_accounts(deploy: Deploy) -> None:
    options = HttpOptions(login_rate=Rate(burst=100, interval=1.0))
    told = []
    for name in (USER, "nobody"):
        async with deploy(options=options) as deployment:
            browser = deployment.browser()
            page = await browser.get("/login")
            answers = []
            for wait in (0, 0, 0, 0, 0, 0, 1, 0, 1, 1):
                deployment.clock.advance(wait)
                answer = await browser.submit(page, username=name, password="wrong one")
                answers.append((answer.status_code, answer.headers.get("retry-after")))
            told.append(answers)

    assert told[0] == told[1]
    assert told[0][4:] == [
        (403, None),
        (429, "1"),
        (403, None),
        (429, "2"),
        (429, "1"),
        (403, None),
    ]


async def test_who_is_signed_in_need_not_sign_in(deployment: Deployment) -> None:
    browser = deployment.browser()
    await sign_in(browser)

    answer = await browser.get("/login")

    assert answer.headers["location"] == "/account"


@pytest.mark.requirement("J-06")
@pytest.mark.parametrize("limit", ["session_idle", "session_absolute"])
async def test_a_session_ends_when_idle_and_in_any_case(
    deploy: Deploy, limit: str
) -> None:
    policy = policy_for("https://as.example")
    lifetimes = replace(policy.lifetimes, **{limit: 1000})
    async with deploy(policy=replace(policy, lifetimes=lifetimes)) as deployment:
        browser = deployment.browser()
        await sign_in(browser)
        for _ in range(3):
            deployment.clock.advance(330)
            assert (await browser.get("/account")).status_code == 200

        deployment.clock.advance(1001 if limit == "session_idle" else 11)

        assert (await browser.get("/account")).status_code == 302


async def test_a_session_that_ends_at_once_leads_nowhere(deploy: Deploy) -> None:
    policy = policy_for("https://as.example")
    lifetimes = replace(policy.lifetimes, session_absolute=0)
    async with deploy(policy=replace(policy, lifetimes=lifetimes)) as deployment:
        browser = deployment.browser()

        answer = await browser.sign_in(await browser.get("/login"))

    assert answer.status_code == 400
    assert "expired" in answer.text


async def test_after_a_mistake_the_way_to_the_account_is_still_there(
    deployment: Deployment,
) -> None:
    browser = deployment.browser()

    wrong = await browser.sign_in(await browser.get("/login"), "wrong password")

    assert wrong.status_code == 403
    assert "to manage your connected applications" in wrong.text


async def test_one_browser_may_sign_in_from_two_tabs(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    first = await browser.get(deployment.authorize_url(client, state="first"))
    second = await browser.get(deployment.authorize_url(client, state="second"))

    assert (await browser.sign_in(second)).status_code == 303
    assert (await browser.sign_in(first)).status_code == 303
