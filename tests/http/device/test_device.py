"""What a device asks for and gets: codes, patience, and tokens once."""

from collections import Counter

import httpx2
import pytest
import trio

from actor_oauth.actors import device as device_actors
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.throttle import Rate
from actor_oauth.http import HttpOptions
from actor_oauth.oauth.device import SHARDS
from tests.http.deployment import ISSUER, USER, Deploy, Deployment, read_page
from tests.http.device.device import GRANTS, POLICY, Device, a_device, question

RESOURCE = f"{ISSUER}/mcp"


@pytest.mark.requirement("D-50")
async def test_a_device_is_given_its_codes(offering: Deployment) -> None:
    device = Device(offering, await offering.register(grant_types=GRANTS))
    answer = await device.begin(scope="notes:read")
    assert answer.headers["cache-control"] == "no-store"
    members = answer.json()
    assert members.pop("device_code").startswith("aodc_")
    code = members.pop("user_code")
    assert members == {
        "verification_uri": f"{ISSUER}/device",
        "verification_uri_complete": f"{ISSUER}/device?user_code={code}",
        "expires_in": 900,
        "interval": 5,
    }


@pytest.mark.requirement("D-50", "D-51", "D-52", "D-53", "D-04")
async def test_a_person_lets_a_device_in(offering: Deployment) -> None:
    device = await a_device(offering, scope="notes:read notes:write")
    assert await device.told() == "authorization_pending"
    browser = offering.browser()

    page = await question(browser, device)
    for fact in (
        "Ledger Assistant",
        "name not verified",
        device.codes["user_code"],
        "Field Notes",
        RESOURCE,
        "Read your notes",
        f"<strong><bdi>{USER}</bdi></strong>",
    ):
        assert fact in page.text
    fields = read_page(page).forms[0].fields
    del fields["scope:notes:write"]
    answer = await browser.http.post(
        f"{ISSUER}/device/answer",
        data={**fields, "decision": "approve"},
        headers={"Origin": ISSUER},
    )
    assert "Access allowed" in answer.text

    tokens = await device.poll()
    assert tokens.status_code == 200
    assert tokens.headers["cache-control"] == "no-store"
    members = tokens.json()
    # As narrowed by the person.
    assert (members["scope"], members["resource"]) == ("notes:read", RESOURCE)
    info = await offering.server.validate_token(RESOURCE, members["access_token"])
    assert info is not None
    assert (info.user_id, info.client_id) == (USER, device.client["client_id"])
    again = await offering.post(
        "/token",
        {
            "grant_type": "refresh_token",
            "client_id": device.client["client_id"],
            "refresh_token": members["refresh_token"],
        },
    )
    assert again.status_code == 200
    assert await device.told() == "invalid_grant"


@pytest.mark.requirement("D-51", "C-16")
async def test_a_device_that_is_turned_away_is_told(offering: Deployment) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    page = await question(browser, device)
    assert "Access denied" in (await browser.submit(page, decision="deny")).text
    assert await device.told() == "access_denied"
    late = await browser.submit(page, decision="approve")
    assert late.status_code == 410


@pytest.mark.requirement("D-51")
async def test_polling_has_a_pace_and_an_end(offering: Deployment) -> None:
    device = await a_device(offering)
    first = await device.poll()
    assert first.json()["error"] == "authorization_pending"
    hasty = await device.poll()
    assert (hasty.status_code, hasty.json()["error"]) == (400, "slow_down")
    # Ten seconds from now on, and five are too few.
    assert await device.told() == "slow_down"
    offering.clock.advance(10)
    assert await device.told() == "authorization_pending"
    offering.clock.advance(900)
    assert await device.told() == "expired_token"
    page = await question_page(offering, device)
    assert page.status_code == 400
    offering.clock.advance(600)


async def question_page(offering: Deployment, device: Device) -> httpx2.Response:
    browser = offering.browser()
    page = await browser.get(device.codes["verification_uri_complete"])
    page = await browser.follow(await browser.sign_in(page))
    return await browser.submit(page)


@pytest.mark.requirement("D-51", "D-53")
async def test_another_client_gets_nothing_and_disturbs_nothing(
    offering: Deployment,
) -> None:
    device = await a_device(offering)
    other = await offering.register(grant_types=GRANTS)
    for _ in range(3):
        stolen = await device.poll(client_id=other["client_id"])
        assert stolen.json()["error"] == "invalid_grant"
    assert await device.told() == "authorization_pending"
    browser = offering.browser()
    await browser.submit(await question(browser, device), decision="approve")
    stolen = await device.poll(client_id=other["client_id"])
    assert stolen.json()["error"] == "invalid_grant"
    assert (await device.poll()).status_code == 200


@pytest.mark.requirement("D-53", "M-14")
async def test_of_many_polls_after_approval_one_gets_the_tokens(
    offering: Deployment,
) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    page = await question(browser, device)
    answers: list[httpx2.Response] = []
    approved = trio.Event()

    async def poll() -> None:
        await approved.wait()
        answers.append(await device.poll())

    async with trio.open_nursery() as nursery:
        for _ in range(32):
            nursery.start_soon(poll)
        await browser.submit(page, decision="approve")
        approved.set()

    told = Counter(a.json().get("error", "tokens") for a in answers)
    assert told == {"tokens": 1, "invalid_grant": 31}
    (tokens,) = (a.json() for a in answers if a.status_code == 200)
    # A device that polls twice at once is no thief: its tokens live.
    assert await offering.server.unwrap_token(tokens["access_token"]) is not None


@pytest.mark.requirement("M-9", "H-08", "D-53")
@pytest.mark.parametrize("how", ["everywhere", "password", "client"])
async def test_what_ends_everything_ends_an_approved_device_too(
    offering: Deployment, how: str
) -> None:
    device = await a_device(offering)
    browser = offering.browser()
    await browser.submit(await question(browser, device), decision="approve")
    if how == "everywhere":
        account = await browser.get(f"{ISSUER}/account")
        await browser.submit(account, form=1)
    elif how == "password":
        await offering.server.set_password(USER, "another long password")
    else:
        await offering.server.delete_client(device.client["client_id"])
    answer = await device.poll()
    expected = (401, "invalid_client") if how == "client" else (400, "invalid_grant")
    assert (answer.status_code, answer.json()["error"]) == expected


@pytest.mark.requirement("C-22", "D-50")
async def test_devices_without_end_are_told_to_wait(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = HttpOptions(device_rate=Rate(burst=2, interval=60.0))
    async with deploy(policy=POLICY, options=options) as offering:
        device = await a_device(offering)
        assert (await device.begin()).status_code == 200
        assert (await device.begin()).status_code == 429
        offering.clock.advance(3600)
        monkeypatch.setattr(device_actors, "MAX_DEVICES", 0)
        full = await device.begin()
        assert (full.status_code, full.json()["error"]) == (
            429,
            "temporarily_unavailable",
        )


@pytest.mark.requirement("K-09")
async def test_old_devices_are_forgotten(offering: Deployment) -> None:
    device = await a_device(offering)
    offering.clock.advance(1500)
    system = offering.server._effects.system
    with trio.fail_after(60):
        # The alarm is due by the clock of the system, which looks now and then.
        for number in range(SHARDS):
            shard = system.get(DeviceActor, f"{number:032x}")
            await shard.pending(b"", now=offering.clock.now())
    assert await device.told() in {"expired_token", "invalid_grant"}
