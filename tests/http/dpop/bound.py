"""Requests with proofs, and the tokens that they bind (RFC 9449)."""

from typing import Protocol

import httpx2

from actor_oauth.oauth.json_values import Json
from actor_oauth.resource import ResourceServer
from actor_oauth.resource.asgi import Message, Receive, Scope, Send
from tests.http.deployment import ISSUER, VERIFIER, WEB_CALLBACK, Deployment
from tests.support.dpop import ProofKey

RESOURCE = f"{ISSUER}/mcp"
TOKEN_URL = f"{ISSUER}/token"
TASKS = 32


async def posted(
    deployment: Deployment,
    form: dict[str, str],
    *proofs: str,
    path: str = "/token",
    authorization: str | None = None,
) -> httpx2.Response:
    headers = [("DPoP", proof) for proof in proofs]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    http = deployment.browser("198.51.100.3").http
    return await http.post(ISSUER + path, data=form, headers=headers)


def proof_for(deployment: Deployment, key: ProofKey, **claims: Json) -> str:
    now = deployment.clock.now()
    return key.proof(
        "POST", TOKEN_URL, now=now, header=None, access_token=None, **claims
    )


def code_form(client: dict[str, str], code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": client["client_id"],
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": WEB_CALLBACK,
    }


async def bound(
    deployment: Deployment, key: ProofKey, client: dict[str, str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """A public client and the tokens that it got with its key."""
    client = client or await deployment.register()
    code = await deployment.code(client, scope="notes:read offline_access")
    answer = await posted(
        deployment, code_form(client, code), proof_for(deployment, key)
    )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return client, tokens


async def greet(scope: Scope, receive: Receive, send: Send) -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": b"hello"})


class Ask(Protocol):
    """Sends a request to the guarded resource."""

    async def __call__(
        self, authorization: str | None, *proofs: str, method: str = "GET"
    ) -> httpx2.Response: ...


def guarded(deployment: Deployment) -> Ask:
    """Asks the guarded resource of a deployment."""
    server = deployment.server
    guard = ResourceServer(
        deployment.policy.resources[0],
        issuer=deployment.policy.issuer,
        validate_token=server.validate_token,
        clock=deployment.clock,
        accept_proof=server.accept_proof,
        proof_nonces=server.proof_nonces,
    ).guard(greet)
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(guard), base_url=ISSUER)

    async def ask(
        authorization: str | None, *proofs: str, method: str = "GET"
    ) -> httpx2.Response:
        headers = [("DPoP", proof) for proof in proofs]
        if authorization is not None:
            headers.append(("Authorization", authorization))
        return await http.request(method, RESOURCE, headers=headers)

    return ask


def shown(deployment: Deployment, key: ProofKey, token: str, **claims: Json) -> str:
    """A proof for the resource."""
    now = deployment.clock.now()
    return key.proof(
        "GET",
        RESOURCE,
        now=now,
        header=None,
        **{"access_token": token, **claims},  # type: ignore[arg-type]  # claims
    )
