"""Asking an authorization server elsewhere: bounded questions about tokens and keys.

This runs on Trio and on asyncio, whichever the protected application runs on.
"""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

import anyio
import httpx2

from actor_oauth.oauth.json_values import Json, parse_json_object
from actor_oauth.runtime import ActorError

_SIZE_LIMIT: Final = 64 * 1024
_SECONDS: Final = 10.0


class AuthorityUnavailableError(ActorError):
    """The authorization server is unreachable: nothing is wrong with the token.

    As every `ActorError`, the guard answers it 503 and never 401.
    """


async def ask_for_json(
    http: httpx2.AsyncClient,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    authorization: str | None = None,
) -> dict[str, Json]:
    """Ask for a JSON object at a URL that the operator chose.

    Redirects are not followed, and there are limits to size and time.

    Args:
        http: To ask with.
        url: What to ask.
        form: Posted; a GET without it.
        authorization: The header's value.

    Raises:
        AuthorityUnavailableError: There is no answer that could be used.
    """
    headers = {"Accept": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    method = "GET" if form is None else "POST"
    try:
        with anyio.fail_after(_SECONDS):
            request = http.build_request(method, url, headers=headers, data=form)
            return await _answer(http, request)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise AuthorityUnavailableError(f"no answer from {url}") from error


async def _answer(http: httpx2.AsyncClient, request: httpx2.Request) -> dict[str, Json]:
    body = b""
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        if response.status_code != 200:
            raise AuthorityUnavailableError(
                f"{request.url} answered {response.status_code}"
            )
        async with aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > _SIZE_LIMIT:
                    raise AuthorityUnavailableError(f"{request.url} answered too much")
    finally:
        await response.aclose()
    members = parse_json_object(body)
    if members is None:
        raise AuthorityUnavailableError(f"{request.url} answered no JSON object")
    return members
