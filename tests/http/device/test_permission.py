"""Whether devices are served at all, which, and with whose say."""

from collections import Counter

import httpx2
import pytest
import trio

from actor_oauth.actors.callbacks import Callbacks
from actor_oauth.oauth.grant_types import DEVICE_CODE
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext
from tests.http.deployment import ISSUER, Deploy, Deployment
from tests.http.device.device import GRANTS, POLICY, Device, a_device, question


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
