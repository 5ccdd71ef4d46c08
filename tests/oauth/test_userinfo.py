"""The userinfo endpoint: whose token is good there, and what it is told."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.bearer import BearerToken, BoundToken
from actor_oauth.oauth.challenge import Challenge, ChallengeError
from actor_oauth.oauth.dpop import Proof
from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.reasons import Reason, Refused
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import AccessTokenInfo
from actor_oauth.oauth.userinfo import (
    UserInfoRequest,
    decide_holder,
    decide_userinfo,
    find_token,
    refused_holder,
    userinfo_claims,
)
from tests.support.dpop import ProofKey
from tests.support.grants import START

URL = "https://as.example/userinfo"
KEY = ProofKey()
INFO = AccessTokenInfo(
    grant_id="00000007",
    client_id="app",
    user_id="ada",
    scope=Scope(("openid", "read")),
    resource="https://api.example/mcp",
    issued_at=START,
    expires_at=START + 3600,
)
BOUND = replace(INFO, jkt=KEY.jkt)


def a_request(*authorization: bytes, query: bytes = b"") -> UserInfoRequest:
    return UserInfoRequest(
        method="GET", authorization=authorization, query_string=query
    )


@pytest.mark.requirement("G-03", "G-04")
@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (a_request(), None),
        (a_request(b"Basic YTpi"), None),
        (a_request(query=b"access_token=aoat"), None),
        (a_request(b"Bearer a token"), ChallengeError.INVALID_TOKEN),
        (a_request(b"Bearer a", b"Bearer b"), ChallengeError.INVALID_REQUEST),
        (
            a_request(b"Bearer a", query=b"access_token=b"),
            ChallengeError.INVALID_REQUEST,
        ),
    ],
)
def test_who_brings_no_token_is_told_to(
    request_: UserInfoRequest, error: ChallengeError | None
) -> None:
    found = find_token(request_)

    assert isinstance(found, Challenge)
    assert found.error is error
    assert found.render().startswith("Bearer ")
    assert 'scope="openid"' in found.render()
    assert "resource_metadata" not in found.render()


def test_a_token_is_taken_from_the_header() -> None:
    assert find_token(a_request(b"Bearer aoat")) == BearerToken("aoat")
    assert find_token(a_request(b"DPoP aoat")) == BoundToken("aoat")


@pytest.mark.requirement("G-05", "F-11", "D-33")
@pytest.mark.parametrize(
    ("token", "info", "error"),
    [
        (BearerToken("t"), None, ChallengeError.INVALID_TOKEN),
        (
            BearerToken("t"),
            replace(INFO, principal="client"),
            ChallengeError.INVALID_TOKEN,
        ),
        (
            BearerToken("t"),
            replace(INFO, principal="external"),
            ChallengeError.INVALID_TOKEN,
        ),
        (BearerToken("t"), BOUND, ChallengeError.INVALID_TOKEN),
        (BoundToken("t"), INFO, ChallengeError.INVALID_TOKEN),
        (
            BearerToken("t"),
            replace(INFO, scope=Scope(("read", "profile"))),
            ChallengeError.INSUFFICIENT_SCOPE,
        ),
    ],
)
def test_a_token_that_was_not_granted_for_it_tells_nothing(
    token: BearerToken | BoundToken,
    info: AccessTokenInfo | None,
    error: ChallengeError,
) -> None:
    decision = decide_userinfo(token, info)

    assert isinstance(decision, Challenge)
    assert decision.error is error
    assert decision.bound == isinstance(token, BoundToken)


@pytest.mark.requirement("G-11")
def test_any_resource_will_do_as_long_as_openid_was_granted() -> None:
    assert decide_userinfo(BearerToken("t"), INFO) is INFO
    assert decide_userinfo(BoundToken("t"), BOUND) is BOUND


def holder(
    proof: str, *, info: AccessTokenInfo = BOUND, nonces: list[str] | None = None
) -> Proof | Challenge:
    request = UserInfoRequest(method="GET", authorization=(), proofs=[proof])
    return decide_holder(
        request, BoundToken("aoat"), info, url=URL, nonces=nonces, now=START
    )


@pytest.mark.requirement("F-05", "F-12")
def test_the_holder_of_a_bound_token_proves_its_key() -> None:
    proof = KEY.proof("GET", URL, now=START, access_token="aoat")
    assert isinstance(holder(proof), Proof)

    for bad in (
        KEY.proof("POST", URL, now=START, access_token="aoat"),
        KEY.proof("GET", URL, now=START, access_token="another"),
        KEY.proof("GET", URL + "/x", now=START, access_token="aoat"),
        "no proof",
    ):
        refused = holder(bad)
        assert isinstance(refused, Challenge)
        assert (refused.error, refused.bound) == (
            ChallengeError.INVALID_DPOP_PROOF,
            True,
        )
    another = holder(proof, info=replace(BOUND, jkt="j" * 43))
    assert isinstance(another, Challenge)


@pytest.mark.requirement("F-13")
def test_a_nonce_is_asked_for_and_given() -> None:
    proof = KEY.proof("GET", URL, now=START, access_token="aoat")

    refused = holder(proof, nonces=["fresh", "older"])

    assert isinstance(refused, Challenge)
    assert refused.error is ChallengeError.USE_DPOP_NONCE
    assert refused.nonce == "fresh"
    again = refused_holder(Refused(Reason.DPOP_PROOF_REPLAYED), nonces=["fresh"])
    assert (again.error, again.nonce) == (ChallengeError.INVALID_DPOP_PROOF, None)


SUPPLIED: dict[str, Json] = {
    "sub": "somebody else",
    "name": "Ada",
    "email": "ada@h.example",
    "email_verified": True,
    "phone_number": "+44",
    "groups": ["staff"],
    "picture": None,
}


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", {"sub", "groups"}),
        ("openid profile", {"sub", "groups", "name", "preferred_username"}),
        ("openid email", {"sub", "groups", "email", "email_verified"}),
        ("openid phone", {"sub", "groups", "phone_number"}),
    ],
)
def test_a_claim_is_told_if_its_scope_was_granted(scope: str, names: set[str]) -> None:
    claims = userinfo_claims("ada", Scope(tuple(scope.split())), SUPPLIED)

    assert claims.keys() == names
    assert claims["sub"] == "ada"


def test_the_application_may_name_the_user_otherwise_but_not_be_another() -> None:
    scope = Scope(("openid", "profile"))
    assert userinfo_claims("ada", scope, {}) == {
        "sub": "ada",
        "preferred_username": "ada",
    }
    named = userinfo_claims("ada", scope, {"preferred_username": "Countess"})
    assert named == {"sub": "ada", "preferred_username": "Countess"}
