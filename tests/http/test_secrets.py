"""Whatever this server hands out and nobody else may guess: 256 bits of its randomness."""

import re
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Final

import pytest

from actor_oauth.oauth.tokens import TokenKind, parse_token
from tests.http.deployment import (
    CHALLENGE,
    ISSUER,
    VERIFIER,
    WEB_CALLBACK,
    Deploy,
    Deployment,
    policy_for,
)

DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"


async def handed_out(deployment: Deployment) -> dict[str, str]:
    """One of everything, as a client and a browser get it."""
    asked = {
        "redirect_uris": [WEB_CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token", DEVICE],
    }
    browser = deployment.browser()
    client = (await browser.http.post("/register", json=asked)).json()
    own = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    code = await deployment.code(client, scope="notes:read offline_access")
    tokens = await deployment.post(
        "/token",
        {
            **own,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
        },
    )
    pushed = await deployment.post(
        "/par",
        {
            **own,
            "response_type": "code",
            "redirect_uri": WEB_CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        },
    )
    device = await deployment.post("/device_authorization", own)
    await browser.sign_in(await browser.get("/login"))
    (session,) = [
        cookie.value
        for cookie in browser.http.cookies.jar
        if cookie.value and cookie.value.startswith(TokenKind.SESSION)
    ]
    return {
        "client secret": client["client_secret"],
        "registration access token": client["registration_access_token"],
        "code": code,
        "access token": tokens.json()["access_token"],
        "refresh token": tokens.json()["refresh_token"],
        "request_uri": pushed.json()["request_uri"],
        "device code": device.json()["device_code"],
        "session": session,
    }


def secret_of(text: str) -> bytes:
    """What of it is random."""
    token = parse_token(text)
    if token is not None:
        return token.secret
    random = re.sub(r"^urn:ietf:params:oauth:request_uri:", "", text)
    return urlsafe_b64decode(random + "=" * (-len(random) % 4))


@pytest.mark.requirement("K-01")
async def test_everything_that_must_not_be_guessed_has_256_bits_of_its_own(
    deploy: Deploy,
) -> None:
    policy = replace(
        policy_for(ISSUER),
        registration_management_enabled=True,
        device_authorization_enabled=True,
    )
    async with deploy(policy=policy) as deployment:
        twice = [await handed_out(deployment) for _ in range(2)]
    secrets = [secret_of(text) for given in twice for text in given.values()]
    assert len(secrets) == 16
    assert {len(secret) for secret in secrets} == {32}
    # None is another one, nor shares its beginning or end with it.
    assert len({secret[:8] for secret in secrets}) == 16
    assert len({secret[-8:] for secret in secrets}) == 16
