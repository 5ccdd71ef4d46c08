"""What tokens are for: protected resources and their scopes."""

from dataclasses import replace
from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.authorization_details import DetailType
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.signing_keys import SigningAlgorithm

# Of the default resource's scope.
_SCOPE_DESCRIPTIONS: Final = {"mcp": "Use its tools on your behalf"}


def usual_resource(issuer: str) -> str:
    """Give the identifier of the resource of a server whose operator names none."""
    return issuer.removesuffix("/") + "/mcp"


class DetailTypeSettings(BaseModel):
    """A kind of `authorization_details` (RFC 9396) that a resource understands.

    Attributes:
        type: Its name.
        description: What it allows, described for the consent page.
        required: Members that each detail must have.
        optional: Members that it may have.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    type: str
    description: str | None = None
    required: Words = ()
    optional: Words = ()

    def policy(self) -> DetailType:
        """Give the protocol's view of this kind."""
        return DetailType(
            name=self.type,
            description=self.description,
            required=self.required,
            optional=self.optional,
        )


class ResourceSettings(BaseModel):
    """A protected resource that tokens are issued for.

    Attributes:
        identifier: Canonical absolute URL, the one that users enter into clients.
        scopes: Every scope that a token for this resource may carry.
        default_scopes: Granted when a request names none; without it, `scopes`.
        name: Shown on the consent page.
        access_tokens: `opaque`, or `jwt` for tokens that resource servers can verify by
            themselves (RFC 9068).
        signing_algorithm: What such tokens are signed with.
        implied_scopes: What a scope includes besides itself.
        required_scopes: Without all of which nobody is let through; without it, the
            default scopes.
        authorization_details: Kinds of `authorization_details` that it understands.
        props_clients: Clients that learn a grant's props by introspection.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    identifier: str
    scopes: Words = ("mcp",)
    default_scopes: Words | None = None
    name: str | None = None
    access_tokens: Literal["opaque", "jwt"] = "opaque"
    signing_algorithm: SigningAlgorithm = "EdDSA"
    implied_scopes: dict[str, Words] = Field(default_factory=dict)
    required_scopes: Words | None = None
    authorization_details: tuple[DetailTypeSettings, ...] = ()
    props_clients: Words = ()

    def policy(self) -> ResourcePolicy:
        """Give the protocol's view of this resource."""
        defaults = self.scopes if self.default_scopes is None else self.default_scopes
        return ResourcePolicy(
            identifier=self.identifier,
            scopes=self.scopes,
            default_scopes=defaults,
            name=self.name,
            has_jwt_tokens=self.access_tokens == "jwt",
            signing_algorithm=self.signing_algorithm,
            implied_scopes=tuple(self.implied_scopes.items()),
            required_scopes=self.required_scopes,
            detail_types=tuple(kind.policy() for kind in self.authorization_details),
            props_clients=self.props_clients,
        )


class ResourcesSettings(SettingsGroup):
    """The registry of resources, and what their scopes mean."""

    heading: ClassVar[str] = "Resources and scopes"

    resources: tuple[ResourceSettings, ...] = Field(
        default=(),
        description="Protected resources: tables with `identifier`, `scopes`, "
        "`default_scopes`, `name`, `access_tokens` (`opaque` or `jwt`), "
        "`signing_algorithm` (`EdDSA`, `ES256` or `RS256`), `implied_scopes` (table "
        "from a scope to the scopes that it includes), `required_scopes` (which its "
        "guard requires of every request), `authorization_details` (tables with "
        "`type`, `description`, `required`, `optional`, RFC 9396), `props_clients` "
        "(client ids of remote servers that may read a grant's props by "
        "introspection). Default: the issuer's `/mcp` with the scope `mcp`.",
    )
    default_resource: str | None = Field(
        default=None,
        description="The `identifier` of the resource for requests that name none, as "
        "those of older clients and n8n. Default: the only resource; if there are "
        "several, such requests are refused (`invalid_target`).",
    )
    scope_descriptions: dict[str, str] = Field(
        default_factory=dict,
        description="Table from scopes to descriptions for the consent page.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the resources into the policy, or the default one if there are none."""
        policy = super().shape(policy)
        resources = self.resources or (
            ResourceSettings(
                identifier=usual_resource(policy.issuer),
                name="the MCP server",
            ),
        )
        return replace(
            policy,
            resources=tuple(resource.policy() for resource in resources),
            default_resource=self.default_resource,
            scope_descriptions=tuple(
                {**_SCOPE_DESCRIPTIONS, **self.scope_descriptions}.items()
            ),
        )
