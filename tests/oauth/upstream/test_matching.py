"""Which connection a URL belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.upstream.matching import find_match

RESOURCES = [
    (url, url)
    for url in (
        "https://a.example",
        "https://a.example/api",
        "https://a.example/api/v1/mcp",
        "https://a.example:8443/api",
        "https://b.example/x/",
        "https://c.example/q?tenant=1",
        "https://c.example/q",
    )
]


@pytest.mark.requirement("I-33")
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/api/v1/mcp", "https://a.example/api/v1/mcp"),
        ("https://A.EXAMPLE:443/api/v1/mcp/tools?x=1", "https://a.example/api/v1/mcp"),
        ("https://a.example/api/v1/mcp2", "https://a.example/api"),
        ("https://a.example/apix", "https://a.example"),
        ("https://a.example/", "https://a.example"),
        ("https://a.example:8443/api/v2", "https://a.example:8443/api"),
        ("https://a.example:8443/", None),
        ("http://a.example/api", None),
        ("https://a.example.evil/api", None),
        ("https://b.example/x", "https://b.example/x/"),
        ("https://b.example/x/y", "https://b.example/x/"),
        ("https://b.example/xy", None),
        # What climbs out of a path is not below it, however it is written.
        ("https://a.example/api/v1/mcp/../..", "https://a.example/api"),
        ("https://a.example/api/v1/mcp/%2e%2e/%2E%2E/%2e%2e", "https://a.example"),
        ("https://b.example/x/../y", None),
        ("https://b.example/x/%2e%2e%2fy", None),
        ("https://c.example/q?tenant=1", "https://c.example/q?tenant=1"),
        ("https://c.example/q?tenant=2", "https://c.example/q"),
        ("not a url", None),
        ("https://u@a.example/api", None),
    ],
)
def test_the_longest_path_of_whole_segments_wins(
    url: str, expected: str | None
) -> None:
    assert find_match(url, RESOURCES) == expected
    assert find_match(url, reversed(RESOURCES)) == expected


def test_nothing_matches_nothing() -> None:
    assert find_match("https://a.example/", []) is None


SEGMENTS = st.lists(st.sampled_from(("a", "b", "..", ".", "%2e%2e", "%61")), max_size=5)


@given(prefix=SEGMENTS, rest=SEGMENTS)
def test_another_origin_never_matches(prefix: list[str], rest: list[str]) -> None:
    resource = "https://a.example/" + "/".join(prefix)
    url = "https://b.example/" + "/".join(prefix + rest)

    assert find_match(url, [(resource, 1)]) is None
