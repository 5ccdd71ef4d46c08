"""Which grant a request is about, for the log."""

import pytest

from actor_oauth.oauth.parameters import Parameters, parse_form
from actor_oauth.oauth.presented_grant import grant_of_form, grant_of_token
from actor_oauth.oauth.tokens import Token, TokenKind

KEY = "ab" * 16
NAME = f"user/{KEY}/0000000c"


def a_token(kind: TokenKind) -> str:
    record = (12).to_bytes(4) + (3).to_bytes(4)
    return Token(kind, KEY, record, bytes(range(32))).render()


def form(**members: str) -> Parameters:
    query = "&".join(f"{name}={value}" for name, value in members.items())
    parsed = parse_form(query.encode())
    assert isinstance(parsed, Parameters)
    return parsed


@pytest.mark.requirement("K-12")
@pytest.mark.parametrize("kind", [TokenKind.ACCESS, TokenKind.CODE, TokenKind.REFRESH])
def test_what_belongs_to_a_grant_names_it_and_none_of_its_secret(
    kind: TokenKind,
) -> None:
    assert grant_of_token(a_token(kind)) == NAME


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", a_token(TokenKind.SESSION), a_token(TokenKind.REFRESH)[:-1]],
)
def test_anything_else_names_none(text: str) -> None:
    assert grant_of_token(text) is None


@pytest.mark.parametrize("member", ["refresh_token", "code", "token", "subject_token"])
def test_a_form_is_about_the_grant_of_what_it_presents(member: str) -> None:
    token = a_token(TokenKind.REFRESH)
    assert grant_of_form(form(client_id="x", **{member: token})) == NAME


def test_a_form_without_a_token_is_about_no_grant() -> None:
    assert grant_of_form(form(client_id="x", scope="mcp")) is None
