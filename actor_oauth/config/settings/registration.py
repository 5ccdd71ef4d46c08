"""How clients register, and how they authenticate."""

from dataclasses import replace
from typing import ClassVar, Final

from pydantic import Field

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Seconds, Words
from actor_oauth.oauth.policy import Lifetimes, Policy

_LIFETIMES: Final = Lifetimes()


class RegistrationSettings(SettingsGroup):
    """Dynamic registration, published metadata, and what both may hold."""

    heading: ClassVar[str] = "Clients"

    registration_enabled: bool = Field(
        default=True, description="Offer dynamic client registration (RFC 7591)."
    )
    registration_token_required: bool = Field(
        default=False,
        description="Let clients register themselves only with an initial access token "
        "from `actor-oauth clients token`.",
    )
    public_registration: bool = Field(
        default=True,
        description="Let clients without credentials of their own "
        "(`token_endpoint_auth_method` `none`) register themselves.",
    )
    registration_management_enabled: bool = Field(
        default=False,
        description="Let clients read, replace and delete their own registration (RFC "
        "7592).",
    )
    unused_client_seconds: Seconds = Field(
        default=_LIFETIMES.unused_client,
        description="A client that registered itself is deleted when it has not been "
        "used for this long and can have no valid grant.",
    )
    client_metadata_documents_enabled: bool = Field(
        default=True,
        description="Accept clients whose id is the URL of a metadata document that "
        "they publish (CIMD).",
    )
    loopback_documents: bool = Field(
        default=False,
        description="Development only: allow documents that clients publish to be on "
        "this machine, also over `http`. Refused unless the issuer is a loopback "
        "address.",
    )
    strict_assertion_audience: bool = Field(
        default=False,
        description="Accept client assertions only if their audience is exactly the "
        "issuer; otherwise the token endpoint is also accepted.",
    )
    private_use_schemes: Words = Field(
        default=(),
        description="Redirect URI schemes allowed beside `https` and loopback `http`, "
        "such as `cursor`.",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put into the policy how clients become known."""
        policy = super().shape(policy)
        return replace(
            policy,
            lifetimes=replace(
                policy.lifetimes, unused_client=self.unused_client_seconds
            ),
            registration_enabled=self.registration_enabled,
            registration_token_required=self.registration_token_required,
            public_registration=self.public_registration,
            registration_management_enabled=self.registration_management_enabled,
            metadata_documents_enabled=self.client_metadata_documents_enabled,
            loopback_documents=self.loopback_documents,
            lenient_assertion_audience=not self.strict_assertion_audience,
            private_use_schemes=frozenset(self.private_use_schemes),
        )
