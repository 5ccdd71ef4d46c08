"""What an operator may decide about the vault: one frozen value, built by config."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from actor_oauth.oauth.resources import covers
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.clients import ClientMethod
from actor_oauth.oauth.upstream.resource_metadata import NO_SCOPE
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredClient:
    """Credentials that the operator got from another authorization server by hand.

    Attributes:
        issuer: The only server that they are for.
        client_id: As that server knows this one.
        secret: Shared with it, or None.
        method: How this server authenticates.
    """

    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    method: ClientMethod = "client_secret_basic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredResource:
    """A protected resource that need not say anything about itself.

    Attributes:
        resource: The URL that its tokens are for, and for everything below it.
        issuer: Whose tokens it takes.
        server: That issuer's endpoints; None to ask the issuer itself.
        name: For people, or None.
        scope: What to ask for.
        sends_resource: Whether to name the resource in requests (RFC 8707).
        parameters: Further ones of the authorization request.
    """

    resource: str
    issuer: str
    server: UpstreamServer | None = None
    name: str | None = None
    scope: Scope = NO_SCOPE
    sends_resource: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPolicy:
    """Everything that the vault needs to know about this server.

    Attributes:
        base_url: The issuer, with the prefix of the vault's paths.
        client_name: What this server calls itself elsewhere.
        client_uri: Its web site.
        loopback: Development only: other services may be on this machine.
        clients: Credentials by hand.
        resources: Resources by hand.
    """

    base_url: str
    client_name: str
    client_uri: str
    loopback: bool = False
    clients: tuple[ConfiguredClient, ...] = ()
    resources: tuple[ConfiguredResource, ...] = ()

    @property
    def jwks_uri(self) -> str:
        """Where the public keys of client assertions are."""
        return self.base_url + "/jwks"

    def redirect_uri(self, label: str) -> str:
        """Give where answers of an issuer come; see `addresses.host_label`."""
        return f"{self.base_url}/callback/{label}"

    def document_url(self, label: str, method: ClientMethod) -> str:
        """Give the client id that an issuer knows this server by, if by a document.

        Not every issuer takes clients that sign, and a document says one thing only.
        """
        kind = "signing-client" if method == "private_key_jwt" else "client"
        return f"{self.base_url}/{kind}/{label}"

    def login_url(self, url: str) -> str:
        """Give the URL at which a user begins to connect a service."""
        return f"{self.base_url}/login?{urlencode({'url': url})}"

    def client_at(self, issuer: str) -> ConfiguredClient | None:
        """Give the credentials for an issuer, or None."""
        return next((known for known in self.clients if known.issuer == issuer), None)

    def client_for(self, resource: str, issuer: str) -> ConfiguredClient | None:
        """Give the credentials for an issuer, if they are for this resource; or None.

        Where the operator names resources of an issuer, its credentials are only for
        those. Anybody can publish a resource that names the same issuer. Many servers
        ignore the requested resource and, without asking, give a client that the user
        already knows a token that is valid everywhere: it would then be sent to that
        resource.
        """
        named = [known.resource for known in self.resources if known.issuer == issuer]
        if named and not any(covers(name, resource) for name in named):
            return None
        return self.client_at(issuer)
