"""What stands between the guard and the HTTP transport of any MCP server.

The guard decides who comes in; this says so to the server, and challenges single calls.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import cast

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.authentication import AuthCredentials

from actor_oauth.mcp.access import VerifiedAccessToken
from actor_oauth.mcp.caller import Caller
from actor_oauth.mcp.catalogue import Catalogue
from actor_oauth.mcp.gate import judge_calls
from actor_oauth.resource import require_scopes, verified_token
from actor_oauth.resource.admission import Protection
from actor_oauth.resource.asgi import ASGIApp, Receive, Scope, Send
from actor_oauth.resource.guard import PROTECTION_KEY


class GuardedTransport(ABC):
    """An ASGI application behind the guard, whose server learns who calls.

    Args:
        app: The server's HTTP transport.
        catalogue: What the server offers.
        issuer: Identifier of the authorization server that the guard asks.
        token_class: As what the server sees tokens.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        catalogue: Catalogue,
        issuer: str,
        token_class: type[VerifiedAccessToken] = VerifiedAccessToken,
    ) -> None:
        self._app: ASGIApp = AuthContextMiddleware(app)
        self._catalogue = catalogue
        self._issuer = issuer
        self._token_class = token_class

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that the guard has let through.

        Raises:
            KeyError: There is no verified token in the scope: no guard in front.
        """
        protection = cast("Protection", scope[PROTECTION_KEY])
        token = self._token_class.of(
            verified_token(scope), issuer=self._issuer, implied=protection.implied
        )
        scope = {
            **scope,
            "user": AuthenticatedUser(token),
            "auth": AuthCredentials(token.scopes),
        }
        receive, refusal = await judge_calls(
            self._catalogue,
            Caller(token=token.info, scopes=token.held),
            scope,
            receive,
            require=partial(require_scopes, scope),
        )
        await (refusal or self._app)(scope, receive, send)

    @abstractmethod
    def run(self) -> AbstractAsyncContextManager[None]:
        """Keep the sessions for as long as the block runs; leaving it ends them all.

        It opens a nursery: enter and leave it in the same task.
        """

    @abstractmethod
    def end_listening(self) -> None:
        """End the event streams that clients opened by `subscriptions/listen`.

        They never end by themselves, so an orderly stop would wait for them until its
        deadline. Nobody can listen from now on.
        """
