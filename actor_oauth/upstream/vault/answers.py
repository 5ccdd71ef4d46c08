"""What the vault answers."""

from dataclasses import dataclass, field

from actor_oauth.actors.vault import Connection, Version
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.credentials import (
    CredentialState,
    Use,
    decide_use,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What to send along with a request.

    Attributes:
        resource: The resource that it is for, which covers the URL that was asked about.
        header: The value of `Authorization`; None for a resource that wants none.
        expires_at: When it ends, in Unix seconds; None if that is not known.
        version: Names the token: what to say when it was refused.
    """

    resource: str
    header: str | None = field(repr=False)
    expires_at: int | None
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """A connection as its user may see it, without any secret.

    Attributes:
        resource: Its identifier.
        name: For people.
        state: Where it stands.
        needs_authorization: Whether only the user can bring it back.
        issuer: Who gives its tokens; None for a public resource.
        scope: What its token may be used for.
        created_at: When it was first connected, in Unix seconds.
        expires_at: When its present token ends, or None.
        metadata: What the application attached.
        reauthorize_url: Where the user connects it again.
    """

    resource: str
    name: str
    state: CredentialState
    needs_authorization: bool
    issuer: str | None
    scope: Scope
    created_at: int
    expires_at: int | None
    metadata: Json
    reauthorize_url: str

    @property
    def is_public(self) -> bool:
        """Whether it wants no token."""
        return self.state is CredentialState.PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRedirect:
    """The user must sign in at the service.

    Attributes:
        url: Where to send the browser.
        resource: What for.
    """

    url: str = field(repr=False)
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The service is connected: there is nothing more to do.

    Attributes:
        provider: The connection: with a token, or found to be public.
    """

    provider: ProviderInfo


def provider_info(connection: Connection, *, login_url: str, now: int) -> ProviderInfo:
    """Give what a connection's user may see of it."""
    terms, credential = connection.terms, connection.credential
    return ProviderInfo(
        resource=connection.resource,
        name=terms.name,
        state=credential.state,
        needs_authorization=decide_use(credential, now=now) is Use.AUTHORIZE,
        issuer=None if terms.server is None else terms.server.issuer,
        scope=terms.scope,
        created_at=terms.created_at,
        expires_at=credential.expires_at,
        metadata=terms.metadata,
        reauthorize_url=login_url,
    )
