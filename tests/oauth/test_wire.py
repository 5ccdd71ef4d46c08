"""Reasons, and the one way from a reason to the wire."""

import re

import pytest

from actor_oauth.oauth.wire import Category, Reason, Refused, to_wire

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")

# RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1; RFC 7009 §2.2.1; RFC 7591 §3.2.2;
# RFC 8707 §2; OpenID Connect Core §3.1.2.6 (RFC 9101 §7).
ERROR_CODES = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    "invalid_target",
    "invalid_authorization_details",
    "access_denied",
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
    "request_not_supported",
    "request_uri_not_supported",
    "invalid_request_uri",
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
    "unapproved_software_statement",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "authorization_pending",
    "slow_down",
    "expired_token",
    "invalid_token",
    "insufficient_scope",
    "temporarily_unavailable",
    "server_error",
}


def test_categories_speak_only_error_codes_of_the_rfcs() -> None:
    assert {category.error for category in Category} == ERROR_CODES


@pytest.mark.requirement("D-05")
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_answer_within_the_grammar(reason: Reason) -> None:
    wire = to_wire(reason)
    assert wire.error in ERROR_CODES
    assert DESCRIPTION.fullmatch(wire.description)
    assert 400 <= wire.status <= 503
    assert wire.to_json() == {
        "error": wire.error,
        "error_description": wire.description,
    }


@pytest.mark.requirement("E-08")
def test_nothing_tells_one_failed_client_authentication_from_another() -> None:
    answers = {
        to_wire(reason, header_used=True)
        for reason in Reason
        if reason.category is Category.INVALID_CLIENT
    }
    assert len(answers) == 1


def test_nothing_tells_one_bad_grant_from_another() -> None:
    answers = {
        to_wire(reason)
        for reason in Reason
        if reason.category is Category.INVALID_GRANT
    }
    assert len(answers) <= 1


@pytest.mark.requirement("E-08")
def test_invalid_client_is_401_and_challenges_only_who_used_the_header() -> None:
    silent = to_wire(Reason.CLIENT_SECRET_WRONG)
    assert (silent.status, silent.www_authenticate) == (401, None)
    loud = to_wire(Reason.CLIENT_SECRET_WRONG, header_used=True, realm="here")
    assert loud.status == 401
    assert loud.www_authenticate == 'Basic realm="here", charset="UTF-8"'


def test_other_errors_carry_no_challenge_even_if_the_header_was_used() -> None:
    wire = to_wire(Reason.CLIENT_METHODS_MIXED, header_used=True)
    assert (wire.status, wire.www_authenticate) == (400, None)


@pytest.mark.requirement("D-06")
@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.OVERLOADED, 503),
        (Reason.STORAGE_FAILED, 503),
        (Reason.RATE_LIMITED, 429),
    ],
)
def test_a_passing_trouble_says_when_to_come_back(reason: Reason, status: int) -> None:
    wire = to_wire(reason)
    assert wire.error == "temporarily_unavailable"
    assert wire.status == status
    assert wire.retry_after is not None


def test_a_reason_is_its_name_in_the_log() -> None:
    assert str(Reason.CLIENT_UNKNOWN) == "client_unknown"
    assert f"{Reason.CLIENT_UNKNOWN}" == "client_unknown"


def test_a_detail_stays_with_the_refusal() -> None:
    refused = Refused(Reason.INTERNAL, "disk 3")
    assert refused.detail == "disk 3"
    assert "disk" not in to_wire(refused.reason).description
