"""Trusted issuers, and what each is trusted for.

An issuer can be trusted to identify users (an identity provider whose assertions are
ID-JAGs), to identify workloads (a platform that gives its programs tokens), and to
describe software (a party that vets clients and signs software statements). An issuer
is trusted for nothing that the operator did not name here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS

IssuerUse: TypeAlias = Literal["id-jag", "workload", "software-statement"]
ISSUER_USES: Final[tuple[IssuerUse, ...]] = get_args(IssuerUse)

MAX_ASSERTION_LIFE: Final = 300
"""Seconds between `iat` and `exp` of an ID-JAG (D-44)."""

MAX_WORKLOAD_LIFE: Final = 3600
"""Seconds between `iat` and `exp` of a workload's token: many platforms know no less."""

SHARDS: Final = 16
"""Actors that share the memory of one issuer's assertions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer, and what it is believed.

    Attributes:
        issuer: Its identifier, byte for byte as in `iss`.
        uses: What it is trusted for.
        jwks_uri: Where its keys are published; None if `jwks` has them.
        jwks: Its keys, as a JWK set.
        algorithms: What it may sign with.
        account_claim: The claim that says whose account it is.
        tenant_claim: The claim that names the issuer's tenant.
        tenants: The only tenants that are let in; empty for all.
        subjects: The only subjects that are let in, exactly or by a prefix that ends
            with `*`; empty for all. A workload must be named.
        clients: The only clients that may present its assertions; empty for all.
        allow_public: Whether clients without credentials may.
        resources: The only resources that it may open; empty for all.
        scopes: From its own names of scopes to ours; empty if they are the same.
        props_claims: Claims that the protected application gets as props.
        assertion_life: Seconds between `iat` and `exp` at most.
        access_token_life: Of the tokens given for its assertions, in seconds; None for
            that of all others.
        is_single_use: Whether an assertion counts once.
    """

    issuer: str
    uses: frozenset[IssuerUse] = frozenset(("id-jag",))
    jwks_uri: str | None = None
    jwks: Mapping[str, Json] | None = field(default=None, hash=False)
    algorithms: tuple[str, ...] = SIGNING_ALGORITHMS
    account_claim: str = "sub"
    tenant_claim: str = "tenant"
    tenants: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()
    clients: frozenset[str] = frozenset()
    allow_public: bool = False
    resources: tuple[str, ...] = ()
    scopes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    props_claims: tuple[str, ...] = ()
    assertion_life: int = MAX_ASSERTION_LIFE
    access_token_life: int | None = None
    is_single_use: bool = True

    def admits_subject(self, subject: str) -> bool:
        """Tell whether a subject is let in."""
        return not self.subjects or any(
            subject.startswith(allowed[:-1])
            if allowed.endswith("*")
            else subject == allowed
            for allowed in self.subjects
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """Whom the operator trusts.

    Attributes:
        issuers: Each once.
        statement_required: Whether clients that register themselves need a software
            statement.
    """

    issuers: tuple[TrustedIssuer, ...] = ()
    statement_required: bool = False

    def find(self, issuer: Json) -> TrustedIssuer | None:
        """Give the issuer of this name, or None."""
        return next((item for item in self.issuers if item.issuer == issuer), None)

    def has(self, use: IssuerUse) -> bool:
        """Tell whether anybody is trusted for something."""
        return any(use in item.uses for item in self.issuers)


def issuer_key(issuer: str) -> str:
    """Give the key of the actor that keeps an issuer's keys: 32 hexadecimal digits."""
    return _key(issuer, "")


def assertion_key(issuer: str, jti_hash: bytes) -> str:
    """Give the key of the actor that remembers whether an assertion was used.

    A large organization signs in within minutes every morning, so the memory of one
    issuer is spread over several actors: which one follows from the assertion itself.
    """
    return _key(issuer, str(jti_hash[0] % SHARDS))


def _key(issuer: str, shard: str) -> str:
    text = f"issuer\0{issuer}\0{shard}"
    return hashlib.sha256(text.encode()).digest()[:16].hex()
