"""The person who is asked: in which browser, once, and not without having seen the question."""

import pytest
import trio

from tests.http.deployment import ISSUER, USER, Deployment, read_page
from tests.http.device.device import a_device, question


@pytest.mark.requirement("M-14", "C-15")
@pytest.mark.parametrize("denials", [0, 1, 16, 31])
async def test_of_many_answers_the_first_counts(
    offering: Deployment, denials: int
) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    handle = read_page(await question(browser, device)).forms[0].fields["handle"]
    cookie = next(
        cookie.value
        for cookie in browser.http.cookies.jar
        if "session" in cookie.name and cookie.value
    )
    counted: list[str] = []
    server = offering.server

    async def approve() -> None:
        if await server.approve_device(handle, user_id=USER, browser=cookie):
            counted.append("approve")

    async def deny() -> None:
        if await server.deny_device(handle, user_id=USER, browser=cookie):
            counted.append("deny")

    async with trio.open_nursery() as nursery:
        for number in range(32):
            nursery.start_soon(deny if number < denials else approve)

    assert len(counted) == 1
    if counted == ["approve"]:
        assert (await device.poll()).status_code == 200
    else:
        assert await device.told() == "access_denied"
    # Whoever lost left no grant behind that could still be redeemed.
    page = await offering.server.list_user_grants(USER)
    assert len(page.grants) == (1 if counted == ["approve"] else 0)


@pytest.mark.requirement("D-52", "J-04", "J-08", "C-14")
async def test_nobody_answers_without_having_seen_the_question(
    offering: Deployment,
) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    page = await browser.get(device.codes["verification_uri_complete"])
    page = await browser.follow(await browser.sign_in(page))
    entered = read_page(page).forms[0].fields
    # Signed in, and led here by a link: the link alone has asked and answered nothing.
    assert entered["user_code"] == device.codes["user_code"]
    skipped = await browser.http.post(
        f"{ISSUER}/device/answer",
        data={**entered, "decision": "approve", "scope:notes:read": "on"},
        headers={"Origin": ISSUER},
    )
    assert skipped.status_code == 410
    asked = await browser.submit(page)
    # Another person's question is not answered here.
    elsewhere = offering.browser()
    theirs = await question(elsewhere, await a_device(offering))
    swapped = await browser.submit(
        asked, handle=read_page(theirs).forms[0].fields["handle"], decision="approve"
    )
    assert swapped.status_code == 410
    forged = await browser.submit(page, csrf="forged")
    assert forged.status_code == 403
    foreign = await browser.http.post(
        f"{ISSUER}/device", data=entered, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    undecided = await browser.submit(asked)
    assert undecided.status_code == 400
    fields = read_page(asked).forms[0].fields
    nothing = {k: v for k, v in fields.items() if not k.startswith("scope:")}
    unticked = await browser.http.post(
        f"{ISSUER}/device/answer",
        data={**nothing, "decision": "approve"},
        headers={"Origin": ISSUER},
    )
    assert "at least one thing" in unticked.text
    assert await device.told() == "authorization_pending"


@pytest.mark.requirement("D-52", "J-01", "J-12")
async def test_the_pages_are_framed_and_cached_by_nobody(offering: Deployment) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    page = await question(browser, device)
    for answer in (page, await browser.get(f"{ISSUER}/device")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.requirement("D-52")
async def test_codes_cannot_be_found_by_trying(offering: Deployment) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    page = await browser.get(f"{ISSUER}/device?user_code=%3Cscript%3E")
    page = await browser.follow(await browser.sign_in(page))
    assert page.url.query == b""
    statuses = []
    for _ in range(11):
        page = await browser.submit(page, user_code="bbbb-bbbb")
        statuses.append(page.status_code)
    assert statuses == [400] * 10 + [429]
    assert int(page.headers["retry-after"]) > 0
    right = await browser.submit(page, user_code=device.codes["user_code"])
    assert right.status_code == 429
    offering.clock.advance(60)
    typed = device.codes["user_code"].lower().replace("-", " ")
    found = await browser.submit(page, user_code=typed)
    assert found.status_code == 200


@pytest.mark.requirement("C-11")
async def test_whoever_is_signed_out_meanwhile_starts_over(
    offering: Deployment,
) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    asked = await question(browser, device)
    entry = await browser.get(f"{ISSUER}/device")
    browser.http.cookies.clear()
    for page in (asked, entry):
        answer = await browser.submit(page, decision="approve")
        assert (answer.status_code, answer.headers["location"]) == (303, "/device")
    assert await device.told() == "authorization_pending"
