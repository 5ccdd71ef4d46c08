"""Whom a server may trust, and the names of those whom others know."""

from dataclasses import replace
from typing import Final

import pytest

from actor_oauth.oauth.federated import FEDERATED_PREFIX, federated_user_id
from actor_oauth.oauth.grant_types import JWT_BEARER
from actor_oauth.oauth.metadata import (
    authorization_server_metadata,
    check_policy,
    endpoints_of,
)
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.trust_checks import check_trust
from actor_oauth.oauth.trusted_issuers import (
    TrustedIssuer,
    assertion_key,
    issuer_key,
)
from tests.support.grants import KEYRING, POLICY, RESOURCE
from tests.support.issuers import IDP, an_issuer, trusting
from tests.support.signing import signer

PROFILES: Final = "authorization_grant_profiles_supported"


def document(policy: Policy) -> dict[str, object]:
    return dict(authorization_server_metadata(policy, endpoints_of(policy)))


@pytest.mark.requirement("A-06", "A-08")
def test_the_metadata_say_what_is_trusted_and_no_more() -> None:
    plain = document(POLICY)
    assert PROFILES not in plain
    assert JWT_BEARER not in str(plain["grant_types_supported"])

    jag = document(trusting(POLICY, an_issuer()))
    assert jag[PROFILES] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    assert JWT_BEARER in str(jag["grant_types_supported"])

    workload = document(trusting(POLICY, an_issuer(uses=frozenset(("workload",)))))
    assert PROFILES not in workload
    assert JWT_BEARER in str(workload["grant_types_supported"])

    statements = an_issuer(uses=frozenset(("software-statement",)))
    assert document(trusting(POLICY, statements)) == plain


@pytest.mark.requirement("A-15")
def test_a_sensible_issuer_is_no_problem() -> None:
    assert check_policy(trusting(POLICY, an_issuer())) == check_policy(POLICY)
    published = TrustedIssuer(issuer=IDP, jwks_uri=IDP + "/keys")
    workload = an_issuer(
        issuer="https://k8s.example",
        uses=frozenset(("workload",)),
        subjects=("system:serviceaccount:prod:*",),
        assertion_life=3600,
        resources=(RESOURCE,),
        scopes=(("r", ("read",)),),
        access_token_life=60,
    )
    assert check_trust(trusting(POLICY, published, workload)) == []


@pytest.mark.requirement("A-15", "D-41", "D-48", "D-49")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "http://idp.example"}, "is no https URL"),
        ({"issuer": "http://localhost:1"}, "is no https URL"),
        ({"issuer": IDP + "?x"}, "is no https URL"),
        ({"issuer": "idp"}, "is no https URL"),
        ({"issuer": POLICY.issuer}, "is this server itself"),
        ({"uses": frozenset()}, "has a use"),
        ({"jwks": None}, "needs either"),
        ({"jwks_uri": IDP}, "needs either"),
        ({"jwks": None, "jwks_uri": "http://idp.example/k"}, "jwks_uri"),
        ({"jwks": {"keys": []}}, "without a public key"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "without a public key"),
        ({"algorithms": ("HS256",)}, "has an algorithm"),
        ({"algorithms": ()}, "has an algorithm"),
        ({"account_claim": "email"}, "can change hands"),
        ({"uses": frozenset(("workload",))}, "needs subjects"),
        ({"subjects": ("*",)}, "stands for everybody"),
        ({"assertion_life": 301}, "longer than 300"),
        ({"assertion_life": 0}, "longer than 300"),
        ({"access_token_life": 0}, "without a life"),
        ({"resources": ("https://x.example/",)}, "no resource of this server"),
        ({"scopes": (("r", ("other",)),)}, "maps a scope to 'other'"),
    ],
)
def test_the_server_does_not_start_with_a_trust_that_is_no_good(
    changes: dict[str, object], words: str
) -> None:
    [problem] = check_trust(trusting(POLICY, replace(an_issuer(), **changes)))  # type: ignore[arg-type]  # a test's own words
    assert words in problem


@pytest.mark.requirement("A-15", "D-41")
def test_two_of_one_name_are_ambiguous() -> None:
    policy = trusting(POLICY, an_issuer(), an_issuer(key=signer(nth=1)))
    [problem] = check_trust(policy)
    assert "same identifier" in problem


def test_loopback_issuers_are_for_development() -> None:
    local = TrustedIssuer(issuer="http://localhost:9", jwks_uri="http://localhost:9/k")
    policy = trusting(POLICY, local)
    assert len(check_trust(policy)) == 2
    assert check_trust(replace(policy, loopback_documents=True)) == []


@pytest.mark.requirement("B-28")
def test_statements_cannot_be_required_if_nobody_makes_them() -> None:
    [problem] = check_trust(trusting(POLICY, an_issuer(), required=True))
    assert "no trusted issuer may make them" in problem


@pytest.mark.requirement("D-48")
def test_a_name_is_that_of_issuer_tenant_and_subject_together() -> None:
    def name(issuer: str, subject: str, tenant: str | None = None) -> str:
        return federated_user_id(KEYRING, issuer=issuer, subject=subject, tenant=tenant)

    people = [
        name(IDP, "alice"),
        name(IDP, "alice", "t1"),
        name(IDP, "alice", ""),
        name(IDP, "bob"),
        name("https://other.example", "alice"),
        name(IDP, 'alice", "t1'),
    ]
    assert len(set(people)) == len(people)
    assert name(IDP, "alice") == people[0]
    assert all(text.startswith(FEDERATED_PREFIX) for text in people)
    assert not any("alice" in text for text in people)
    other = replace(KEYRING, address_key=b"b" * 32)
    assert federated_user_id(other, issuer=IDP, subject="alice") != people[0]


def test_an_assertion_leads_to_one_of_several_memories() -> None:
    keys = {assertion_key(IDP, bytes((number,)) * 16) for number in range(256)}
    assert len(keys) == 16
    assert issuer_key(IDP) not in keys
    assert assertion_key(IDP, b"x" * 16) == assertion_key(IDP, b"x" * 16)
