"""Tokens that clients get for themselves, and the clients that may."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.client_credentials import (
    ClientTokenRequest,
    IssuedClientToken,
    decide_client_credentials,
    decide_service_client,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grant_types import (
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    enabled_grant_types,
    registrable_grant_types,
)
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.registration import Registered
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenKind

NOW = 1_800_000_000
NOTES = ResourcePolicy(
    identifier="https://h.example/notes",
    scopes=("read", "write"),
    default_scopes=("read",),
)
FILES = ResourcePolicy(
    identifier="https://h.example/files", scopes=("list",), default_scopes=("list",)
)
POLICY = Policy(
    issuer="https://h.example",
    resources=(NOTES, FILES),
    client_credentials_enabled=True,
)


def service(
    scope: str = "read write", resources: tuple[str, ...] = (NOTES.identifier,)
) -> Client:
    decision = decide_service_client(
        client_id="aocl_robot",
        client_name="Robot",
        scope=Scope(tuple(scope.split())),
        resources=resources,
        policy=POLICY,
        now=NOW,
    )
    assert isinstance(decision, Registered)
    assert decision.needs_secret
    return decision.client


def decide(
    client: Client, *, scope: Scope | None = None, resources: tuple[str, ...] = ()
) -> IssuedClientToken | Refused:
    return decide_client_credentials(
        ClientTokenRequest(client=client, scope=scope, resources=resources),
        actor_key="ab" * 16,
        policy=POLICY,
        fresh=b"f" * 64,
        now=NOW,
    )


@pytest.mark.requirement("D-33", "D-34")
def test_an_operators_client_gets_what_the_operator_allowed() -> None:
    issued = decide(service())
    assert isinstance(issued, IssuedClientToken)
    assert issued.token.kind is TokenKind.CLIENT_ACCESS
    assert issued.response.to_json() == {
        "access_token": issued.token.render(),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read write",
        "resource": NOTES.identifier,
    }


@pytest.mark.requirement("D-33")
def test_it_may_ask_for_less_and_never_for_more() -> None:
    less = decide(service(), scope=Scope(("read",)))
    assert isinstance(less, IssuedClientToken)
    assert less.scope == Scope(("read",))
    more = decide(service("read"), scope=Scope(("read", "write")))
    assert more == Refused(Reason.SCOPE_NOT_ALLOWED)


@pytest.mark.requirement("D-33")
def test_without_a_limit_by_name_it_gets_the_baseline() -> None:
    issued = decide(replace(service(), scope=None))
    assert isinstance(issued, IssuedClientToken)
    assert issued.scope == Scope(("read",))


@pytest.mark.requirement("D-33", "D-10")
@pytest.mark.parametrize(
    ("allowed", "asked", "given"),
    [
        ((NOTES.identifier,), (), NOTES.identifier),
        ((NOTES.identifier,), (NOTES.identifier,), NOTES.identifier),
        ((NOTES.identifier,), (FILES.identifier,), None),
        ((NOTES.identifier,), ("https://elsewhere.example/",), None),
        # Several are possible, and none was named.
        ((NOTES.identifier, FILES.identifier), (), None),
        ((), (), None),
        ((), (FILES.identifier,), FILES.identifier),
        ((), (FILES.identifier, NOTES.identifier), None),
    ],
)
def test_a_token_is_for_one_resource_that_the_client_may_use(
    allowed: tuple[str, ...], asked: tuple[str, ...], given: str | None
) -> None:
    client = replace(service("read list", ()), resources=allowed)
    decision = decide(client, resources=asked)
    if given is None:
        assert decision == Refused(Reason.RESOURCE_NOT_ALLOWED)
    else:
        assert isinstance(decision, IssuedClientToken)
        assert decision.resource == given


@pytest.mark.requirement("D-33", "D-34", "B-01")
@pytest.mark.parametrize(
    "client",
    [
        # Public: anybody could say that id.
        replace(service(), auth_methods_accepted=frozenset(("none",))),
        # Registered by itself: nobody vetted it.
        replace(service(), origin="dynamic"),
        replace(service(), origin="metadata-document", client_id="https://c.example/"),
        # Its id could be a user's name, and becomes `sub`.
        replace(service(), client_id="ada"),
    ],
)
def test_no_other_client_acts_for_itself(client: Client) -> None:
    assert decide(client) == Refused(Reason.CLIENT_NOT_ITS_OWN)


@pytest.mark.parametrize(
    ("scope", "resources", "reason"),
    [
        ((), (), Reason.SCOPE_NOT_ALLOWED),
        (("reed",), (), Reason.SCOPE_NOT_ALLOWED),
        (("list",), (NOTES.identifier,), Reason.SCOPE_NOT_ALLOWED),
        (("read",), ("https://elsewhere.example/",), Reason.RESOURCE_NOT_ALLOWED),
    ],
)
def test_a_mistake_of_the_operator_makes_no_client(
    scope: tuple[str, ...], resources: tuple[str, ...], reason: Reason
) -> None:
    decision = decide_service_client(
        client_id="aocl_robot",
        client_name="Robot",
        scope=Scope(scope),
        resources=resources,
        policy=POLICY,
        now=NOW,
    )
    assert decision == Refused(reason)


def test_a_service_client_survives_being_stored() -> None:
    assert Client.from_record(service().to_record()) == service()


@pytest.mark.requirement("A-04", "A-08", "D-34")
def test_further_grants_are_off_until_wanted_and_no_client_takes_them_itself() -> None:
    usual = ("authorization_code", "refresh_token")
    assert enabled_grant_types(replace(POLICY, client_credentials_enabled=False)) == (
        usual
    )
    everything = replace(
        POLICY, token_exchange_enabled=True, device_authorization_enabled=True
    )
    assert enabled_grant_types(everything) == (
        *usual,
        CLIENT_CREDENTIALS,
        TOKEN_EXCHANGE,
        DEVICE_CODE,
    )
    assert registrable_grant_types(everything) == (*usual, TOKEN_EXCHANGE, DEVICE_CODE)
