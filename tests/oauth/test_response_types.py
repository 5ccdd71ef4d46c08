"""Legacy answers and proofs: absent while off, and for registered clients only."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    RedirectRefusal,
)
from actor_oauth.oauth.clients import Client
from actor_oauth.oauth.pkce import challenge_of, verify_s256
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.response_types import (
    enabled_challenge_methods,
    enabled_response_types,
)
from actor_oauth.oauth.wire import Reason
from tests.oauth.authorization_requests import (
    CHALLENGE,
    CLIENT,
    POLICY,
    accepted,
    decide,
)

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
LEGACY = replace(POLICY, plain_pkce_enabled=True, implicit_enabled=True)
OLD = replace(CLIENT, may_use_plain_pkce=True)
IMPLICIT = replace(
    CLIENT, grant_types=("implicit", "refresh_token"), response_types=("token",)
)
FOR_TOKEN: dict[str, str | None] = {
    "response_type": "token",
    "code_challenge": None,
    "code_challenge_method": None,
}


def refused(
    client: Client, policy: Policy, /, **changes: str | None
) -> tuple[Reason, bool]:
    decision = decide(client, policy, **changes)
    assert isinstance(decision, RedirectRefusal)
    return decision.reason, decision.in_fragment


@pytest.mark.requirement("C-07")
@pytest.mark.parametrize("method", ["plain", None])
@pytest.mark.parametrize(
    ("client", "policy"),
    [(OLD, POLICY), (CLIENT, LEGACY), (CLIENT, POLICY)],
    ids=["server-without", "client-without", "both-without"],
)
def test_plain_takes_a_server_and_a_client_that_may(
    method: str | None, client: Client, policy: Policy
) -> None:
    reason, _ = refused(
        client, policy, code_challenge=VERIFIER, code_challenge_method=method
    )

    assert reason is Reason.CHALLENGE_METHOD_UNSUPPORTED


@pytest.mark.requirement("C-07", "D-12")
@pytest.mark.parametrize("method", ["plain", None])
def test_a_plain_challenge_is_kept_as_one_that_only_its_verifier_opens(
    method: str | None,
) -> None:
    request = accepted(
        OLD, LEGACY, code_challenge=VERIFIER, code_challenge_method=method
    )

    assert request.code_challenge == challenge_of(VERIFIER)
    assert verify_s256(VERIFIER, request.code_challenge)


@pytest.mark.requirement("C-07", "D-13")
def test_a_client_that_does_better_cannot_be_talked_down() -> None:
    """An attacker strips the method from the request, to redeem with what he saw."""
    reason, _ = refused(CLIENT, LEGACY, code_challenge_method=None)
    assert reason is Reason.CHALLENGE_METHOD_UNSUPPORTED

    # Of a client that may use both, what was asked with one method is never compared
    # with the other.
    kept = accepted(OLD, LEGACY)
    assert kept.code_challenge == CHALLENGE
    assert not verify_s256(CHALLENGE, kept.code_challenge)
    stripped = accepted(OLD, LEGACY, code_challenge_method=None)
    assert not verify_s256(VERIFIER, stripped.code_challenge)


@pytest.mark.requirement("C-07")
@pytest.mark.parametrize(
    ("challenge", "method", "reason"),
    [
        (None, "plain", Reason.CHALLENGE_MISSING),
        (None, None, Reason.CHALLENGE_MISSING),
        ("short", "plain", Reason.CHALLENGE_MALFORMED),
        (VERIFIER, "S512", Reason.CHALLENGE_METHOD_UNSUPPORTED),
        (VERIFIER, "PLAIN", Reason.CHALLENGE_METHOD_UNSUPPORTED),
    ],
)
def test_with_plain_the_other_rules_stay(
    challenge: str | None, method: str | None, reason: Reason
) -> None:
    found, _ = refused(
        OLD, LEGACY, code_challenge=challenge, code_challenge_method=method
    )
    assert found is reason


@pytest.mark.requirement("C-06")
def test_a_registered_client_gets_a_token_where_that_is_on() -> None:
    request = accepted(
        IMPLICIT,
        LEGACY,
        **FOR_TOKEN,
        scope="mcp offline_access",
        response_mode="fragment",
    )

    assert request.wants_token
    assert request.code_challenge == ""
    # There will be no refresh token.
    assert request.scope.names == ("mcp",)
    assert AuthorizationRequest.from_record(request.to_record()) == request


@pytest.mark.requirement("C-06")
@pytest.mark.parametrize(
    ("client", "policy", "changes", "refusal"),
    [
        (IMPLICIT, POLICY, {}, (Reason.RESPONSE_TYPE_UNSUPPORTED, False)),
        (CLIENT, LEGACY, {}, (Reason.RESPONSE_TYPE_UNREGISTERED, True)),
        (
            IMPLICIT,
            LEGACY,
            {"response_type": "code"},
            (Reason.RESPONSE_TYPE_UNREGISTERED, False),
        ),
        (
            IMPLICIT,
            LEGACY,
            {"response_type": "id_token token"},
            (Reason.RESPONSE_TYPE_UNSUPPORTED, False),
        ),
        (
            IMPLICIT,
            LEGACY,
            {"response_mode": "query"},
            (Reason.RESPONSE_MODE_UNSUPPORTED, True),
        ),
        (
            IMPLICIT,
            LEGACY,
            {"response_mode": "form_post"},
            (Reason.RESPONSE_MODE_UNSUPPORTED, True),
        ),
        (IMPLICIT, LEGACY, {"dpop_jkt": "j" * 43}, (Reason.DPOP_UNSUPPORTED, True)),
        (
            replace(IMPLICIT, dpop_bound_access_tokens=True),
            LEGACY,
            {},
            (Reason.DPOP_UNSUPPORTED, True),
        ),
        (IMPLICIT, LEGACY, {"scope": "unknown"}, (Reason.SCOPE_UNKNOWN, True)),
    ],
)
def test_anybody_else_is_refused_where_it_looks_for_an_answer(
    client: Client,
    policy: Policy,
    changes: dict[str, str | None],
    refusal: tuple[Reason, bool],
) -> None:
    assert refused(client, policy, **{**FOR_TOKEN, **changes}) == refusal


@pytest.mark.requirement("C-06")
def test_a_code_never_comes_in_a_fragment() -> None:
    reason, _ = refused(CLIENT, LEGACY, response_mode="fragment")
    assert reason is Reason.RESPONSE_MODE_UNSUPPORTED


@pytest.mark.requirement("A-04")
def test_only_what_is_on_is_offered() -> None:
    assert enabled_response_types(POLICY) == ("code",)
    assert enabled_challenge_methods(POLICY) == ("S256",)
    assert enabled_response_types(LEGACY) == ("code", "token")
    assert enabled_challenge_methods(LEGACY) == ("S256", "plain")
