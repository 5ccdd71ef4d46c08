"""What a token may be exchanged for: never more than it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.clients import SECRET_METHODS, Client
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.exchange_token import (
    ACCESS_TOKEN_TYPE,
    ExchangedToken,
    ExchangeRequest,
    decide_exchange,
    parse_exchange,
)
from actor_oauth.oauth.grants import ROUNDING, record
from actor_oauth.oauth.introspect import StoredAccessToken
from actor_oauth.oauth.parameters import Parameters, parameters_of, parse_form
from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.props import wrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import Token, TokenKind, parse_token, token_hash

NOW = 1_800_000_000
API = "https://h.example/api"
BELOW = "https://h.example/api/files"
OTHER = "https://h.example/other"
POLICY = Policy(
    issuer="https://h.example",
    resources=(
        ResourcePolicy(identifier=API, scopes=("read", "write")),
        ResourcePolicy(identifier=BELOW, scopes=("read",)),
        ResourcePolicy(identifier=OTHER, scopes=("read", "list")),
    ),
    token_exchange_enabled=True,
)
CLIENT = Client(client_id="app", redirect_uris=())
WITH_SECRET = replace(CLIENT, auth_methods_accepted=SECRET_METHODS)
PROOF = Proof(jkt="k" * 43, key=b"p" * 32, issued_at=NOW)
GATEWAY = replace(CLIENT, client_id="gateway", auth_methods_accepted=SECRET_METHODS)
SUBJECT = Token(TokenKind.ACCESS, "ab" * 16, record(7, 3), b"s" * 32)
STORED = StoredAccessToken(
    issued_at=NOW - 100,
    expires_at=NOW + 1000,
    narrowed_scope=None,
    data_key=wrap_data_key(b"k" * 32, SUBJECT),
    state="active",
    clock=NOW,
    client_id="app",
    resource=API,
    scope="read write",
    metadata=None,
    sealed_props=None,
    user_id="ada",
)
FORM = {
    "subject_token": SUBJECT.render(),
    "subject_token_type": ACCESS_TOKEN_TYPE,
}


def decide(
    *,
    client: Client | None = CLIENT,
    stored: StoredAccessToken | None = STORED,
    scope: str | None = None,
    resources: tuple[str, ...] = (),
    expires_in: int | None = None,
    policy: Policy = POLICY,
    proof: Proof | None = None,
    now: int = NOW,
) -> ExchangedToken | Refused:
    return decide_exchange(
        ExchangeRequest(
            subject=SUBJECT,
            client=client,
            scope=None if scope is None else Scope(tuple(scope.split())),
            resources=resources,
            expires_in=expires_in,
            proof=proof,
        ),
        stored,
        policy=policy,
        fresh=b"f" * 64,
        now=now,
    )


def form(**fields: str) -> Parameters:
    return parameters_of({**FORM, **fields}.items())


@pytest.mark.requirement("D-35", "D-37", "D-38")
def test_without_wishes_it_is_as_good_as_the_subject_token() -> None:
    exchanged = decide()
    assert isinstance(exchanged, ExchangedToken)
    assert exchanged.response.to_json() == {
        "access_token": exchanged.access.token.render(),
        "token_type": "Bearer",
        "expires_in": 1000 - ROUNDING,
        "scope": "read write",
        "resource": API,
        "issued_token_type": ACCESS_TOKEN_TYPE,
    }
    assert exchanged.holder == "app"
    assert exchanged.root == token_hash(SUBJECT)
    # In the same grant and generation, with a key to the same props.
    assert exchanged.access.token.record == SUBJECT.record
    assert exchanged.access.data_key not in (None, STORED.data_key)


@pytest.mark.requirement("D-38")
@given(
    scope=st.sets(st.sampled_from(["read", "write", "list", "x"]), min_size=1),
    resource=st.sampled_from([None, API, BELOW, OTHER, "https://else.example/"]),
    expires_in=st.one_of(st.none(), st.integers(-5, 10_000)),
    held=st.sets(st.sampled_from(["read", "write"]), min_size=1),
    left=st.integers(1, 10_000),
    client=st.sampled_from([None, CLIENT, GATEWAY]),
)
def test_it_is_never_more_than_the_subject_token(
    scope: set[str],
    resource: str | None,
    expires_in: int | None,
    held: set[str],
    left: int,
    client: Client | None,
) -> None:
    stored = STORED._replace(scope=" ".join(sorted(held)), expires_at=NOW + left)
    exchanged = decide(
        client=client,
        stored=stored,
        scope=" ".join(sorted(scope)),
        resources=() if resource is None else (resource,),
        expires_in=expires_in,
    )
    if isinstance(exchanged, ExchangedToken):
        assert set(exchanged.response.scope) <= held
        assert NOW < exchanged.access.expires_at <= NOW + left
        assert exchanged.resource in (API, BELOW)
        assert exchanged.holder == "app"


@pytest.mark.requirement("D-36", "D-38", "D-10")
@pytest.mark.parametrize(
    ("scope", "resource", "expected"),
    [
        ("read", API, (API, "read")),
        ("read write x", API, Reason.EXCHANGE_SCOPE),
        (None, BELOW, (BELOW, "read")),
        ("write", BELOW, Reason.EXCHANGE_SCOPE),
        (None, OTHER, Reason.EXCHANGE_TARGET),
        (None, "https://else.example/", Reason.EXCHANGE_TARGET),
        (None, "not a url", Reason.EXCHANGE_TARGET),
    ],
)
def test_scope_and_resource_are_narrowed_or_refused(
    scope: str | None, resource: str, expected: Reason | tuple[str, str]
) -> None:
    exchanged = decide(scope=scope, resources=(resource,))
    if isinstance(expected, Reason):
        assert exchanged == Refused(expected)
    else:
        assert isinstance(exchanged, ExchangedToken)
        assert (exchanged.resource, str(exchanged.response.scope)) == expected


@pytest.mark.requirement("D-36")
def test_the_operator_may_open_a_way_to_another_resource() -> None:
    policy = replace(POLICY, exchange_targets=frozenset(((API, OTHER),)))
    exchanged = decide(resources=(OTHER,), policy=policy, client=WITH_SECRET)
    assert isinstance(exchanged, ExchangedToken)
    # Only the scopes that both have: `write` means nothing there, `list` was not granted.
    assert exchanged.response.scope == Scope(("read",))
    assert decide(resources=(API, OTHER), policy=policy, client=WITH_SECRET) == Refused(
        Reason.EXCHANGE_TARGET
    )


@pytest.mark.requirement("D-36", "D-38")
def test_a_resource_does_not_get_to_another_by_the_tokens_that_it_is_sent() -> None:
    """It knows the client's name and has its token: so has whoever stole it."""
    policy = replace(POLICY, exchange_targets=frozenset(((API, OTHER),)))
    assert decide(resources=(OTHER,), policy=policy) == Refused(Reason.EXCHANGE_TARGET)
    # The application asks for the client itself, and a key proves who asks.
    inside = decide(resources=(OTHER,), policy=policy, client=None)
    assert isinstance(inside, ExchangedToken)
    bound = STORED._replace(jkt=PROOF.jkt)
    proved = decide(resources=(OTHER,), policy=policy, stored=bound, proof=PROOF)
    assert isinstance(proved, ExchangedToken)


@pytest.mark.requirement("D-38")
def test_another_client_needs_the_operators_word_and_a_secret() -> None:
    foreign = Refused(Reason.SUBJECT_TOKEN_FOREIGN)
    named = replace(POLICY, exchange_clients=frozenset(("gateway",)))
    assert decide(client=GATEWAY) == foreign
    public = replace(GATEWAY, auth_methods_accepted=frozenset(("none",)))
    assert decide(client=public, policy=named) == foreign
    exchanged = decide(client=GATEWAY, policy=named)
    assert isinstance(exchanged, ExchangedToken)
    assert exchanged.holder == "gateway"
    # From then on it is the gateway's, and no longer the client's.
    theirs = STORED._replace(holder="gateway", root=b"r" * 32)
    again = decide(client=GATEWAY, stored=theirs)
    assert isinstance(again, ExchangedToken)
    assert again.root == b"r" * 32
    assert decide(stored=theirs) == foreign


@pytest.mark.requirement("D-36")
@pytest.mark.parametrize(
    "stored",
    [
        None,
        STORED._replace(expires_at=NOW),
        STORED._replace(expires_at=0),
        STORED._replace(clock=NOW + 1000),
        STORED._replace(state="revoked"),
        STORED._replace(state="expired"),
    ],
)
def test_a_dead_subject_token_is_exchanged_for_nothing(
    stored: StoredAccessToken | None,
) -> None:
    refused = decide(stored=stored)
    assert refused == Refused(Reason.SUBJECT_TOKEN_INVALID)
    assert refused.reason.category.error == "invalid_request"


def test_without_props_there_is_no_key_to_hand_on() -> None:
    exchanged = decide(client=None, stored=STORED._replace(data_key=None))
    assert isinstance(exchanged, ExchangedToken)
    assert exchanged.access.data_key is None
    assert exchanged.holder == "app"


@pytest.mark.requirement("D-35")
def test_a_request_is_read_with_resources_and_audiences() -> None:
    request = parse_exchange(form(resource=API, audience=BELOW, scope="read"), CLIENT)
    assert isinstance(request, ExchangeRequest)
    assert request == ExchangeRequest(
        subject=SUBJECT,
        client=CLIENT,
        scope=Scope(("read",)),
        resources=(API, BELOW),
    )
    assert parse_token(FORM["subject_token"]) == request.subject


@pytest.mark.requirement("D-02", "D-35")
def test_an_audience_may_be_repeated() -> None:
    parsed = parse_form(b"audience=a&audience=b&audience=a")
    assert isinstance(parsed, Parameters)
    assert not parsed.repeated
    assert parsed.getlist("audience") == ("a", "b")


@pytest.mark.requirement("D-35", "D-36")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"subject_token": ""}, Reason.PARAMETER_MISSING),
        ({"subject_token_type": ""}, Reason.PARAMETER_MISSING),
        (
            {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
            Reason.SUBJECT_TYPE_UNSUPPORTED,
        ),
        ({"actor_token": "x"}, Reason.ACTOR_TOKEN_UNSUPPORTED),
        ({"actor_token_type": ACCESS_TOKEN_TYPE}, Reason.ACTOR_TOKEN_UNSUPPORTED),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            Reason.REQUESTED_TYPE_UNSUPPORTED,
        ),
        ({"scope": 'a"b'}, Reason.SCOPE_MALFORMED),
        ({"subject_token": "not ours"}, Reason.SUBJECT_TOKEN_INVALID),
        (
            {"subject_token": replace(SUBJECT, kind=TokenKind.REFRESH).render()},
            Reason.SUBJECT_TOKEN_INVALID,
        ),
        (
            {"subject_token": replace(SUBJECT, kind=TokenKind.CLIENT_ACCESS).render()},
            Reason.SUBJECT_TOKEN_INVALID,
        ),
    ],
)
def test_a_request_with_a_fault_is_refused(
    fields: dict[str, str], reason: Reason
) -> None:
    assert parse_exchange(form(**fields), CLIENT) == Refused(reason)
