"""Token strings: what is accepted, what is stored."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import (
    Token,
    TokenKind,
    TokenResponse,
    draw,
    parse_token,
    token_hash,
)

KINDS = st.sampled_from(TokenKind)
TOKENS = st.builds(
    Token,
    KINDS,
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=32, max_size=32),
)


def a_token(kind: TokenKind = TokenKind.REFRESH) -> Token:
    return Token(kind, "ab" * 16, (7).to_bytes(8), bytes(range(32)))


@given(TOKENS)
def test_a_token_survives_rendering_and_parsing(token: Token) -> None:
    assert parse_token(token.render()) == token


@given(st.text() | st.from_regex(r"\A(aort|aoat|zzzz)_[A-Za-z0-9_-]{78,82}\Z"))
def test_parsing_never_raises_and_accepts_only_what_was_rendered(text: str) -> None:
    token = parse_token(text)
    assert token is None or token.render() == text


@given(TOKENS, st.integers(0, 84), st.characters(codec="utf-8"))
def test_a_token_with_one_changed_character_is_refused(
    token: Token, index: int, character: str
) -> None:
    text = token.render()
    changed = text[:index] + character + text[index + 1 :]
    assert changed == text or parse_token(changed) is None


@pytest.mark.requirement("K-04")
@given(TOKENS, KINDS)
def test_a_token_of_one_kind_is_never_accepted_as_another(
    token: Token, kind: TokenKind
) -> None:
    relabelled = kind + token.render()[4:]
    assert kind is token.kind or parse_token(relabelled) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aort_",
        a_token().render() + "\n",
        a_token().render() + "=",
        " " + a_token().render(),
        a_token().render()[:-1],
        a_token().render().upper(),
        a_token().render() * 10_000,
    ],
)
def test_what_is_not_exactly_a_token_is_refused(text: str) -> None:
    assert parse_token(text) is None


def test_the_layout_is_stable_over_releases() -> None:
    # Tokens live for months: a release that reads another layout logs everybody out.
    assert a_token().render() == (
        "aort_q6urq6urq6urq6urq6urqwAAAAAAAAAHAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
        "Hh9hOelu"
    )
    hashed = b"\xab" * 16 + (7).to_bytes(8) + bytes(range(32))
    hashed = b"actor_oauth token\0aort" + hashed
    assert token_hash(a_token()) == hashlib.sha256(hashed).digest()


@pytest.mark.requirement("K-02", "K-04")
@given(TOKENS, TOKENS)
def test_tokens_share_a_hash_only_if_they_are_the_same(
    one: Token, other: Token
) -> None:
    assert (token_hash(one) == token_hash(other)) == (one == other)


@pytest.mark.requirement("K-12")
def test_the_repr_of_a_token_shows_no_secret() -> None:
    token = a_token()
    assert token.secret.hex() not in repr(token)
    assert repr(token.secret) not in repr(token)
    assert token.render() not in repr(token)


def test_drawn_values_differ_by_label_and_by_input() -> None:
    one, other = bytes(64), bytes(63) + b"\1"
    drawn = {draw(one, "a"), draw(one, "b"), draw(other, "a"), draw(other, "b")}
    assert len(drawn) == 4
    assert draw(one, "a", 12) == draw(one, "a")[:12]


@pytest.mark.requirement("D-04")
def test_a_token_response_always_tells_the_scope_and_the_life() -> None:
    response = TokenResponse(
        access_token="a",
        expires_in=60,
        scope=Scope(("x", "y")),
        resource="https://api.example",
    )
    assert response.to_json() == {
        "access_token": "a",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "x y",
        "resource": "https://api.example",
    }


def test_a_token_response_has_a_refresh_token_only_if_there_is_one() -> None:
    response = TokenResponse(
        access_token="secret-a",
        expires_in=60,
        scope=Scope(("x",)),
        resource="https://api.example",
        refresh_token="secret-r",
    )
    assert response.to_json()["refresh_token"] == "secret-r"
    assert "secret" not in repr(response)
