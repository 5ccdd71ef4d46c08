"""Grants of many users, made on the data directory of a running server."""

import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from actor_oauth.config import Settings
from actor_oauth.oauth.authorization_answer import Redirect
from actor_oauth.oauth.authorization_request import AuthorizationRequest
from actor_oauth.provider import Provider, RunningProvider
from benchmarks.oauth_client import (
    REDIRECT_URI,
    OAuthClientError,
    Tokens,
    discover,
    redeem,
    register,
    s256,
)


async def make_grants(settings: Settings, count: int) -> tuple[str, list[Tokens]]:
    """Give each of `count` users a grant, all for one client.

    Nobody logs in: the helper API says who the user is, in a second process on the same
    data directory. Codes are redeemed over HTTP, as always.

    Args:
        settings: Of the server: its data directory, its issuer, its resources.
        count: How many users.

    Returns:
        The `client_id`, and the tokens of each grant.
    """
    assert settings.issuer is not None
    async with (
        httpx2.AsyncClient(timeout=60.0) as http,
        Provider(settings).open() as running,
    ):
        endpoints = await discover(http, settings.issuer)
        client_id = await register(http, endpoints)
        tokens = []
        for number in range(count):
            verifier = secrets.token_urlsafe(48)
            code = await _authorize(running, client_id, f"user{number}", verifier)
            tokens.append(await redeem(http, endpoints, client_id, code, verifier))
        return client_id, tokens


async def _authorize(
    running: RunningProvider, client_id: str, user_id: str, verifier: str
) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": s256(verifier),
        "code_challenge_method": "S256",
    }
    request = await running.server.parse_auth_request(urlencode(query))
    if not isinstance(request, AuthorizationRequest):
        raise OAuthClientError(f"the authorization request was refused: {request}")
    answer = await running.server.complete_authorization(
        request, user_id=user_id, props={"user": user_id}
    )
    if not isinstance(answer, Redirect):
        raise OAuthClientError(f"no code for {user_id}: {answer.reason}")
    return parse_qs(urlsplit(answer.url).query)["code"][0]
