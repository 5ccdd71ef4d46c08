"""Settings of trusted issuers: identity providers, platforms, vetters of software."""

from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from actor_oauth.config.settings.group import SettingsGroup
from actor_oauth.config.settings.values import Words
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.trusted_issuers import (
    MAX_ASSERTION_LIFE,
    IssuerUse,
    TrustedIssuer,
    TrustPolicy,
)


class TrustedIssuerSettings(BaseModel):
    """An issuer that is trusted; see `TrustedIssuer` and `docs/enterprise.md`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    uses: tuple[IssuerUse, ...] = ("id-jag",)
    jwks_uri: str | None = None
    jwks: dict[str, JsonValue] | None = None
    algorithms: Words = SIGNING_ALGORITHMS
    account_claim: str = "sub"
    tenant_claim: str = "tenant"
    tenants: Words = ()
    subjects: tuple[str, ...] = ()
    clients: Words = ()
    allow_public: bool = False
    resources: Words = ()
    scopes: dict[str, Words] = Field(default_factory=dict)
    props_claims: Words = ()
    assertion_seconds: int = MAX_ASSERTION_LIFE
    access_token_seconds: int | None = None
    single_use: bool = True

    def trusted(self) -> TrustedIssuer:
        """Give the protocol's view of this issuer."""
        return TrustedIssuer(
            issuer=self.issuer,
            uses=frozenset(self.uses),
            jwks_uri=self.jwks_uri,
            jwks=self.jwks,
            algorithms=self.algorithms,
            account_claim=self.account_claim,
            tenant_claim=self.tenant_claim,
            tenants=frozenset(self.tenants),
            subjects=self.subjects,
            clients=frozenset(self.clients),
            allow_public=self.allow_public,
            resources=self.resources,
            scopes=tuple(self.scopes.items()),
            props_claims=self.props_claims,
            assertion_life=self.assertion_seconds,
            access_token_life=self.access_token_seconds,
            is_single_use=self.single_use,
        )


class TrustSettings(SettingsGroup):
    """Trusted issuers, and what is asked of software."""

    heading: ClassVar[str] = "Trusted issuers"

    trusted_issuers: tuple[TrustedIssuerSettings, ...] = Field(
        default=(),
        description="Issuers whose assertions are accepted: tables with `issuer`, "
        "`uses` (`id-jag`, `workload`, `software-statement`), `jwks_uri` or `jwks`, "
        "and the keys described in [enterprise.md](enterprise.md).",
    )
    software_statement_required: bool = Field(
        default=False,
        description="Let clients register themselves only with a software statement of "
        "a trusted issuer (RFC 7591 §2.3).",
    )

    def shape(self, policy: Policy) -> Policy:
        """Put the trusted issuers into the policy."""
        policy = super().shape(policy)
        return replace(
            policy,
            trust=TrustPolicy(
                issuers=tuple(issuer.trusted() for issuer in self.trusted_issuers),
                statement_required=self.software_statement_required,
            ),
        )
