"""The services that users can sign in with, as configured by the operator."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from actor_oauth.oauth.json_values import Json, get_text
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.clients import ClientMethod, UpstreamClient
from actor_oauth.oauth.upstream.server_metadata import UpstreamServer

CALLBACK_PATH: Final = "/login/callback/"

GOOGLE: Final = "https://accounts.google.com"
ENTRA: Final = "https://login.microsoftonline.com/"

TENANT: Final = "{tenantid}"
"""Placeholder in Entra's issuer for the tenant that a user belongs to."""

_TENANT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ProviderKind(StrEnum):
    """How a service identifies its users."""

    OIDC = "oidc"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who may sign in with a service. Matching any one of these is enough.

    Attributes:
        everyone: Anybody with an account there.
        users: Subjects, logins of GitHub, or verified e-mail addresses in lower case.
        domains: Of verified e-mail addresses, in lower case.
        organisations: Of which one is a member, as the service names them.
    """

    everyone: bool = False
    users: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProvider:
    """A service that people may sign in with.

    Attributes:
        name: In addresses and in the names of its users.
        label: On its button.
        kind: How it identifies its users.
        issuer: Its identifier, character for character; for GitHub its web address, for
            all tenants of Entra the template that its documents give.
        client_id: As it knows this server.
        client_secret: Shared with it, or None.
        method: How this server authenticates there.
        scope: What is asked for.
        admission: Who may sign in.
        creates_accounts: Whether a new user gets an account.
        organisation_claim: The claim that lists organisations, or names one.
        api_url: Where GitHub's API is.
        parameters: Further ones of the authorization request.
        tokens_for: The URL whose requests the service's tokens are for, under which they
            are kept in the vault; None if they are not.
    """

    name: str
    label: str
    kind: ProviderKind
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    method: ClientMethod = "client_secret_basic"
    scope: Scope
    admission: Admission = Admission()
    creates_accounts: bool = True
    organisation_claim: str = "groups"
    api_url: str = "https://api.github.com"
    parameters: tuple[tuple[str, str], ...] = ()
    tokens_for: str | None = None

    def client(self, base: str) -> UpstreamClient:
        """Give who this server is there.

        Args:
            base: The issuer of this server, without a slash at its end.
        """
        return UpstreamClient(
            client_id=self.client_id,
            method=self.method,
            redirect_uri=base + CALLBACK_PATH + self.name,
            origin="configured",
            secret=self.client_secret,
        )

    @property
    def documents_at(self) -> str:
        """The URL below which its documents are."""
        return self.issuer.replace(TENANT, "organizations")

    def issuer_of(self, claims: Mapping[str, Json]) -> str:
        """Give the issuer that an ID token must name.

        Args:
            claims: Of the token, which may name a tenant.
        """
        tenant = get_text(claims, "tid") or ""
        if TENANT in self.issuer and _TENANT_ID.fullmatch(tenant):
            return self.issuer.replace(TENANT, tenant)
        return self.issuer

    def github_server(self) -> UpstreamServer:
        """Give GitHub's endpoints: it publishes no metadata."""
        return UpstreamServer(
            issuer=self.issuer,
            authorization_endpoint=self.issuer + "/login/oauth/authorize",
            token_endpoint=self.issuer + "/login/oauth/access_token",
            token_endpoint_auth_methods_supported=("client_secret_post",),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationPolicy:
    """What an operator may decide about signing in with other services.

    Attributes:
        providers: In the order of their buttons.
        loopback: Development only: they may be on this machine.
    """

    providers: tuple[LoginProvider, ...] = ()
    loopback: bool = False

    def provider(self, name: str) -> LoginProvider | None:
        """Give the service of that name, or None."""
        return next((known for known in self.providers if known.name == name), None)
