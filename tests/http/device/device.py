"""A device that polls, and the page on which a person is asked about it."""

from dataclasses import replace

import httpx2

from actor_oauth.oauth.grant_types import DEVICE_CODE
from tests.http.deployment import ISSUER, Browser, Deployment, policy_for

GRANTS = ["authorization_code", "refresh_token", DEVICE_CODE]
POLICY = replace(policy_for(ISSUER), device_authorization_enabled=True)


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
