"""Text from strangers, as a person who must decide gets to see it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.http.display import (
    day,
    destination,
    display_text,
    initial,
    since,
    tone,
    web_host,
)

NOW = 1_795_000_000


@pytest.mark.requirement("J-09")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Notes", "Notes"),
        ("good\u202eedoc live\u202c", "goodedoc live"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\r\none\ttwo", "line one two"),
        ("nul\x00bell\x07", "nulbell"),
        ("\u2066isolate\u2069", "isolate"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("  many   spaces \u2003 ", "many spaces"),
        ("Z\u0301\u0302\u0303\u0304\u0305algo", "Z\u0301\u0302\u0303algo"),
        ("Größe 漢字 עברית", "Größe 漢字 עברית"),
        ("", ""),
    ],
)
def test_invisible_and_direction_changing_characters_are_stripped(
    text: str, shown: str
) -> None:
    assert display_text(text) == shown


@pytest.mark.requirement("J-09")
def test_a_long_name_cannot_push_the_rest_out_of_sight() -> None:
    assert display_text("x" * 5000, 80) == "x" * 79 + "…"


@given(st.text(max_size=400))
def test_whatever_the_text_only_visible_characters_remain(text: str) -> None:
    shown = display_text(text, 60)

    assert len(shown) <= 60
    for character in shown:
        category = unicodedata.category(character)
        assert character == " " or category[0] not in "CZ"


@pytest.mark.parametrize(
    ("name", "letter"),
    [("claude", "C"), ("  (beta) tool", "B"), ("!!!", "?"), ("", "?"), ("ßx", "S")],
)
def test_an_avatar_shows_the_first_letter_or_digit(name: str, letter: str) -> None:
    assert initial(name) == letter


def test_a_client_keeps_its_colour() -> None:
    assert tone("client") == tone("client")
    assert {tone(str(number)) for number in range(200)} == set(range(6))


@pytest.mark.requirement("C-13")
@pytest.mark.parametrize(
    ("uri", "label", "loopback"),
    [
        ("https://App.Example/cb", "app.example", False),
        ("http://127.0.0.1:1234/cb", "127.0.0.1", True),
        ("http://[::1]/cb", "[::1]", True),
        ("http://localhost/cb", "localhost", True),
        ("cursor://anysphere.cursor/cb", "cursor:", False),
        ("com.example.app:/cb", "com.example.app:", False),
        ("no uri", "?:", False),
    ],
)
def test_a_redirect_uri_is_shown_by_where_it_leads(
    uri: str, label: str, loopback: bool
) -> None:
    shown = destination(uri)

    assert (shown.label, shown.loopback) == (label, loopback)


@pytest.mark.requirement("J-09")
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.com/x", "example.com"),
        ("javascript:alert(1)", None),
        ("https://user@example.com/", None),
        ("//example.com", None),
    ],
)
def test_only_web_urls_have_a_host_to_link_to(url: str, host: str | None) -> None:
    assert web_host(url) == host


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (-5, "just now"),
        (0, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400, "1 day ago"),
        (30 * 86400, "30 days ago"),
        (31 * 86400, f"on {day(NOW - 31 * 86400)}"),
    ],
)
def test_recent_times_are_told_by_their_age(age: int, words: str) -> None:
    assert since(NOW - age, NOW) == words


def test_a_day_is_written_out() -> None:
    assert day(0) == "1 January 1970"
