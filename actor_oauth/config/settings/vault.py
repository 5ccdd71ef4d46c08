"""Connections of users to other services: the vault."""

from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.policy import (
    ConfiguredClient,
    ConfiguredResource,
    VaultPolicy,
)
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

_CLIENT_NAME: Final = "Actor OAuth"


class VaultClientSettings(BaseModel):
    """Manually obtained credentials at another authorization server.

    Attributes:
        issuer: The server that they are for, character for character.
        client_id: As it knows this server.
        client_secret: Shared with it; not for the method `private_key_jwt` or `none`.
        method: How this server authenticates there.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    method: Literal[
        "client_secret_basic", "client_secret_post", "private_key_jwt", "none"
    ] = "client_secret_basic"

    def policy(self) -> ConfiguredClient:
        """Give the protocol's view of these credentials."""
        secret = self.client_secret
        return ConfiguredClient(
            issuer=self.issuer,
            client_id=self.client_id,
            secret=None if secret is None else secret.get_secret_value(),
            method=self.method,
        )


class VaultResourceSettings(BaseModel):
    """A protected resource that publishes no metadata.

    Attributes:
        url: What its tokens are for, with everything below it.
        issuer: Whose tokens it takes.
        authorization_endpoint: Of that issuer; with `token_endpoint`, for one that
            publishes no metadata.
        token_endpoint: Of that issuer.
        revocation_endpoint: Of that issuer, if it has one.
        name: For people.
        scope: What to ask for.
        send_resource: Whether to name the resource in requests (RFC 8707).
        parameters: Further parameters of the authorization request.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    url: str
    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    name: str | None = None
    scope: Words = ()
    send_resource: bool = False
    parameters: dict[str, str] = Field(default_factory=dict)

    def policy(self) -> ConfiguredResource:
        """Give the protocol's view of this resource."""
        return ConfiguredResource(
            resource=self.url,
            issuer=self.issuer,
            server=self._server(),
            name=self.name,
            scope=Scope(self.scope),
            sends_resource=self.send_resource,
            parameters=self.parameters,
        )

    def _server(self) -> UpstreamServer | None:
        if self.authorization_endpoint is None or self.token_endpoint is None:
            return None
        return UpstreamServer(
            issuer=self.issuer,
            authorization_endpoint=self.authorization_endpoint,
            token_endpoint=self.token_endpoint,
            revocation_endpoint=self.revocation_endpoint,
        )


class VaultSettings(SettingsGroup):
    """Connections to other services, and who this server is there."""

    heading: ClassVar[str] = "Vault"

    vault_enabled: bool = Field(
        default=False,
        description="Let users connect other OAuth-protected services, and give their "
        "applications tokens for them.",
    )
    vault_prefix: str = Field(
        default="/oauth",
        pattern=r"^(/[A-Za-z0-9_-]+)+$",
        description="Path of the vault's pages, below the issuer.",
    )
    vault_api: bool = Field(
        default=False,
        description="Serve the vault's HTTP API at `/api` below the prefix. A resource "
        "with the scope `vault` must cover it.",
    )
    vault_confirm: bool = Field(
        default=True,
        description="Ask before a link to the vault's sign-in redirects to another "
        "service. If off, any web site can send your users anywhere through this "
        "server.",
    )
    vault_client_name: str = Field(
        default=_CLIENT_NAME,
        description="The name under which this server requests access elsewhere.",
    )
    vault_clients: tuple[VaultClientSettings, ...] = Field(
        default=(),
        description="Manually obtained client credentials: tables with `issuer`, "
        "`client_id`, `client_secret`, `method` (`client_secret_basic`, "
        "`client_secret_post`, `private_key_jwt` or `none`). Everywhere else this "
        "server registers itself.",
    )
    vault_resources: tuple[VaultResourceSettings, ...] = Field(
        default=(),
        description="Resources that publish no metadata: tables with `url`, `issuer`, "
        "`authorization_endpoint`, `token_endpoint`, `revocation_endpoint`, `name`, "
        "`scope`, `send_resource`, `parameters`.",
    )
    loopback_upstreams: bool = Field(
        default=False,
        description="Development only: allow services that users connect to be on this "
        "machine, also over `http`. Refused unless the issuer is a loopback address.",
    )

    def vault_policy(self, issuer: str) -> VaultPolicy:
        """Give the protocol's view of these settings, whether the vault is on or off.

        Args:
            issuer: The issuer identifier.
        """
        return VaultPolicy(
            base_url=issuer.removesuffix("/") + self.vault_prefix,
            client_name=self.vault_client_name,
            client_uri=issuer,
            loopback=self.loopback_upstreams,
            clients=tuple(client.policy() for client in self.vault_clients),
            resources=tuple(resource.policy() for resource in self.vault_resources),
        )
