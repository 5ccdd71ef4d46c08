"""The URL that carries the answer back: each parameter once, and where it belongs."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.authorization_response import (
    error_redirect,
    success_redirect,
    token_redirect,
)
from actor_oauth.oauth.scopes import Scope
from actor_oauth.oauth.tokens import TokenResponse

ISSUER = "https://h.example"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def parameters_in(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


@pytest.mark.requirement("C-18", "C-20")
def test_a_success_carries_code_state_and_iss_once() -> None:
    url = success_redirect(
        "https://c.example/cb", code="k", state="x y&z", issuer=ISSUER
    )
    assert url == (
        "https://c.example/cb?code=k&state=x%20y%26z&iss=https%3A%2F%2Fh.example"
    )


@pytest.mark.requirement("C-10", "C-18")
def test_state_is_returned_only_if_it_was_sent() -> None:
    url = success_redirect("https://c.example/cb", code="k", state=None, issuer=ISSUER)
    assert parameters_in(url) == [("code", "k"), ("iss", ISSUER)]


@pytest.mark.requirement("C-18")
def test_an_error_carries_no_code() -> None:
    url = error_redirect(
        "https://c.example/cb",
        error="access_denied",
        description="No.",
        state="s",
        issuer=ISSUER,
    )
    assert parameters_in(url) == [
        ("error", "access_denied"),
        ("error_description", "No."),
        ("state", "s"),
        ("iss", ISSUER),
    ]


@pytest.mark.requirement("C-18")
@given(TEXT)
def test_a_description_keeps_to_its_characters(description: str) -> None:
    url = error_redirect(
        "https://c.example/cb",
        error="server_error",
        description=description,
        state=None,
        issuer=ISSUER,
    )
    sent = dict(parameters_in(url))["error_description"]
    assert all(c in "\x20\x21" or "\x23" <= c <= "\x7e" for c in sent)
    assert "\\" not in sent


@pytest.mark.requirement("C-18")
def test_a_description_may_be_left_out() -> None:
    url = error_redirect(
        "https://c.example/cb",
        error="server_error",
        description=None,
        state=None,
        issuer=ISSUER,
    )
    assert [name for name, _ in parameters_in(url)] == ["error", "iss"]


@pytest.mark.requirement("A-19", "C-18")
@pytest.mark.parametrize(
    ("uri", "start"),
    [
        ("https://c.example/cb?a=b", "https://c.example/cb?a=b&code=k"),
        ("https://c.example/cb?", "https://c.example/cb?code=k"),
        ("https://c.example/cb?a&", "https://c.example/cb?a&code=k"),
        ("https://c.example", "https://c.example?code=k"),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:33418/?code=k"),
        ("cursor://a.b/cb", "cursor://a.b/cb?code=k"),
    ],
)
def test_an_existing_query_is_kept(uri: str, start: str) -> None:
    url = success_redirect(uri, code="k", state=None, issuer=ISSUER)
    assert url.startswith(start + "&iss=")


@given(st.text(), st.text())
def test_building_a_redirect_never_raises(state: str, code: str) -> None:
    success_redirect("https://c.example/cb", code=code, state=state, issuer=ISSUER)


TOKEN = TokenResponse(
    access_token="aoat_x",
    expires_in=600,
    scope=Scope(("read", "write")),
    resource="https://h.example/api",
)


@pytest.mark.requirement("C-18")
def test_a_token_is_in_the_fragment_and_nowhere_else() -> None:
    url = token_redirect("https://c.example/cb?a=b", TOKEN, state="s t", issuer=ISSUER)

    sent, _, fragment = url.partition("#")
    assert sent == "https://c.example/cb?a=b"
    assert parse_qsl(fragment) == [
        ("access_token", "aoat_x"),
        ("token_type", "Bearer"),
        ("expires_in", "600"),
        ("scope", "read write"),
        ("state", "s t"),
        ("iss", ISSUER),
    ]
    assert "state" not in token_redirect(
        "https://c.example", TOKEN, state=None, issuer="i"
    )


@pytest.mark.requirement("C-18")
def test_an_error_in_place_of_a_token_is_there_too() -> None:
    url = error_redirect(
        "https://c.example/cb?a=b",
        error="access_denied",
        description="No.",
        state="s",
        issuer=ISSUER,
        in_fragment=True,
    )

    sent, _, fragment = url.partition("#")
    assert sent == "https://c.example/cb?a=b"
    assert dict(parse_qsl(fragment))["error"] == "access_denied"
