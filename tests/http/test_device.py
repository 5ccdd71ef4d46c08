"""Device authorization over HTTP: the device, the person, and those who interfere."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import trio

from actor_oauth.actors import device as device_actors
from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.actors.device import DeviceActor
from actor_oauth.actors.throttle import Rate
from actor_oauth.http import HttpOptions
from actor_oauth.oauth.device import SHARDS
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from tests.http.deployment import (
    ISSUER,
    USER,
    Browser,
    Deploy,
    Deployment,
    policy_for,
    read_page,
)

RESOURCE = f"{ISSUER}/mcp"
GRANTS = ["authorization_code", "refresh_token", DEVICE_CODE]
POLICY = replace(policy_for(ISSUER), device_authorization_enabled=True)


@pytest.fixture
async def offering(deploy: Deploy) -> AsyncIterator[Deployment]:
    async with deploy(policy=POLICY) as opened:
        yield opened


class Device:
    """A device without a browser."""

    def __init__(self, deployment: Deployment, client: dict[str, str]) -> None:
        self.deployment = deployment
        self.client = client
        self.codes: dict[str, str] = {}

    async def begin(self, **fields: str) -> httpx2.Response:
        answer = await self.deployment.post(
            "/device_authorization", {"client_id": self.client["client_id"], **fields}
        )
        if answer.status_code == 200:
            self.codes = answer.json()
        return answer

    async def poll(self, **fields: str) -> httpx2.Response:
        return await self.deployment.post(
            "/token",
            {
                "grant_type": DEVICE_CODE,
                "client_id": self.client["client_id"],
                "device_code": self.codes["device_code"],
                **fields,
            },
        )

    async def told(self) -> str:
        """Poll after the interval; the error."""
        self.deployment.clock.advance(5)
        answer = await self.poll()
        assert answer.status_code == 400
        error: str = answer.json()["error"]
        return error


async def a_device(deployment: Deployment, **fields: str) -> Device:
    device = Device(deployment, await deployment.register(grant_types=GRANTS))
    answer = await device.begin(**fields)
    assert answer.status_code == 200, answer.text
    return device


async def question(browser: Browser, device: Device) -> httpx2.Response:
    """Go from the device's link to the question, signing in on the way."""
    page = await browser.get(device.codes["verification_uri_complete"])
    if "password" in page.text:
        page = await browser.follow(await browser.sign_in(page))
    page = await browser.submit(page)
    assert page.status_code == 200, page.text
    return page


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


@pytest.mark.requirement("A-05", "D-03")
async def test_it_is_offered_only_where_it_is_on(
    deployment: Deployment, deploy: Deploy
) -> None:
    path = "/.well-known/oauth-authorization-server"
    metadata = (await deployment.browser().get(path)).json()
    assert "device_authorization_endpoint" not in metadata
    client = await deployment.register(grant_types=GRANTS)
    assert DEVICE_CODE not in client["grant_types"]
    device = Device(deployment, client)
    assert (await device.begin()).status_code == 404
    page = await deployment.browser().get(f"{ISSUER}/device")
    assert page.status_code == 404


@pytest.mark.requirement("A-05", "D-50")
async def test_who_may_not_is_refused(offering: Deployment) -> None:
    path = "/.well-known/oauth-authorization-server"
    metadata = (await offering.browser().get(path)).json()
    assert metadata["device_authorization_endpoint"] == (
        f"{ISSUER}/device_authorization"
    )
    assert DEVICE_CODE in metadata["grant_types_supported"]
    plain = Device(offering, await offering.register())
    answer = await plain.begin()
    assert answer.json()["error"] == "unauthorized_client"
    device = Device(offering, await offering.register(grant_types=GRANTS))
    assert (await device.begin(client_id="nobody")).status_code == 401
    scope = await device.begin(scope="nonsense")
    assert scope.json()["error"] == "invalid_scope"
    await device.begin()
    missing = await device.poll(device_code="")
    assert missing.json()["error"] == "invalid_request"
    wrong = await device.poll(device_code="nothing")
    assert wrong.json()["error"] == "invalid_grant"


@pytest.mark.requirement("D-32", "D-53")
async def test_the_application_is_asked_about_devices_too(deploy: Deploy) -> None:
    asked: list[TokenContext] = []

    async def on_token_exchange(context: TokenContext) -> TokenChanges:
        asked.append(context)
        return TokenChanges(props={"device": True})

    callbacks = Callbacks(on_token_exchange=on_token_exchange)
    async with deploy(policy=POLICY, callbacks=callbacks) as offering:
        device = await a_device(offering)
        browser = offering.browser()
        await browser.submit(await question(browser, device), decision="approve")
        answers: list[httpx2.Response] = []

        async def poll() -> None:
            answers.append(await device.poll())

        async with trio.open_nursery() as nursery:
            for _ in range(32):
                nursery.start_soon(poll)
        told = Counter(a.json().get("error", "tokens") for a in answers)
        assert told == {"tokens": 1, "invalid_grant": 31}
        assert len(asked) == 1
        (tokens,) = (a.json() for a in answers if a.status_code == 200)
        info = await offering.server.unwrap_token(tokens["access_token"])
        assert info is not None
        assert info.props == {"device": True}


@pytest.mark.requirement("B-24", "D-50")
async def test_a_client_for_devices_only_needs_no_redirect_uri(
    offering: Deployment,
) -> None:
    http = offering.browser().http
    metadata = {
        "client_name": "Shell",
        "token_endpoint_auth_method": "none",
        "grant_types": [DEVICE_CODE, "refresh_token"],
    }
    answer = await http.post(f"{ISSUER}/register", json=metadata)
    assert answer.status_code == 201
    client = answer.json()
    assert (client["redirect_uris"], client["response_types"]) == ([], [])
    device = Device(offering, client)
    assert (await device.begin()).status_code == 200
    # There is nowhere that it could be sent a code.
    for callback in (None, "https://evil.example/"):
        url = offering.authorize_url(client, redirect_uri=callback)
        assert (await offering.browser().get(url)).status_code == 400
