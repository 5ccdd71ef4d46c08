"""The SDK's own client with its OAuth support, and the people who answer its requests."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

REDIRECT_URI = "http://127.0.0.1:3030/callback"

Authorize = Callable[[str], Awaitable[str]]
"""What a person does: from the URL that the client opens to the one it is sent to."""


class MemoryStorage:
    """Where the client keeps what it was given."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Give the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Give the registration."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the registration."""
        self.client = client_info

    @property
    def access_token(self) -> str:
        """The access token of now."""
        assert self.tokens is not None
        return self.tokens.access_token

    @property
    def refresh_token(self) -> str:
        """The refresh token of now."""
        assert self.tokens is not None
        assert self.tokens.refresh_token is not None
        return self.tokens.refresh_token

    @property
    def client_id(self) -> str:
        """Who the client is."""
        assert self.client is not None
        assert self.client.client_id is not None
        return self.client.client_id


class McpUser:
    """A person with an MCP client.

    Args:
        url: Of the MCP server.
        authorize: What the person does when asked.
        document_url: Where the client publishes what it is, or None.

    Attributes:
        storage: What the client keeps.
        asked: How often the person was asked.
    """

    def __init__(
        self, url: str, authorize: Authorize, *, document_url: str | None = None
    ) -> None:
        self.url = url
        self.document_url = document_url
        self.storage = MemoryStorage()
        self.asked = 0
        self._authorize = authorize
        self._came_back = ""
        self._auth: OAuthClientProvider | None = None

    @property
    def trusts_its_token(self) -> bool:
        """Whether the client believes that its access token has not expired."""
        return self._auth is not None and self._auth.context.is_token_valid()

    def forget_expiry(self) -> None:
        """Have the client believe that its access token has expired."""
        assert self._auth is not None
        self._auth.context.token_expiry_time = 1

    async def _open_browser(self, url: str) -> None:
        self.asked += 1
        self._came_back = await self._authorize(url)

    async def _wait_for_callback(self) -> AuthorizationCodeResult:
        assert self._came_back.startswith(REDIRECT_URI + "?"), self._came_back
        query = parse_qs(urlsplit(self._came_back).query)
        return AuthorizationCodeResult(
            code=query["code"][0], state=query["state"][0], iss=query["iss"][0]
        )

    @asynccontextmanager
    async def connect(self, mode: str) -> AsyncIterator[Client]:
        """Run the client, which authorizes itself as it finds necessary.

        Args:
            mode: `auto` for the stateless protocol era, `legacy` for the older one.
        """
        metadata = OAuthClientMetadata(
            client_name="test client", redirect_uris=[AnyUrl(REDIRECT_URI)]
        )
        auth = self._auth = OAuthClientProvider(
            self.url,
            metadata,
            self.storage,
            redirect_handler=self._open_browser,
            callback_handler=self._wait_for_callback,
            client_metadata_url=self.document_url,
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30.0) as http,
            Client(
                streamable_http_client(self.url, http_client=http), mode=mode
            ) as mcp,
        ):
            yield mcp
        # The SDK leaves response iterators to the garbage collector, which warns: here,
        # while the warnings are expected, and not in some other test.
        gc.collect()
