"""Pushed authorization requests as decisions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.authorization_request import (
    AuthorizationRequest,
    LocalRefusal,
    RedirectRefusal,
    decide_authorization_request,
)
from actor_oauth.oauth.pushed_requests import (
    MAX_RECORD_LENGTH,
    PushedResponse,
    StoredRequest,
    decide_completion,
    decide_presentation,
    decide_push,
    is_pushed,
    render_request_uri,
    request_uri_hash,
)
from actor_oauth.oauth.reasons import Reason, Refused
from tests.oauth.pushed_forms import a_form
from tests.support.grants import CLIENT, POLICY, REDIRECT_URI, START, a_request

NAME = render_request_uri(bytes(range(32)))
STORED = StoredRequest(request=a_request(), expires_at=START + 90, completion=None)
REQUIRED = replace(POLICY, require_pushed_requests=True)


@pytest.mark.requirement("C-25", "K-01")
@given(st.binary(min_size=32, max_size=32))
def test_a_name_is_a_urn_that_leads_to_its_hash(secret: bytes) -> None:
    name = render_request_uri(secret)

    assert name.startswith("urn:ietf:params:oauth:request_uri:")
    key = request_uri_hash(name)
    assert key is not None
    assert secret not in key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://rp.example/request.jwt",
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:" + "a" * 42,
        "urn:ietf:params:oauth:request_uri:" + "a" * 44,
        "urn:ietf:params:oauth:request_uri:" + "a" * 42 + "é",
        "URN:ietf:params:oauth:request_uri:" + "a" * 43,
    ],
)
def test_anything_else_is_no_name(text: str) -> None:
    assert request_uri_hash(text) is None


@pytest.mark.requirement("C-28")
def test_only_our_own_names_are_looked_up() -> None:
    assert is_pushed(NAME)
    assert not is_pushed("https://rp.example/request.jwt")


@pytest.mark.requirement("C-25")
def test_a_pushed_request_is_judged_like_any_other() -> None:
    decision = decide_push(a_form(), CLIENT, POLICY)

    assert isinstance(decision, AuthorizationRequest)
    assert (decision.client_id, decision.state) == ("app", "xyz")
    assert decision.request_uri is None
    assert decide_push(a_form(), CLIENT, REQUIRED) == decision


@pytest.mark.requirement("C-25")
def test_a_client_that_authenticated_by_header_need_not_name_itself_again() -> None:
    assert isinstance(
        decide_push(a_form(client_id=None), CLIENT, POLICY), AuthorizationRequest
    )


@pytest.mark.requirement("C-25", "C-28")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"request_uri": NAME}, Reason.REQUEST_URI_PUSHED),
        ({"request": "e30."}, Reason.REQUEST_OBJECT),
        ({"redirect_uri": "https://evil.example/"}, Reason.REDIRECT_URI_UNREGISTERED),
        ({"code_challenge": None}, Reason.CHALLENGE_MISSING),
        ({"response_type": "token"}, Reason.RESPONSE_TYPE_UNSUPPORTED),
        ({"scope": "nothing"}, Reason.SCOPE_UNKNOWN),
        ({"resource": "https://evil.example/"}, Reason.RESOURCE_UNKNOWN),
        ({"state": "\x00" * (MAX_RECORD_LENGTH // 6)}, Reason.FORM_TOO_LARGE),
    ],
)
def test_what_cannot_be_put_to_a_user_cannot_be_pushed(
    change: dict[str, str | None], reason: Reason
) -> None:
    assert decide_push(a_form(**change), CLIENT, POLICY) == Refused(reason)


@pytest.mark.requirement("C-26")
def test_a_plain_request_is_refused_where_pushing_is_required() -> None:
    assert decide_authorization_request(a_form(), CLIENT, REQUIRED) == RedirectRefusal(
        reason=Reason.PUSH_REQUIRED, redirect_uri=REDIRECT_URI, state="xyz"
    )
    unknown = decide_authorization_request(
        a_form(redirect_uri="https://evil.example/"), CLIENT, REQUIRED
    )
    assert unknown == LocalRefusal(Reason.REDIRECT_URI_UNREGISTERED)


@pytest.mark.requirement("C-26")
def test_a_name_leads_to_what_was_pushed_for_as_long_as_it_lives() -> None:
    last = START + 89

    decision = decide_presentation(STORED, NAME, presented_at=last)

    assert decision == replace(a_request(), request_uri=NAME)
    assert isinstance(decision, AuthorizationRequest)
    assert AuthorizationRequest.from_record(decision.to_record()) == decision
    assert decide_presentation(STORED, NAME, presented_at=last + 1) == Refused(
        Reason.REQUEST_URI_EXPIRED
    )
    assert decide_presentation(None, NAME, presented_at=START) == Refused(
        Reason.REQUEST_URI_UNKNOWN
    )


@pytest.mark.requirement("C-27")
def test_one_completion_spends_a_name_and_may_come_again() -> None:
    spent = decide_completion(STORED, b"first")

    assert isinstance(spent, StoredRequest)
    assert decide_completion(spent, b"first") == spent
    assert decide_completion(spent, b"second") == Refused(Reason.REQUEST_URI_SPENT)
    assert decide_completion(None, b"first") == Refused(Reason.REQUEST_URI_UNKNOWN)
    assert decide_presentation(spent, NAME, presented_at=START) == Refused(
        Reason.REQUEST_URI_SPENT
    )


@pytest.mark.requirement("C-25", "K-12")
def test_the_answer_names_the_request_and_is_not_shown_in_a_log() -> None:
    answer = PushedResponse(request_uri=NAME, expires_in=90)

    assert answer.to_json() == {"request_uri": NAME, "expires_in": 90}
    assert NAME not in repr(answer)
