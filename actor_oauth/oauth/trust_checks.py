"""What the operator's trust in issuers must be, before the server starts (A-15)."""

from collections.abc import Iterator
from typing import Final

from actor_oauth.oauth.jwks import SIGNING_ALGORITHMS, parse_jwks
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.trusted_issuers import (
    ISSUER_USES,
    MAX_ASSERTION_LIFE,
    MAX_WORKLOAD_LIFE,
    TrustedIssuer,
)
from actor_oauth.oauth.uris import parse_web_url

# Addresses and names pass from one person to another; a key must not (D-48).
_NO_ACCOUNT_CLAIMS: Final = frozenset(
    ("email", "preferred_username", "upn", "name", "nickname", "phone_number")
)


def check_trust(policy: Policy) -> list[str]:
    """Find everything in it that the server must not start with.

    Returns:
        One sentence for the operator per problem; none if all is well.
    """
    issuers = policy.trust.issuers
    problems = [
        f"The trusted issuer {issuer.issuer!r} {problem}."
        for issuer in issuers
        for problem in _problems(issuer, policy)
    ]
    names = [issuer.issuer for issuer in issuers]
    if len(set(names)) != len(names):
        problems.append("Two trusted issuers have the same identifier.")
    if policy.trust.statement_required and not policy.trust.has("software-statement"):
        problems.append(
            "Software statements are required, and no trusted issuer may make them."
        )
    return problems


def _problems(issuer: TrustedIssuer, policy: Policy) -> Iterator[str]:
    if not _is_safe_url(issuer.issuer, policy) or "?" in issuer.issuer:
        yield "is no https URL without user, query and fragment"
    if issuer.issuer == policy.issuer:
        yield "is this server itself: its own tokens would be assertions"
    if not issuer.uses or not issuer.uses.issubset(ISSUER_USES):
        yield f"has a use that is none of {', '.join(ISSUER_USES)}"
    yield from _key_problems(issuer, policy)
    yield from _subject_problems(issuer)
    yield from _target_problems(issuer, policy)


def _key_problems(issuer: TrustedIssuer, policy: Policy) -> Iterator[str]:
    if (issuer.jwks is None) == (issuer.jwks_uri is None):
        yield "needs either jwks_uri or jwks"
    if issuer.jwks_uri is not None and not _is_safe_url(issuer.jwks_uri, policy):
        yield f"has a jwks_uri that is no https URL: {issuer.jwks_uri!r}"
    if issuer.jwks is not None and not parse_jwks(dict(issuer.jwks)):
        yield "has a jwks without a public key that can be used"
    if not issuer.algorithms or not set(issuer.algorithms) <= set(SIGNING_ALGORITHMS):
        yield f"has an algorithm that is none of {', '.join(SIGNING_ALGORITHMS)}"


def _subject_problems(issuer: TrustedIssuer) -> Iterator[str]:
    if issuer.account_claim in _NO_ACCOUNT_CLAIMS:
        yield f"has {issuer.account_claim} as account_claim, which can change hands"
    if "workload" in issuer.uses and not issuer.subjects:
        yield "needs subjects: a platform vouches for the programs of all its customers"
    if "*" in issuer.subjects or "" in issuer.subjects:
        yield "has a subject that stands for everybody"
    limit = MAX_ASSERTION_LIFE if "id-jag" in issuer.uses else MAX_WORKLOAD_LIFE
    if not 0 < issuer.assertion_life <= limit:
        yield f"has assertions that live longer than {limit} seconds"
    if issuer.access_token_life is not None and issuer.access_token_life <= 0:
        yield "gives tokens without a life"


def _target_problems(issuer: TrustedIssuer, policy: Policy) -> Iterator[str]:
    known = {resource.identifier: resource for resource in policy.resources}
    for name in sorted(set(issuer.resources) - set(known)):
        yield f"opens {name!r}, which is no resource of this server"
    scopes = {
        scope
        for name, resource in known.items()
        if not issuer.resources or name in issuer.resources
        for scope in resource.scopes
    }
    mapped = {scope for _, ours in issuer.scopes for scope in ours}
    for scope in sorted(mapped - scopes):
        yield f"maps a scope to {scope!r}, which none of its resources has"


def _is_safe_url(text: str, policy: Policy) -> bool:
    uri = parse_web_url(text)
    if uri is None:
        return False
    return uri.scheme == "https" or (policy.loopback_documents and uri.is_loopback)
