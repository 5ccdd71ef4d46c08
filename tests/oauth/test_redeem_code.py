"""What presenting a code does, for each way in which it can be wrong."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.grants import ROUNDING, Ending, Grant, GrantEvent, GrantState
from actor_oauth.oauth.issue_code import IssuedCode
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.props import unwrap_data_key
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.redeem_code import (
    MAX_VERIFIER_FAILURES,
    CodeRequest,
    Redemption,
    WrongVerifier,
    decide_redemption,
)
from actor_oauth.oauth.tokens import TokenKind, token_hash
from tests.support.grants import (
    CLIENT,
    NO_REFRESH_CLIENT,
    OTHER_CLIENT,
    POLICY,
    REDIRECT_URI,
    RESOURCE,
    SCOPE,
    START,
    VERIFIER,
    a_code_request,
    a_policy,
    an_issued_code,
    fresh,
)

WRONG_VERIFIER = "w" * 43


def present(
    request: CodeRequest,
    grant: Grant | None,
    *,
    now: int = START,
    policy: Policy = POLICY,
) -> Redemption | WrongVerifier | Ending | Refused:
    return decide_redemption(request, grant, policy=policy, fresh=fresh(), now=now)


def redeemed(issued: IssuedCode) -> Grant:
    redemption = present(a_code_request(issued.code), issued.grant)
    assert isinstance(redemption, Redemption)
    return redemption.grant


@pytest.mark.requirement("D-12", "D-19")
def test_a_valid_redemption_gives_an_access_and_a_refresh_token() -> None:
    issued = an_issued_code()
    redemption = present(a_code_request(issued.code), issued.grant)
    assert isinstance(redemption, Redemption)
    assert redemption.grant.state is GrantState.ACTIVE
    assert redemption.grant.generation == 1
    assert redemption.access.token.kind is TokenKind.ACCESS
    assert redemption.refresh is not None
    response = redemption.response
    assert response.access_token == redemption.access.token.render()
    assert response.refresh_token == redemption.refresh.token.render()
    assert (response.expires_in, response.scope, response.resource) == (
        3600,
        SCOPE,
        RESOURCE,
    )


@pytest.mark.requirement("D-19")
def test_a_client_without_the_refresh_grant_gets_no_refresh_token() -> None:
    issued = an_issued_code()
    request = a_code_request(issued.code, client=NO_REFRESH_CLIENT)
    redemption = present(request, issued.grant)
    assert isinstance(redemption, Redemption)
    assert redemption.refresh is None
    assert redemption.response.refresh_token is None
    # Nothing can follow the access token, so the grant ends with it.
    assert redemption.grant.expires_at == redemption.access.expires_at


@pytest.mark.requirement("D-14")
@pytest.mark.parametrize("redirect_uri", [None, REDIRECT_URI])
def test_the_redirect_uri_may_be_left_out_or_repeated(redirect_uri: str | None) -> None:
    issued = an_issued_code()
    request = a_code_request(issued.code, redirect_uri=redirect_uri)
    assert isinstance(present(request, issued.grant), Redemption)


@pytest.mark.requirement("D-12")
@pytest.mark.parametrize("verifier", [None, "", "v" * 42, "v" * 129, "v" * 42 + "!"])
def test_a_missing_or_malformed_verifier_is_a_malformed_request(
    verifier: str | None,
) -> None:
    issued = an_issued_code()
    request = a_code_request(issued.code, code_verifier=verifier)
    assert present(request, issued.grant) == Refused(Reason.VERIFIER_MALFORMED)


@pytest.mark.requirement("D-15", "D-29")
def test_a_code_that_names_no_grant_is_unknown() -> None:
    issued = an_issued_code()
    assert present(a_code_request(issued.code), None) == Refused(Reason.CODE_UNKNOWN)


@pytest.mark.requirement("D-15")
def test_a_guessed_secret_for_a_real_grant_has_no_effect() -> None:
    issued = an_issued_code()
    forged = replace(issued.code, secret=b"x" * 32)
    request = a_code_request(forged, code_verifier=WRONG_VERIFIER)
    assert present(request, issued.grant) == Refused(Reason.CODE_UNKNOWN)


@pytest.mark.requirement("D-07", "D-15", "D-17")
@pytest.mark.parametrize("already_redeemed", [False, True])
@pytest.mark.parametrize(
    ("client", "redirect_uri", "reason"),
    [
        (OTHER_CLIENT, REDIRECT_URI, Reason.CODE_CLIENT_MISMATCH),
        (CLIENT, "https://app.example/x", Reason.CODE_REDIRECT_URI_MISMATCH),
        (CLIENT, "", Reason.CODE_REDIRECT_URI_MISMATCH),
    ],
)
def test_a_thief_without_the_binding_changes_nothing(
    already_redeemed: bool, client: Client, redirect_uri: str, reason: Reason
) -> None:
    issued = an_issued_code()
    grant = redeemed(issued) if already_redeemed else issued.grant
    request = a_code_request(issued.code, client=client, redirect_uri=redirect_uri)
    assert present(request, grant) == Refused(reason)


@pytest.mark.requirement("D-18")
def test_wrong_verifiers_are_counted_and_the_fifth_kills_the_code() -> None:
    issued = an_issued_code()
    grant = issued.grant
    request = a_code_request(issued.code, code_verifier=WRONG_VERIFIER)
    for failures in range(1, MAX_VERIFIER_FAILURES):
        decision = present(request, grant)
        assert isinstance(decision, WrongVerifier)
        assert decision.refused == Refused(Reason.CODE_VERIFIER_MISMATCH)
        assert decision.failures == failures
        grant = replace(grant, code_failures=decision.failures)
    assert isinstance(present(a_code_request(issued.code), grant), Redemption)
    assert present(request, grant) == Ending(
        refused=Refused(Reason.CODE_EXHAUSTED), event=GrantEvent.VERIFIER_EXHAUSTED
    )


@pytest.mark.requirement("D-17", "D-18")
def test_guessing_after_the_redemption_neither_ends_it_nor_hides_a_replay() -> None:
    issued = an_issued_code()
    grant = redeemed(issued)
    guess = a_code_request(issued.code, code_verifier=WRONG_VERIFIER)
    for _ in range(2 * MAX_VERIFIER_FAILURES):
        assert present(guess, grant) == Refused(Reason.CODE_VERIFIER_MISMATCH)
    assert isinstance(present(a_code_request(issued.code), grant), Ending)


@pytest.mark.requirement("D-16", "D-17")
@pytest.mark.parametrize("later", [0, 59, 60, 86_400])
def test_a_second_valid_redemption_ends_the_grant_at_any_time(later: int) -> None:
    issued = an_issued_code()
    decision = present(a_code_request(issued.code), redeemed(issued), now=START + later)
    assert decision == Ending(
        refused=Refused(Reason.CODE_REPLAYED), event=GrantEvent.CODE_REPLAYED
    )


@pytest.mark.requirement("D-15")
def test_a_code_is_valid_until_the_second_before_its_expiry() -> None:
    issued = an_issued_code()
    request = a_code_request(issued.code)
    assert isinstance(present(request, issued.grant, now=START + 59), Redemption)
    assert present(request, issued.grant, now=START + 60) == Ending(
        refused=Refused(Reason.CODE_EXPIRED), event=GrantEvent.LIFETIME_ENDED
    )


@pytest.mark.requirement("D-10", "D-07")
def test_a_foreign_resource_costs_an_honest_client_nothing() -> None:
    issued = an_issued_code()
    request = a_code_request(issued.code, resources=("https://evil.example",))
    assert present(request, issued.grant) == Refused(Reason.RESOURCE_NOT_GRANTED)
    request = a_code_request(issued.code, resources=(RESOURCE,))
    assert isinstance(present(request, issued.grant), Redemption)


@pytest.mark.requirement("H-07")
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (GrantState.REVOKED, Reason.GRANT_REVOKED),
        (GrantState.EXPIRED, Reason.GRANT_EXPIRED),
    ],
)
def test_the_code_of_a_grant_that_has_ended_is_worthless(
    state: GrantState, reason: Reason
) -> None:
    issued = an_issued_code()
    grant = replace(issued.grant, state=state)
    assert present(a_code_request(issued.code), grant) == Refused(reason)


@pytest.mark.requirement("D-09")
def test_an_access_token_never_outlives_its_grant() -> None:
    policy = a_policy(refresh_absolute=100, code=600)
    issued = an_issued_code(policy=policy)
    redemption = present(
        a_code_request(issued.code), issued.grant, now=START + 90, policy=policy
    )
    assert isinstance(redemption, Redemption)
    assert redemption.response.expires_in == 10 - ROUNDING
    assert redemption.access.expires_at == redemption.grant.expires_at


@pytest.mark.requirement("D-24")
def test_the_refresh_token_starts_its_idle_life_at_redemption() -> None:
    policy = a_policy(refresh_idle=1000)
    issued = an_issued_code(policy=policy)
    redemption = present(
        a_code_request(issued.code), issued.grant, now=START + 30, policy=policy
    )
    assert isinstance(redemption, Redemption)
    assert redemption.grant.deadline == START + 1030
    assert redemption.grant.expires_at == START + 90 * 86_400


@pytest.mark.requirement("K-05", "K-09")
def test_redemption_hands_the_data_key_from_the_code_to_both_tokens() -> None:
    issued = an_issued_code(props={"a": 1})
    redemption = present(a_code_request(issued.code), issued.grant)
    assert isinstance(redemption, Redemption)
    assert issued.grant.code_data_key is not None
    data_key = unwrap_data_key(issued.grant.code_data_key, issued.code)
    assert redemption.access.data_key is not None
    assert unwrap_data_key(redemption.access.data_key, redemption.access.token) == (
        data_key
    )
    assert redemption.refresh is not None
    assert redemption.refresh.data_key is not None
    assert unwrap_data_key(redemption.refresh.data_key, redemption.refresh.token) == (
        data_key
    )
    assert redemption.grant.code_data_key is None


@pytest.mark.requirement("D-17")
def test_what_tells_a_replay_from_a_guess_is_kept_after_redemption() -> None:
    issued = an_issued_code()
    grant = redeemed(issued)
    assert grant.code_hash == token_hash(issued.code)
    assert grant.code_challenge == issued.grant.code_challenge
    assert grant.redirect_uri == REDIRECT_URI


@pytest.mark.requirement("K-12")
def test_the_repr_of_a_request_shows_neither_code_nor_verifier() -> None:
    request = a_code_request(an_issued_code().code)
    assert VERIFIER not in repr(request)
    assert request.code.secret.hex() not in repr(request)
    assert CLIENT.client_id in repr(request)
