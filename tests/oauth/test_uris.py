"""URIs: nothing is repaired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.uris import MAX_URI_LENGTH, parse_uri, parse_web_url


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path", "query", "fragment"),
    [
        ("https://h.example/p?q#f", "https", "h.example", None, "/p", "q", "f"),
        ("HTTP://LocalHost:80", "http", "LocalHost", 80, "", None, None),
        ("http://[::1]:9/x", "http", "[::1]", 9, "/x", None, None),
        ("http://127.0.0.1/?", "http", "127.0.0.1", None, "/", "", None),
        ("com.example.app:/cb", "com.example.app", None, None, "/cb", None, None),
        ("cursor://a.b-c/d", "cursor", "a.b-c", None, "/d", None, None),
        ("https://h/%7Ea;b=c,d", "https", "h", None, "/%7Ea;b=c,d", None, None),
        ("mailto:a@b", "mailto", None, None, "a@b", None, None),
        ("https://h.example./", "https", "h.example.", None, "/", None, None),
        ("https://h/#", "https", "h", None, "/", None, ""),
    ],
)
def test_the_parts_of_a_uri(
    text: str,
    scheme: str,
    host: str | None,
    port: int | None,
    path: str,
    query: str | None,
    fragment: str | None,
) -> None:
    uri = parse_uri(text)
    assert uri is not None
    assert (uri.scheme, uri.host, uri.port) == (scheme, host, port)
    assert (uri.path, uri.query, uri.fragment) == (path, query, fragment)


@pytest.mark.requirement("B-02")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "h.example/p",
        "//h.example/p",
        "/p",
        "1http://h",
        "https://",
        "https:///p",
        "https://h:0/",
        "https://h:65536/",
        "https://h:99999999999999999999/",
        "https://h:/",
        "https://h:8a/",
        "https://h.example:80:90/",
        "https://[::1/",
        "https://[1.2.3.4]/",
        "https://[fe80::1%25eth0]/",
        "https://[::g]/",
        "https://a..b/",
        "https://.a/",
        "https://h%2eexample/",
        "https://h/%",
        "https://h/%zz",
        "https://h/a b",
        "https://h/a\tb",
        "https://h/\r\nX: y",
        "https://h\\@evil.example/",
        "https:\\\\h/",
        "https://h/\\x",
        "https://h/<x>",
        'https://h/"x"',
        "https://h/{x}",
        "https://h/\x00",
        "https://h/\x7f",
        " https://h/",
        "https://h/ ",
        "https://h/\n",
        "https://\uff48.example/",
        "https://xn--é.example/",
        "https://h.example。evil/",
        "https://h/é",
        "http://①27.0.0.1/",
        "https://h/" + "a" * MAX_URI_LENGTH,
    ],
)
def test_what_breaks_the_grammar_is_no_uri(text: str) -> None:
    assert parse_uri(text) is None


@given(st.text())
def test_reading_a_uri_never_raises(text: str) -> None:
    parse_uri(text)
    parse_web_url(text)


@given(st.from_regex(r"https?://[a-z@:\[\]./?#%\\0-9-]{0,30}", fullmatch=True))
def test_reading_something_like_a_url_never_raises(text: str) -> None:
    uri = parse_uri(text)
    assert uri is None or text.lower().startswith(uri.scheme + "://")


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/",
        "javascript:alert(1)",
        "https:/h",
        "https:h",
        "https://u@h/",
        "https://u:p@h/",
        "https://@h/",
        "https://h/#f",
        "https://h/#",
    ],
)
def test_a_web_url_has_a_host_and_neither_user_nor_fragment(text: str) -> None:
    assert parse_web_url(text) is None


def test_the_user_is_what_stands_before_the_last_at_sign() -> None:
    uri = parse_uri("https://good.example@evil.example/")
    assert uri is not None
    assert (uri.userinfo, uri.host) == ("good.example", "evil.example")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://h/a", "HTTPS://H:443/b?c", True),
        ("http://h/", "http://h:80", True),
        ("https://h/", "http://h/", False),
        ("https://h/", "https://h:8443/", False),
        ("https://h/", "https://h./", False),
    ],
)
def test_an_origin_folds_case_and_default_port(
    left: str, right: str, same: bool
) -> None:
    a, b = parse_uri(left), parse_uri(right)
    assert a is not None
    assert b is not None
    assert (a.origin == b.origin) is same


def test_an_origin_without_a_host_is_its_scheme() -> None:
    uri = parse_uri("com.example.app:/cb")
    assert uri is not None
    assert uri.origin == ("com.example.app", None, None)
    assert not uri.is_loopback
