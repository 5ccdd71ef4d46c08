"""A user's connections as the authentication of an HTTP client (httpx2).

    async with httpx2.AsyncClient(auth=VaultAuth(vault, user_id)) as client:
        await client.get("https://api.example/things")

Each request gets the token of the connection that its URL belongs to, fresh. A 401 is
answered once with a better one. The client drops the header when it is redirected to
another origin (I-34).
"""

from collections.abc import AsyncGenerator, Generator
from typing import Final

import httpx2

from actor_oauth.oauth.upstream.challenges import find_challenge, parse_www_authenticate
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.upstream.vault.answers import Authorization
from actor_oauth.upstream.vault.vault import Vault

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


class NotConnectedError(Exception):
    """There is no token for a URL: its user must connect it, or wait.

    Attributes:
        failed: Why not.
        login_url: Where the user connects it.
    """

    def __init__(self, failed: UpstreamFailed, login_url: str) -> None:
        super().__init__(f"{failed.fault.text} {login_url}")
        self.failed = failed
        self.login_url = login_url


class VaultAuth(httpx2.Auth):
    """Authenticates requests on behalf of one user.

    Args:
        vault: Of all users.
        user_id: On whose behalf.

    Raises:
        NotConnectedError: By a request, if there is no token for its URL, or its scope
            does not suffice.
    """

    def __init__(self, vault: Vault, user_id: str) -> None:
        self._vault = vault
        self._user_id = user_id

    def sync_auth_flow(
        self,
        request: httpx2.Request,  # noqa: ARG002 - the library's signature
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Refuse: tokens come from actors, which are asynchronous."""
        raise RuntimeError("VaultAuth needs an AsyncClient")

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request with the token of its URL."""
        url = str(request.url)
        found = self._use(
            request, await self._vault.get_authorization(self._user_id, url)
        )
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            found = self._use(request, await self._rejected(url, found))
            response = yield request
            if response.status_code == _UNAUTHORIZED:
                await self._rejected(url, found)
        if response.status_code == _FORBIDDEN:
            await self._lacks_scope(url, response)

    async def _rejected(
        self, url: str, found: Authorization
    ) -> Authorization | UpstreamFailed:
        return await self._vault.report_rejection(self._user_id, url, found.version)

    async def _lacks_scope(self, url: str, response: httpx2.Response) -> None:
        challenges = parse_www_authenticate(
            response.headers.get_list("www-authenticate")
        )
        challenge = find_challenge(challenges)
        if challenge is None or challenge.get("error") != "insufficient_scope":
            return
        more = await self._vault.report_lacking_scope(self._user_id, url, challenges)
        if isinstance(more, UpstreamFailed):
            return
        failed = UpstreamFailed(fault=UpstreamFault.REAUTHORIZATION_NEEDED)
        raise NotConnectedError(failed, more)

    def _use(
        self, request: httpx2.Request, found: Authorization | UpstreamFailed
    ) -> Authorization:
        if isinstance(found, UpstreamFailed):
            login_url = self._vault.login_url(str(request.url))
            raise NotConnectedError(found, login_url)
        if found.header is not None:
            request.headers["Authorization"] = found.header
        return found
