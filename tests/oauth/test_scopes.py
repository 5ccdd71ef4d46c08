"""Scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.scopes import MAX_SCOPE_LENGTH, Scope, parse_scope

NAMES = st.lists(
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'),
        min_size=1,
        max_size=12,
    ),
    unique=True,
    max_size=8,
).map(tuple)


@given(NAMES)
def test_a_scope_survives_being_written_and_read(names: tuple[str, ...]) -> None:
    scope = Scope(names)
    assert parse_scope(str(scope)) == scope


@given(st.text())
def test_reading_a_scope_never_raises(text: str) -> None:
    scope = parse_scope(text)
    assert scope is None or set(scope.names) == set(filter(None, text.split(" ")))


@pytest.mark.requirement("C-08")
@pytest.mark.parametrize(
    "text",
    [
        " ",
        "a  b",
        " a",
        "a ",
        "a\tb",
        "a\nb",
        'a"b',
        "a\\b",
        "a\x7f",
        "é",
        "a\r\nSet-Cookie: x",
        "a" * (MAX_SCOPE_LENGTH + 1),
    ],
)
def test_what_breaks_the_grammar_is_no_scope(text: str) -> None:
    assert parse_scope(text) is None


@pytest.mark.requirement("C-08")
def test_the_outermost_characters_of_the_grammar_are_allowed() -> None:
    assert parse_scope("! # [ ] ~ https://h/x:y") is not None


def test_repeated_names_count_once_and_order_is_kept() -> None:
    assert parse_scope("b a b") == Scope(("b", "a"))


def test_the_empty_text_is_the_empty_scope() -> None:
    empty = parse_scope("")
    assert empty == Scope()
    assert not empty
    assert str(Scope()) == ""


@pytest.mark.parametrize("names", [("a b",), ("",), ("a", "a"), ("é",)])
def test_a_scope_outside_the_grammar_cannot_be_built(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scope name"):
        Scope(names)


@given(NAMES, NAMES)
def test_scopes_are_sets(left: tuple[str, ...], right: tuple[str, ...]) -> None:
    a, b = Scope(left), Scope(right)
    assert set(a.union(b)) == set(left) | set(right)
    assert set(a.intersection(b)) == set(left) & set(right)
    assert set(a.difference(b)) == set(left) - set(right)
    assert a.issubset(b) == (set(left) <= set(right))
    assert a.intersection(b).issubset(b)
    assert len(a) == len(left)
    assert all(name in a for name in left)
