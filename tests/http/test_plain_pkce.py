"""PKCE's method `plain` over HTTP: for clients registered for it, where it is on."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from actor_oauth.actors.authorization_server import NewClient
from tests.http.deployment import (
    CHALLENGE,
    ISSUER,
    VERIFIER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
    query_of,
)

ON = replace(policy_for(ISSUER), plain_pkce_enabled=True)


@pytest.fixture
async def legacy(deploy: Deploy) -> AsyncIterator[Deployment]:
    """A deployment with plain PKCE."""
    async with deploy(policy=ON) as deployment:
        yield deployment


async def an_old_client(deployment: Deployment) -> dict[str, str]:
    made = await deployment.server.create_client(
        client_name="Old",
        redirect_uris=[WEB_CALLBACK],
        metadata={"plain_pkce": True},
    )
    assert isinstance(made, NewClient)
    return {"client_id": made.client.client_id}


async def redeemed_with(
    deployment: Deployment, client: dict[str, str], code: str, verifier: str
) -> tuple[int, str | None]:
    answer = await deployment.post(
        "/token",
        {
            "grant_type": "authorization_code",
            "client_id": client["client_id"],
            "code": code,
            "code_verifier": verifier,
        },
    )
    return answer.status_code, answer.json().get("error")


@pytest.mark.requirement("C-07", "D-12")
@pytest.mark.parametrize("method", [{"code_challenge_method": "plain"}, {}])
async def test_the_challenge_is_the_verifier(
    legacy: Deployment, method: dict[str, str]
) -> None:
    client = await an_old_client(legacy)
    parameters = {"code_challenge_method": "", **method, "code_challenge": VERIFIER}
    code = await legacy.code(client, **parameters)

    wrong = await redeemed_with(legacy, client, code, VERIFIER[::-1])
    hashed = await redeemed_with(legacy, client, code, CHALLENGE)
    right = await redeemed_with(legacy, client, code, VERIFIER)

    assert wrong == hashed == (400, "invalid_grant")
    assert right == (200, None)


@pytest.mark.requirement("C-07")
async def test_a_modern_client_cannot_be_talked_down(legacy: Deployment) -> None:
    """Somebody changes the method in the victim's link, to redeem with the challenge."""
    modern, old = await legacy.register(), await an_old_client(legacy)
    for method in ("plain", ""):
        url = legacy.authorize_url(old, code_challenge_method=method)
        assert (await legacy.browser().get(url)).status_code == 200
        url = legacy.authorize_url(modern, code_challenge_method=method)
        refused = await legacy.browser().get(url)
        assert "The code_challenge_method must be S256." in refused.text


@pytest.mark.requirement("C-07", "D-12", "D-13")
async def test_what_was_asked_with_one_method_is_not_redeemed_with_the_other(
    legacy: Deployment,
) -> None:
    client = await an_old_client(legacy)
    hashed = await legacy.code(client)
    assert await redeemed_with(legacy, client, hashed, CHALLENGE) == (
        400,
        "invalid_grant",
    )
    assert await redeemed_with(legacy, client, hashed, VERIFIER) == (200, None)


@pytest.mark.requirement("C-07", "A-08")
@pytest.mark.parametrize("method", ["plain", ""])
async def test_while_it_is_off_it_is_refused(deploy: Deploy, method: str) -> None:
    async with deploy(policy=ON) as deployment:
        client = await an_old_client(deployment)
        url = deployment.authorize_url(client, code_challenge_method=method)
        assert (await deployment.browser().get(url)).status_code == 200
    async with deploy() as deployment:
        refused = await deployment.browser().get(url)

    assert query_of(refused.headers["location"])["error"] == "invalid_request"
