"""Which approvals become a code, and what the new grant says."""

import pytest

from actor_oauth.oauth.grants import GrantState
from actor_oauth.oauth.issue_code import (
    MAX_CODE_LIFETIME,
    Approval,
    IssuedCode,
    decide_code,
)
from actor_oauth.oauth.props import props_context, unseal_props, unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenKind, token_hash
from tests.support.grants import (
    ACTOR_KEY,
    POLICY,
    START,
    a_policy,
    a_request,
    an_approval,
    an_issued_code,
    fresh,
)


def decide(
    approval: Approval, *, ended_epoch: int = 0, redirect_uri: str | None = None
) -> IssuedCode | Refused:
    request = a_request()
    if redirect_uri is not None:
        request = a_request(redirect_uri=redirect_uri)
    return decide_code(
        request,
        approval,
        actor_key=ACTOR_KEY,
        number=7,
        ended_epoch=ended_epoch,
        policy=POLICY,
        fresh=fresh(),
        now=START,
    )


@pytest.mark.requirement("C-17")
def test_a_code_is_bound_to_what_was_asked_and_stored_as_a_hash() -> None:
    issued = an_issued_code()
    grant, request = issued.grant, a_request()
    assert issued.code.kind is TokenKind.CODE
    assert grant.code_hash == token_hash(issued.code)
    assert grant.state is GrantState.AUTHORIZED
    assert (grant.client_id, grant.redirect_uri, grant.resource) == (
        request.client_id,
        request.redirect_uri,
        request.resource,
    )
    assert grant.code_challenge == request.code_challenge
    assert issued.code.secret.hex() not in repr(issued)


@pytest.mark.requirement("C-17")
def test_a_code_lives_ten_minutes_at_most_whatever_the_policy_says() -> None:
    issued = an_issued_code(policy=a_policy(code=86_400))
    assert issued.grant.deadline == START + MAX_CODE_LIFETIME
    assert an_issued_code().grant.deadline == START + 60


def test_two_codes_share_no_secret() -> None:
    assert an_issued_code().code.secret != an_issued_code().code.secret


@pytest.mark.requirement("B-36")
@pytest.mark.parametrize(("epoch", "ended"), [(1, 1), (1, 2)])
def test_an_approval_under_an_ended_epoch_gets_no_code(epoch: int, ended: int) -> None:
    refused = decide(an_approval(client_epoch=epoch), ended_epoch=ended)
    assert refused == Refused(Reason.CLIENT_ENDED)


@pytest.mark.requirement("B-36")
def test_a_client_that_was_enabled_again_gets_codes() -> None:
    assert isinstance(decide(an_approval(client_epoch=3), ended_epoch=2), IssuedCode)


@pytest.mark.requirement("C-14")
@pytest.mark.parametrize("scope", [Scope(), Scope(("read", "root"))])
def test_an_approval_cannot_exceed_the_request_or_be_empty(scope: Scope) -> None:
    assert decide(an_approval(scope=scope)) == Refused(Reason.SCOPE_NOT_GRANTED)


@pytest.mark.requirement("C-08")
def test_the_user_may_narrow_the_scope() -> None:
    issued = decide(an_approval(scope=Scope(("read",))))
    assert isinstance(issued, IssuedCode)
    assert issued.grant.scope == Scope(("read",))


@pytest.mark.requirement("K-05")
def test_props_are_sealed_so_that_the_code_opens_them() -> None:
    issued = decide(an_approval(props={"email": "ada@example.org"}))
    assert isinstance(issued, IssuedCode)
    assert issued.sealed_props is not None
    assert b"ada@example.org" not in issued.sealed_props
    assert issued.grant.code_data_key is not None
    data_key = unwrap_data_key(issued.grant.code_data_key, issued.code)
    context = props_context(actor_key=ACTOR_KEY, number=7, client_id="app")
    assert unseal_props(issued.sealed_props, data_key=data_key, context=context) == {
        "email": "ada@example.org"
    }


def test_metadata_are_stored_as_json() -> None:
    approval = Approval(scope=Scope(("read",)), metadata={"label": 1}, client_epoch=1)
    issued = decide(approval)
    assert isinstance(issued, IssuedCode)
    assert issued.metadata == '{"label":1}'


@pytest.mark.requirement("B-20", "C-21")
@pytest.mark.parametrize(
    ("redirect_uri", "supersedes"),
    [("https://app.example/callback", True), ("http://localhost/callback", False)],
)
def test_a_grant_says_whether_it_replaces_older_ones(
    redirect_uri: str, supersedes: bool
) -> None:
    issued = decide(an_approval(), redirect_uri=redirect_uri)
    assert isinstance(issued, IssuedCode)
    assert issued.grant.supersedes is supersedes


def test_the_caller_may_say_whether_older_grants_give_way() -> None:
    approval = Approval(scope=Scope(("read",)), client_epoch=1, supersede=False)
    issued = decide(approval)
    assert isinstance(issued, IssuedCode)
    assert issued.grant.supersedes is False
