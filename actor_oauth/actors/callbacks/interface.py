"""What an application implements: the callbacks, and their arguments."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.refresh_reuse import ReuseEvent, ReuseVerdict
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_changes import TokenChanges, TokenContext, TokenRefusal
from actor_oauth.oauth.upstream.hooks import OnAuthSuccess, OnConnectionEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedError:
    """The argument of `on_error`. It never contains a secret.

    Attributes:
        endpoint: Where it happened: an endpoint or page by its path, such as `token` or
            `consent`, or `guard` for a protected application.
        reason: Why, in the stable words of the log.
        category: What the client was told, as a stable name.
        status: The HTTP status of the response; for a redirect, the one that the error
            would have had.
        client_id: As the client said it, or None.
        detail: More for the operator, or None.
    """

    endpoint: str
    reason: str
    category: str
    status: int
    client_id: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalToken:
    """The application's facts about a token of another server.

    Attributes:
        user_id: The user, as the issuer of the token names them.
        client_id: Whom it was issued to.
        scope: What it may be used for.
        resource: The resource that it was issued for; compared with the one asked for.
        expires_at: In Unix seconds.
        props: For the protected application.
    """

    user_id: str
    client_id: str
    scope: Scope
    resource: str
    expires_at: int
    props: Json = field(default=None, repr=False)


OnTokenExchange: TypeAlias = Callable[
    [TokenContext], Awaitable[TokenChanges | TokenRefusal | None]
]
OnError: TypeAlias = Callable[[ObservedError], Awaitable[None]]
OnClientRegistration: TypeAlias = Callable[[Client], Awaitable[Client | None]]
ResolveExternalToken: TypeAlias = Callable[[str, str], Awaitable[ExternalToken | None]]
OnRefreshReuse: TypeAlias = Callable[[ReuseEvent], Awaitable[ReuseVerdict]]
ResolveClaims: TypeAlias = Callable[[str, Scope], Awaitable[Mapping[str, Json]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """The application's callbacks.

    Attributes:
        on_token_exchange: Before a code or refresh token is traded for tokens.
        on_error: After every refusal and fault, wherever it happened.
        on_client_registration: Before a client that registers itself, or replaces its
            registration, is stored: gives it, or one with less, or None to refuse.
        resolve_external_token: Called with a token that this server did not issue, and
            the resource that it was presented to; returns None for an unknown token. If
            it raises or times out the token is not judged: the caller is told to try
            again.
        on_auth_success: After a user has connected another service: gives it a name, and
            metadata to be listed with it.
        on_connection_ended: When a user's connection to another service has come to its
            end, and only the user can bring it back: tell the user.
        on_refresh_reuse: When a superseded refresh token comes after its window, before
            anything is done about it. If it raises or takes too long, what is configured
            happens.
        resolve_claims: Given a user and the scope that was granted, what the userinfo
            endpoint says of the user besides the name (OpenID Connect Core §5.1). At most
            64 KiB as JSON.
        seconds: How long each may take.
    """

    on_token_exchange: OnTokenExchange | None = None
    on_error: OnError | None = None
    on_client_registration: OnClientRegistration | None = None
    resolve_external_token: ResolveExternalToken | None = None
    on_auth_success: OnAuthSuccess | None = None
    on_connection_ended: OnConnectionEnded | None = None
    on_refresh_reuse: OnRefreshReuse | None = None
    resolve_claims: ResolveClaims | None = None
    seconds: float = 10.0
