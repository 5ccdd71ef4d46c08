"""The answer to the consent page: one, from the right browser, to the right client."""

from collections import Counter

import httpx2
import pytest
import trio

from tests.http.deployment import (
    Deployment,
    query_of,
    read_page,
)


def redirect_target(page: httpx2.Response) -> str:
    """Where the interstitial page leads."""
    return read_page(page).refresh or ""


@pytest.mark.requirement("C-15", "M-11")
async def test_a_second_answer_is_told_that_there_was_a_first(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    first = await browser.submit(page, decision="approve")

    for decision in ("approve", "deny"):
        second = await browser.submit(page, decision=decision)
        assert second.status_code == 410
        assert "Already answered" in second.text
        assert "code=" not in second.text

    tokens = await deployment.redeem(client, query_of(redirect_target(first))["code"])
    assert tokens.status_code == 200


@pytest.mark.requirement("C-15", "M-11")
async def test_of_many_answers_at_once_exactly_one_counts(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    outcomes: Counter[int] = Counter()

    async def answer(decision: str) -> None:
        response = await browser.submit(page, decision=decision)
        outcomes[response.status_code] += 1

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(answer, "deny" if number % 2 else "approve")

    assert outcomes == {200: 1, 410: 31}


@pytest.mark.requirement("C-14", "M-11")
async def test_a_question_belongs_to_the_session_it_was_put_to(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    url = deployment.authorize_url(client)
    page = await deployment.browser().consent_page(url)
    another = deployment.browser()
    await another.consent_page(url)

    shown = await another.get(f"/consent?txn={read_page(page).forms[0].fields['txn']}")
    answered = await another.submit(page, decision="approve")

    assert shown.status_code == 410
    assert answered.status_code == 403


@pytest.mark.requirement("C-14")
async def test_a_client_deleted_meanwhile_gets_nothing(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    await deployment.server.delete_client(client["client_id"])

    answer = await browser.submit(page, decision="approve")

    assert answer.status_code == 400
    assert read_page(answer).refresh is None


async def test_a_question_waits_ten_minutes(deployment: Deployment) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    deployment.clock.advance(deployment.policy.lifetimes.consent)

    assert (await browser.submit(page, decision="approve")).status_code == 410


@pytest.mark.requirement("J-04")
@pytest.mark.parametrize("csrf", ["", "wrong", "ü"])
async def test_a_form_without_its_token_decides_nothing(
    deployment: Deployment, csrf: str
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    refused = await browser.submit(page, decision="approve", csrf=csrf)

    assert refused.status_code == 403
    assert redirect_target(await browser.submit(page, decision="approve"))


@pytest.mark.requirement("J-04")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://as.example", ""]
)
async def test_a_form_of_another_origin_decides_nothing(
    deployment: Deployment, origin: str
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    fields = {**read_page(page).forms[0].fields, "decision": "approve"}

    refused = await browser.http.post(
        "/consent", data=fields, headers={"Origin": origin}
    )

    assert refused.status_code == 403
    assert redirect_target(await browser.submit(page, decision="approve"))


@pytest.mark.requirement("J-08")
async def test_looking_at_the_question_does_not_answer_it(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))
    fields = {**read_page(page).forms[0].fields, "decision": "approve"}

    looked = await browser.http.get("/consent", params=fields)

    assert read_page(looked).refresh is None
    assert redirect_target(await browser.submit(page, decision="approve"))


@pytest.mark.requirement("J-08")
async def test_the_deciding_buttons_wait_before_they_can_be_pressed(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()

    page = await browser.consent_page(deployment.authorize_url(client))

    assert page.text.count("data-arm") == 2
    scripts = [url for url in read_page(page).sources if url.endswith(".js")]
    assert "data-arm" in (await browser.get(scripts[0])).text


@pytest.mark.requirement("J-02", "J-03", "C-19")
async def test_the_answer_to_the_form_is_a_page_that_leads_on_by_itself(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    url = deployment.authorize_url(client, state="\"'><script>&amp;")
    page = await browser.consent_page(url)

    answer = await browser.submit(page, decision="approve")

    read = read_page(answer)
    assert answer.status_code == 200
    assert read.refresh in read.links
    assert query_of(read.refresh or "")["state"] == "\"'><script>&amp;"
    assert "<script" not in answer.text
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_form_without_a_decision_decides_nothing(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    page = await browser.consent_page(deployment.authorize_url(client))

    assert (await browser.submit(page)).status_code == 400
    assert (await browser.submit(page, decision="maybe")).status_code == 400
    assert redirect_target(await browser.submit(page, decision="approve"))


@pytest.mark.parametrize("txn", ["", "x", "A" * 32, "ü", "A" * 5000])
async def test_a_handle_that_leads_nowhere_is_no_fault(
    deployment: Deployment, txn: str
) -> None:
    client = await deployment.register()
    browser = deployment.browser()
    await browser.consent_page(deployment.authorize_url(client))

    answer = await browser.http.get("/consent", params={"txn": txn})

    assert answer.status_code == 410


async def test_without_a_session_there_is_nothing_to_answer(
    deployment: Deployment,
) -> None:
    client = await deployment.register()
    page = await deployment.browser().consent_page(deployment.authorize_url(client))
    nobody = deployment.browser()

    assert (await nobody.get("/consent?txn=x")).status_code == 403
    assert (await nobody.submit(page, decision="approve")).status_code == 403
