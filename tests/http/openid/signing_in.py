"""Signing in with OpenID Connect, and reading what is told of it."""

from dataclasses import replace

import httpx2

from tests.http.deployment import ISSUER, Deployment, policy_for
from tests.support.id_tokens import ReadIdToken, read_id_token

ON = replace(policy_for(ISSUER), openid_enabled=True)


RESOURCE = f"{ISSUER}/mcp"
USERINFO = f"{ISSUER}/userinfo"
SCOPE = "openid profile offline_access"


async def signed_in(
    deployment: Deployment, client: dict[str, str] | None = None, **parameters: str
) -> tuple[dict[str, str], dict[str, str]]:
    """A client, and what it got for a code of a user who signed in for it."""
    client = client or await deployment.register()
    wanted = {"scope": SCOPE, "nonce": "n-0S6", **parameters}
    code = await deployment.code(client, **wanted)
    answer = await deployment.redeem(client, code)
    assert answer.status_code == 200, answer.text
    return client, answer.json()


async def read(deployment: Deployment, id_token: str) -> ReadIdToken:
    keys = (await deployment.browser().get("/jwks")).json()
    return read_id_token(id_token, keys)


async def ask(
    deployment: Deployment,
    token: str | None,
    *,
    method: str = "GET",
    scheme: str = "Bearer",
    query: str = "",
    body: dict[str, str] | None = None,
    **headers: str,
) -> httpx2.Response:
    if token is not None:
        headers["Authorization"] = f"{scheme} {token}"
    http = deployment.browser("198.51.100.9").http
    return await http.request(method, f"/userinfo{query}", headers=headers, data=body)
