"""Registrations over HTTP."""

from collections.abc import Mapping
from dataclasses import replace

import httpx2

from actor_oauth.http import HttpOptions, Rate
from tests.http.deployment import ISSUER, WEB_CALLBACK, Deployment, policy_for

MANAGED_POLICY = replace(policy_for(ISSUER), registration_management_enabled=True)
PATIENT = HttpOptions(
    registration_rate=Rate(burst=1000, interval=1.0),
    client_failure_rate=Rate(burst=1000, interval=1.0),
)
METADATA: Mapping[str, object] = {
    "redirect_uris": [WEB_CALLBACK],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "client_name": "First Name",
}


def bearer(token: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def register(
    deployment: Deployment, headers: Mapping[str, str] | None = None, **more: object
) -> httpx2.Response:
    return await deployment.browser().http.post(
        "/register", json={**METADATA, **more}, headers=headers or {}
    )
