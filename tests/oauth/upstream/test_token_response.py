"""The answers of token endpoints that nobody here wrote."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.json_values import Json
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.upstream.failures import UpstreamFailed, UpstreamFault
from actor_oauth.oauth.upstream.token_response import (
    UpstreamTokens,
    decide_token_response,
)

_F = UpstreamFault
NOW: Final = 1_800_000_000
GOOD: Final[dict[str, Json]] = {"access_token": "at", "token_type": "Bearer"}


def decided(status: int, body: bytes) -> UpstreamTokens | UpstreamFailed:
    return decide_token_response(
        status, body, requested=Scope(("a",)), now=NOW, retry_after=7
    )


def told(**members: Json) -> UpstreamTokens | UpstreamFailed:
    return decided(200, json.dumps({**GOOD, **members}).encode())


def tokens(**members: Json) -> UpstreamTokens:
    found = told(**members)
    assert isinstance(found, UpstreamTokens)
    return found


def fault(answer: UpstreamTokens | UpstreamFailed) -> UpstreamFault:
    assert isinstance(answer, UpstreamFailed)
    return answer.fault


@pytest.mark.requirement("I-22")
def test_an_answer_gives_tokens() -> None:
    found = tokens(refresh_token="r t", expires_in=60, scope="a b", id_token="i.d.t")

    assert found == UpstreamTokens(
        access_token="at",
        refresh_token="r t",
        expires_at=NOW + 60,
        scope=Scope(("a", "b")),
        obtained_at=NOW,
        id_token="i.d.t",
    )
    assert "at" not in repr(found).replace("obtained_at", "").replace("expires_at", "")


@pytest.mark.requirement("I-22")
@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_the_type_is_compared_without_case(kind: str) -> None:
    assert tokens(token_type=kind).access_token == "at"


@pytest.mark.requirement("I-22")
@pytest.mark.parametrize("kind", ["DPoP", "MAC", "Bearer ", "N_A"])
def test_a_type_that_was_not_asked_for_is_refused(kind: str) -> None:
    assert fault(told(token_type=kind)) is _F.TOKEN_TYPE_UNSUPPORTED


@pytest.mark.requirement("I-22", "I-25")
@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (3600, NOW + 3600),
        ("3600", NOW + 3600),
        (59.9, NOW + 59),
        (None, None),
        (0, None),
        (-5, None),
        (True, None),
        ("soon", None),
        ("-5", None),
        ("9" * 13, None),
        (1e300, None),
        ([60], None),
        (366 * 86400 + 1, None),
    ],
)
def test_an_absurd_lifetime_is_not_known(life: Json, expected: int | None) -> None:
    assert tokens(expires_in=life).expires_at == expected


def test_an_infinite_lifetime_is_not_known() -> None:
    body = b'{"access_token": "at", "token_type": "bearer", "expires_in": 1e999}'

    found = decided(200, body)

    assert isinstance(found, UpstreamTokens)
    assert found.expires_at is None


@pytest.mark.requirement("I-22")
@pytest.mark.parametrize(
    ("scope", "expected"),
    [(None, "a"), ("", "a"), ("b", "b"), ('b "', "a"), (["b"], "a")],
)
def test_a_scope_that_is_not_named_is_the_one_that_was_asked_for(
    scope: Json, expected: str
) -> None:
    assert str(tokens(scope=scope).scope) == expected


@pytest.mark.requirement("I-22")
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("read:user,user:email", ("read:user", "user:email")),
        ("repo, gist", ("repo", "gist")),
        ("a,b repo,gist", ("a,b", "repo", "gist")),
        (",", ("a,b", "repo")),
    ],
)
def test_scopes_come_with_commas_between_them_from_github(
    scope: str, expected: tuple[str, ...]
) -> None:
    body = json.dumps({**GOOD, "scope": scope}).encode()
    found = decide_token_response(200, body, requested=Scope(("a,b", "repo")), now=NOW)
    assert isinstance(found, UpstreamTokens)
    assert found.scope.names == expected


@pytest.mark.requirement("I-22")
@pytest.mark.parametrize(
    "members",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a b"},
        {"access_token": "a\r\nX: y"},
        {"access_token": "é"},
        {"access_token": "x" * 16385},
        {"token_type": None},
    ],
)
def test_an_access_token_that_cannot_be_presented_is_none(
    members: dict[str, Json],
) -> None:
    assert fault(told(**members)) is _F.TOKEN_RESPONSE_MALFORMED


@pytest.mark.parametrize("token", ["", "x" * 16385, "a\nb", 7])
def test_a_refresh_token_that_cannot_be_sent_is_none(token: Json) -> None:
    assert tokens(refresh_token=token).refresh_token is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"\xff", b'{"access_token":"a"']
)
def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    assert fault(decided(200, body)) is _F.TOKEN_RESPONSE_MALFORMED


@pytest.mark.requirement("I-31")
@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, "invalid_grant", _F.GRANT_REJECTED),
        # Only 400 says so for sure.
        (401, "invalid_grant", _F.TOKEN_REFUSED),
        (403, "invalid_grant", _F.TOKEN_REFUSED),
        (401, "invalid_client", _F.CLIENT_REJECTED),
        (400, "invalid_client", _F.CLIENT_REJECTED),
        (400, "unauthorized_client", _F.CLIENT_REJECTED),
        (400, "invalid_request", _F.TOKEN_REFUSED),
        (404, "invalid_grant", _F.TOKEN_REFUSED),
        (302, "", _F.TOKEN_REFUSED),
        (500, "invalid_grant", _F.UNREACHABLE),
        (503, "", _F.UNREACHABLE),
        (429, "invalid_grant", _F.UNREACHABLE),
        (200, "bad_refresh_token", _F.GRANT_REJECTED),
        (200, "invalid_grant", _F.TOKEN_RESPONSE_MALFORMED),
    ],
)
def test_only_a_definite_refusal_ends_a_grant(
    status: int, error: str, expected: UpstreamFault
) -> None:
    answer = decided(status, json.dumps({"error": error}).encode())

    assert fault(answer) is expected
    assert isinstance(answer, UpstreamFailed)
    assert answer.is_passing is (expected is _F.UNREACHABLE)
    assert answer.retry_after == (7 if answer.is_passing else None)


def test_nothing_but_an_error_code_gets_into_the_log() -> None:
    answer = decided(400, b'{"error": "invalid_grant\\ntoken=abc"}')

    assert isinstance(answer, UpstreamFailed)
    assert answer.detail == "400 "


@given(status=st.integers(100, 599), body=st.binary(max_size=300))
def test_nothing_makes_it_fail(status: int, body: bytes) -> None:
    decided(status, body)
