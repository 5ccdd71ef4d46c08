"""Which assertions hold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.jwks import VerificationKey, parse_jwks
from actor_oauth.oauth.jwt_bearer import (
    Asserted,
    decide_assertion,
    read_assertion,
)
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import POLICY, START
from tests.support.issuers import IDP, Idp, an_issuer, trusting
from tests.support.signing import segment, signer

ISSUER: Final = POLICY.issuer
CLIENT: Final = Client(
    client_id="aocl_agent",
    redirect_uris=(),
    auth_method="client_secret_basic",
    auth_methods_accepted=frozenset(("client_secret_basic",)),
)
PUBLIC: Final = replace(CLIENT, auth_methods_accepted=frozenset(("none",)))
TRUSTING: Final = trusting(POLICY, an_issuer())
WORKLOADS: Final = trusting(
    POLICY,
    an_issuer(
        uses=frozenset(("workload",)),
        subjects=("system:serviceaccount:prod:*", "repo:acme/app"),
    ),
)
WORKLOAD: Final = "system:serviceaccount:prod:sync"


@pytest.fixture
def idp() -> Idp:
    return Idp(audience=ISSUER, client_id="aocl_agent", now=START)


def judged(
    text: str,
    policy: Policy = TRUSTING,
    *,
    client: Client = CLIENT,
    keys: Sequence[VerificationKey] | None = None,
    proof: Proof | None = None,
    now: int = START,
) -> Asserted | Reason:
    presented = read_assertion(text, policy)
    if isinstance(presented, Refused):
        return presented.reason
    if keys is None:
        keys = parse_jwks(dict(presented.issuer.jwks or {})) or ()
    decision = decide_assertion(presented, client, keys, policy, proof=proof, now=now)
    return decision.reason if isinstance(decision, Refused) else decision


@pytest.mark.requirement("D-41", "D-42", "D-43", "D-44")
def test_a_good_assertion_says_who_asks(idp: Idp) -> None:
    found = judged(idp.assertion(scope="read", resource=["https://api.example/mcp"]))

    assert isinstance(found, Asserted)
    assert found.origin == GrantOrigin(
        kind="id-jag", issuer=IDP, subject="00u1-alice", tenant=None
    )
    assert found.scope == Scope(("read",))
    assert found.resources == ("https://api.example/mcp",)
    assert found.keep_until == START + 300 + 60
    assert len(found.jti_hash) == 16


@pytest.mark.requirement("D-41")
def test_the_kind_is_told_by_the_type_and_by_what_the_issuer_is_trusted_for(
    idp: Idp,
) -> None:
    assert judged(idp.assertion("JWT")) is Reason.ASSERTION_TYPE
    assert judged(idp.assertion(None)) is Reason.ASSERTION_TYPE
    assert isinstance(judged(idp.assertion("application/OAuth-ID-JAG+jwt")), Asserted)
    jag = idp.assertion(sub=WORKLOAD)
    assert judged(jag, WORKLOADS) is Reason.ASSERTION_TYPE
    for other in ("at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt"):
        text = idp.assertion(other, sub=WORKLOAD)
        assert judged(text, WORKLOADS) is Reason.ASSERTION_TYPE


@pytest.mark.requirement("D-41")
@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512"])
def test_no_other_algorithm_is_taken(algorithm: str, idp: Idp) -> None:
    head = segment({"alg": algorithm, "kid": "k1", "typ": "oauth-id-jag+jwt"})
    text = f"{head}.{segment(idp.claims())}.AAAA"
    assert judged(text) is Reason.ASSERTION_ALGORITHM


@pytest.mark.requirement("D-41")
def test_an_issuer_signs_only_with_what_the_operator_allows(idp: Idp) -> None:
    only_rsa = trusting(POLICY, an_issuer(algorithms=("RS256",)))
    assert judged(idp.assertion(), only_rsa) is Reason.ASSERTION_ALGORITHM
    # The algorithm is the key's, whatever the header says.
    rsa = signer("RS256")
    confused = replace(idp, key=replace(rsa, algorithm="PS256"))
    policy = trusting(POLICY, an_issuer(jwks={"keys": [rsa.public(alg="RS256")]}))
    assert judged(confused.assertion(), policy) is Reason.ASSERTION_SIGNATURE


@pytest.mark.requirement("D-41")
def test_the_issuer_must_be_one_that_is_trusted(idp: Idp) -> None:
    for issuer in ("https://evil.example", IDP + "/", None, 7):
        assert judged(idp.assertion(iss=issuer)) is Reason.ASSERTION_ISSUER
    assert judged(idp.assertion(), POLICY) is Reason.ASSERTION_ISSUER


@pytest.mark.requirement("D-41")
def test_one_issuer_cannot_speak_for_another(idp: Idp) -> None:
    other = an_issuer(issuer="https://other.example", key=signer(nth=1))
    both = trusting(POLICY, an_issuer(), other)
    as_other = idp.assertion(iss="https://other.example")
    assert judged(as_other, both) is Reason.ASSERTION_SIGNATURE


@pytest.mark.requirement("D-41")
def test_a_key_must_be_named_and_be_the_only_one_of_its_name(idp: Idp) -> None:
    twins = parse_jwks(signer().jwks(signer("RS256"))) or ()
    assert judged(idp.assertion(), keys=twins) is Reason.ASSERTION_KEY_AMBIGUOUS
    nameless = replace(idp, key=replace(signer(), kid=None))
    assert judged(nameless.assertion()) is Reason.ASSERTION_KEY_AMBIGUOUS
    unknown = replace(idp, key=signer(kid="k9"))
    assert judged(unknown.assertion()) is Reason.ASSERTION_KEY_UNKNOWN


@pytest.mark.requirement("D-41")
def test_what_was_changed_after_it_was_signed_is_refused(idp: Idp) -> None:
    head, _, signature = idp.assertion().split(".")
    forged = f"{head}.{segment(idp.claims(sub='root'))}.{signature}"
    assert judged(forged) is Reason.ASSERTION_SIGNATURE


@pytest.mark.requirement("D-40")
@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "€.€.€"])
def test_what_is_no_jwt_is_refused(text: str) -> None:
    assert judged(text) is Reason.ASSERTION_MALFORMED


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert judged(text) is Reason.ASSERTION_MALFORMED


@pytest.mark.requirement("D-42")
def test_the_audience_is_this_server_and_nobody_else(idp: Idp) -> None:
    assert isinstance(judged(idp.assertion(aud=[ISSUER])), Asserted)
    wrong: list[Json] = [
        [ISSUER, "https://other.example"],
        [ISSUER, ISSUER],
        ISSUER + "/",
        ISSUER + "/token",
        ISSUER.upper(),
        [],
        [7],
        7,
        {},
        None,
    ]
    for audience in wrong:
        assert judged(idp.assertion(aud=audience)) is Reason.ASSERTION_AUDIENCE


@pytest.mark.requirement("D-43")
def test_only_the_client_that_it_names_may_present_it(idp: Idp) -> None:
    wrong: list[Json] = ["aocl_other", "", None, ["aocl_agent"]]
    for client_id in wrong:
        text = idp.assertion(client_id=client_id)
        assert judged(text) is Reason.ASSERTION_CLIENT


@pytest.mark.requirement("D-43")
def test_clients_without_credentials_need_the_operators_word(idp: Idp) -> None:
    refused = Reason.ASSERTION_CLIENT_NOT_ALLOWED
    assert judged(idp.assertion(), client=PUBLIC) is refused
    public = trusting(POLICY, an_issuer(allow_public=True))
    assert isinstance(judged(idp.assertion(), public, client=PUBLIC), Asserted)


@pytest.mark.requirement("D-43")
def test_the_operator_may_name_the_clients(idp: Idp) -> None:
    ours = trusting(POLICY, an_issuer(clients=frozenset(("aocl_agent",))))
    assert isinstance(judged(idp.assertion(), ours), Asserted)
    others = trusting(POLICY, an_issuer(clients=frozenset(("aocl_x",))))
    refused = Reason.ASSERTION_CLIENT_NOT_ALLOWED
    assert judged(idp.assertion(), others) is refused


@pytest.mark.requirement("D-44")
@pytest.mark.parametrize("name", ["sub", "jti", "exp", "iat"])
def test_no_claim_may_be_missing_or_of_another_kind(name: str, idp: Idp) -> None:
    wrong: list[Json] = [None, "", [], {}, True]
    for value in wrong:
        refused = judged(idp.assertion(**{name: value}))
        assert refused is Reason.ASSERTION_CLAIMS


@pytest.mark.requirement("D-44")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": START - 60, "iat": START - 360}, Reason.ASSERTION_EXPIRED),
        ({"exp": START + 361, "iat": START + 61}, Reason.ASSERTION_EARLY),
        ({"nbf": START + 61}, Reason.ASSERTION_EARLY),
        ({"exp": START + 301}, Reason.ASSERTION_TOO_LONG),
        ({"exp": START + 30, "iat": START + 30}, Reason.ASSERTION_TOO_LONG),
        ({"exp": START - 10, "iat": START + 5}, Reason.ASSERTION_TOO_LONG),
        ({"nbf": "soon"}, Reason.ASSERTION_CLAIMS),
    ],
)
def test_it_lives_for_minutes(
    changes: dict[str, Json], reason: Reason, idp: Idp
) -> None:
    assert judged(idp.assertion(**changes)) is reason


@pytest.mark.requirement("D-44")
def test_clocks_may_differ_by_a_minute(idp: Idp) -> None:
    late = idp.assertion(exp=START - 59, iat=START - 359)
    early = idp.assertion(exp=START + 360, iat=START + 60, nbf=START + 60)
    assert isinstance(judged(late), Asserted)
    assert isinstance(judged(early), Asserted)


@pytest.mark.requirement("D-44")
@pytest.mark.parametrize("value", ["a\nb", "x" * 513, "\u202ealice"])
def test_names_can_be_shown_and_are_not_endless(value: str, idp: Idp) -> None:
    assert judged(idp.assertion(sub=value)) is Reason.ASSERTION_CLAIMS


@pytest.mark.requirement("D-45")
@pytest.mark.parametrize("value", [[], [7], 7, {}])
def test_a_resource_that_names_none_is_a_fault(value: Json, idp: Idp) -> None:
    found = judged(idp.assertion(resource=value))
    assert found is Reason.ASSERTION_RESOURCE


@pytest.mark.requirement("D-45")
@pytest.mark.parametrize("value", [["read"], 'a"b', 7])
def test_a_malformed_scope_is_a_fault(value: Json, idp: Idp) -> None:
    assert judged(idp.assertion(scope=value)) is Reason.ASSERTION_CLAIMS


@pytest.mark.requirement("D-46")
@pytest.mark.parametrize(
    "claims",
    [
        {"authorization_details": [{"type": "payment"}]},
        {"authorization_details": []},
        {"aud_tenant": "t1"},
        {"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}},
        {"cnf": {"jkt": "k" * 43, "kid": "1"}},
        {"cnf": {"jkt": 7}},
        {"cnf": "jkt"},
    ],
)
def test_constraints_that_nobody_here_understands_refuse_it(
    claims: dict[str, Json], idp: Idp
) -> None:
    assert judged(idp.assertion(**claims)) is Reason.ASSERTION_CONSTRAINT


@pytest.mark.requirement("D-46")
def test_an_assertion_for_a_key_needs_a_proof_of_it(idp: Idp) -> None:
    proof = Proof(jkt="k" * 43, key=b"p", issued_at=START)
    bound = idp.assertion(cnf={"jkt": "k" * 43})
    assert judged(bound) is Reason.ASSERTION_KEY_MISMATCH
    other = replace(proof, jkt="o" * 43)
    assert judged(bound, proof=other) is Reason.ASSERTION_KEY_MISMATCH
    assert isinstance(judged(bound, proof=proof), Asserted)
    # A proof with an assertion that is bound to no key binds the token alone.
    assert isinstance(judged(idp.assertion(), proof=other), Asserted)


@pytest.mark.requirement("D-48")
def test_the_account_is_what_the_operator_says_and_never_the_address(idp: Idp) -> None:
    policy = trusting(POLICY, an_issuer(account_claim="aud_sub", tenant_claim="tid"))
    found = judged(
        idp.assertion(aud_sub="u7", tid="t1", email="ceo@acme.example"), policy
    )
    assert isinstance(found, Asserted)
    assert (found.origin.subject, found.origin.tenant) == ("u7", "t1")
    assert judged(idp.assertion(), policy) is Reason.ASSERTION_CLAIMS


@pytest.mark.requirement("D-48")
def test_only_named_tenants_are_let_in_if_some_are_named(idp: Idp) -> None:
    policy = trusting(POLICY, an_issuer(tenants=frozenset(("acme",))))
    assert isinstance(judged(idp.assertion(tenant="acme"), policy), Asserted)
    assert judged(idp.assertion(tenant="evil"), policy) is Reason.ASSERTION_TENANT
    assert judged(idp.assertion(), policy) is Reason.ASSERTION_TENANT
    assert judged(idp.assertion(tenant=7), policy) is Reason.ASSERTION_CLAIMS


@pytest.mark.requirement("D-49")
@pytest.mark.parametrize("typ", [None, "JWT"])
@pytest.mark.parametrize("subject", [WORKLOAD, "repo:acme/app"])
def test_a_named_workload_needs_no_client_id(
    typ: str | None, subject: str, idp: Idp
) -> None:
    found = judged(idp.assertion(typ, sub=subject, client_id=None), WORKLOADS)
    assert isinstance(found, Asserted)
    assert found.origin.kind == "workload"


@pytest.mark.requirement("D-49")
@pytest.mark.parametrize(
    "subject",
    ["system:serviceaccount:dev:sync", "repo:acme/app2", "repo:evil/app", "system:"],
)
def test_no_other_workload_is_let_in(subject: str, idp: Idp) -> None:
    text = idp.assertion(None, sub=subject)
    assert judged(text, WORKLOADS) is Reason.ASSERTION_SUBJECT


@pytest.mark.requirement("D-49")
def test_a_workloads_assertion_is_held_to_the_same_rules(idp: Idp) -> None:
    def workload(**changes: Json) -> Asserted | Reason:
        text = idp.assertion(None, **{"sub": WORKLOAD, **changes})
        return judged(text, WORKLOADS)

    assert workload(aud=[ISSUER, "x"]) is Reason.ASSERTION_AUDIENCE
    assert workload(jti=None) is Reason.ASSERTION_CLAIMS
    assert workload(exp=START + 301) is Reason.ASSERTION_TOO_LONG
    assert workload(client_id="aocl_other") is Reason.ASSERTION_CLIENT
