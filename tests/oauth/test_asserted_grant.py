"""What an assertion that holds is good for."""

from dataclasses import replace
from typing import Final

import pytest

from actor_oauth.oauth.asserted_grant import (
    MAX_ASSERTED_GRANTS,
    AssertedGrant,
    begin_asserted_grant,
    decide_asserted_grant,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grant_origin import GrantOrigin
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.json_values import Json, RecordError
from actor_oauth.oauth.jwt_bearer import Asserted
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.token_claims import decide_claims
from actor_oauth.oauth.trusted_issuers import TrustedIssuer
from tests.support.grants import ACTOR_KEY, POLICY, RESOURCE, START, fresh
from tests.support.issuers import IDP, an_issuer

MAIL: Final = "https://api.example/mail"
TWO: Final = replace(
    POLICY,
    resources=(
        replace(POLICY.resources[0], default_scopes=("read",)),
        ResourcePolicy(
            identifier=MAIL, scopes=("read", "send"), default_scopes=("read",)
        ),
    ),
)
ONE: Final = replace(TWO, resources=TWO.resources[:1])
CLIENT: Final = Client(
    client_id="aocl_agent",
    redirect_uris=(),
    grant_types=("authorization_code", "refresh_token", "jwt"),
)
ORIGIN: Final = GrantOrigin(kind="id-jag", issuer=IDP, subject="u1")


def asserted(
    *,
    issuer: TrustedIssuer | None = None,
    scope: str | None = None,
    resources: tuple[str, ...] | None = None,
    **claims: Json,
) -> Asserted:
    return Asserted(
        origin=ORIGIN,
        issuer=issuer or an_issuer(),
        scope=None if scope is None else Scope(tuple(scope.split())),
        resources=resources,
        claims=claims,
        jti_hash=b"j" * 16,
        keep_until=START,
    )


def due(
    found: Asserted,
    *,
    scope: str | None = None,
    resources: tuple[str, ...] = (),
    policy: Policy = ONE,
    client: Client = CLIENT,
) -> AssertedGrant | Reason:
    decision = decide_asserted_grant(
        found,
        client,
        scope=None if scope is None else Scope(tuple(scope.split())),
        resources=resources,
        proof=None,
        policy=policy,
    )
    return decision.reason if isinstance(decision, Refused) else decision


def granted(decision: AssertedGrant | Reason) -> tuple[str, str]:
    assert isinstance(decision, AssertedGrant)
    return decision.resource, str(decision.scope)


@pytest.mark.requirement("D-45")
@pytest.mark.parametrize(
    ("claim", "asked", "scope"),
    [
        (None, None, "read"),
        (None, "write", "write"),
        ("read write", None, "read write"),
        ("read write", "write admin", "write"),
        ("read unknown", None, "read"),
    ],
)
def test_the_scope_is_what_all_agree_on(
    claim: str | None, asked: str | None, scope: str
) -> None:
    found = due(asserted(scope=claim), scope=asked)
    assert granted(found) == (RESOURCE, scope)


@pytest.mark.requirement("D-45")
@pytest.mark.parametrize(
    ("claim", "asked"),
    [("read", "write"), ("unknown", None), (None, "unknown"), ("", None)],
)
def test_nothing_to_agree_on_is_refused(claim: str | None, asked: str | None) -> None:
    empty = asserted(scope=claim or None)
    if claim == "":
        empty = replace(empty, scope=Scope())
    assert due(empty, scope=asked) is Reason.SCOPE_NOT_ALLOWED


@pytest.mark.requirement("D-45")
def test_the_issuers_names_of_scopes_can_be_other_ones() -> None:
    issuer = an_issuer(
        scopes=(("files.ro", ("read",)), ("files.rw", ("read", "write")))
    )
    assert granted(due(asserted(issuer=issuer, scope="files.rw")))[1] == "read write"
    # One that is not mapped is nobody's, also if we happen to have it.
    admin = asserted(issuer=issuer, scope="files.ro admin")
    assert granted(due(admin))[1] == "read"
    # Without the claim: what is mapped is the most there is.
    assert granted(due(asserted(issuer=issuer), scope="write admin"))[1] == "write"


@pytest.mark.requirement("D-45")
def test_the_operators_limit_of_a_client_holds() -> None:
    limited = replace(CLIENT, scope=Scope(("read",)), origin="pre-registered")
    found = asserted(scope="read write")
    assert granted(due(found, client=limited))[1] == "read"
    # What a client said of itself when it registered is only a note.
    noted = replace(limited, origin="dynamic")
    assert granted(due(found, client=noted))[1] == "read write"


@pytest.mark.requirement("D-45")
def test_the_claim_or_the_parameter_chooses_among_several_resources() -> None:
    assert due(asserted(), policy=TWO) is Reason.RESOURCE_NOT_ALLOWED
    assert granted(due(asserted(), resources=(MAIL,), policy=TWO))[0] == MAIL
    assert granted(due(asserted(resources=(MAIL,)), policy=TWO))[0] == MAIL
    both = asserted(resources=(RESOURCE, MAIL))
    assert due(both, policy=TWO) is Reason.RESOURCE_NOT_ALLOWED
    assert granted(due(both, resources=(MAIL,), policy=TWO))[0] == MAIL
    # Another spelling of the same one, twice.
    again = asserted(resources=(MAIL, "HTTPS://API.example/mail"))
    assert granted(due(again, policy=TWO))[0] == MAIL


@pytest.mark.requirement("D-45")
@pytest.mark.parametrize(
    "resources",
    [("https://evil.example/",), (RESOURCE, "https://evil.example/"), ("",)],
)
def test_a_foreign_resource_in_the_claim_is_the_assertions_fault(
    resources: tuple[str, ...],
) -> None:
    found = asserted(resources=resources)
    assert due(found) is Reason.ASSERTION_RESOURCE
    assert Reason.ASSERTION_RESOURCE.category.error == "invalid_grant"


@pytest.mark.requirement("D-45")
def test_a_foreign_resource_in_the_request_is_an_invalid_target() -> None:
    assert Reason.RESOURCE_NOT_ALLOWED.category.error == "invalid_target"
    for resources in (("https://evil.example/",), (RESOURCE, MAIL)):
        found = due(asserted(), resources=resources, policy=TWO)
        assert found is Reason.RESOURCE_NOT_ALLOWED
    # Ours, but not what the issuer said.
    found = due(asserted(resources=(RESOURCE,)), resources=(MAIL,), policy=TWO)
    assert found is Reason.RESOURCE_NOT_ALLOWED


@pytest.mark.requirement("D-45")
def test_an_issuer_opens_only_what_the_operator_lets_it() -> None:
    issuer = an_issuer(resources=(MAIL,))
    assert granted(due(asserted(issuer=issuer), policy=TWO))[0] == MAIL
    claimed = asserted(issuer=issuer, resources=(RESOURCE,))
    assert due(claimed, policy=TWO) is Reason.ASSERTION_RESOURCE
    asked = due(asserted(issuer=issuer), resources=(RESOURCE,), policy=TWO)
    assert asked is Reason.RESOURCE_NOT_ALLOWED


@pytest.mark.requirement("D-48")
def test_there_is_no_refresh_token_and_props_are_what_was_asked_for() -> None:
    issuer = an_issuer(props_claims=("email", "groups"), access_token_life=600)
    found = due(asserted(issuer=issuer, email="a@acme.example", phone="1"))
    assert isinstance(found, AssertedGrant)
    assert "refresh_token" not in found.client.grant_types
    assert found.props == {"email": "a@acme.example"}
    assert found.policy(ONE).lifetimes.access_token == 600
    plain = due(asserted())
    assert isinstance(plain, AssertedGrant)
    assert plain.props is None
    assert plain.policy(ONE) is ONE


def begun(*, live: int = 0, ended_epoch: int = 0) -> IssuedCode | Refused:
    found = due(asserted())
    assert isinstance(found, AssertedGrant)
    return begin_asserted_grant(
        found,
        actor_key=ACTOR_KEY,
        number=3,
        client_epoch=1,
        ended_epoch=ended_epoch,
        live=live,
        policy=ONE,
        fresh=fresh(),
        now=START,
    )


@pytest.mark.requirement("D-48")
def test_a_grant_begins_that_no_browser_can_redeem() -> None:
    issued = begun()
    assert isinstance(issued, IssuedCode)
    assert issued.grant.redirect_uri == ""
    assert not issued.grant.supersedes


def test_there_is_an_end_to_the_grants_of_one_account() -> None:
    full = begun(live=MAX_ASSERTED_GRANTS)
    assert full == Refused(Reason.ASSERTED_GRANTS_TOO_MANY)
    assert Reason.ASSERTED_GRANTS_TOO_MANY.category.status == 429


@pytest.mark.requirement("B-36")
def test_a_client_that_has_ended_gets_nothing() -> None:
    assert begun(ended_epoch=1) == Refused(Reason.CLIENT_ENDED)


def test_an_origin_is_read_back_as_it_was_stored() -> None:
    origin = replace(ORIGIN, tenant="t", kind="workload")
    assert GrantOrigin.from_record(origin.to_record()) == origin
    assert GrantOrigin.from_record(ORIGIN.to_record()) == ORIGIN
    with pytest.raises(RecordError):
        GrantOrigin.from_record('{"kind":"other","iss":"x","sub":"y"}')


@pytest.mark.requirement("H-10")
def test_other_resource_servers_learn_of_the_origin_too() -> None:
    claims: dict[str, Json] = {
        "sub": "fed_x",
        "client_id": "aocl_agent",
        "aud": RESOURCE,
        "iat": START,
        "exp": START + 60,
        "scope": "read",
    }

    def told(origin: Json) -> GrantOrigin | None:
        found = decide_claims({**claims, "grant_origin": origin}, RESOURCE, now=START)
        assert found is not None
        return found.origin

    assert told(ORIGIN.to_json()) == ORIGIN
    some: dict[str, Json] = {"kind": "id-jag", "iss": IDP}
    strange: list[Json] = [None, "id-jag", {}, some, {**some, "kind": "x", "sub": "y"}]
    for origin in strange:
        assert told(origin) is None
