"""Resource indicators."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.oauth.policy import Policy, ResourcePolicy
from actor_oauth.oauth.resources import (
    canonical_resource,
    covers,
    find_resource,
    known_scopes,
)
from actor_oauth.oauth.scopes import Scope

MCP = ResourcePolicy(identifier="https://h.example/mcp")
API = ResourcePolicy(identifier="https://api.example", scopes=("read", "mcp"))
ONE = Policy(issuer="https://h.example", resources=(MCP,))
TWO = Policy(issuer="https://h.example", resources=(MCP, API))


@pytest.mark.requirement("A-16")
@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://h.example/mcp", "https://h.example/mcp"),
        ("HTTPS://H.EXAMPLE/mcp", "https://h.example/mcp"),
        ("https://h.example", "https://h.example"),
        ("https://h.example/", "https://h.example"),
        ("https://h.example:443/mcp", "https://h.example/mcp"),
        ("http://localhost:80/", "http://localhost"),
        ("https://h.example:8443/mcp", "https://h.example:8443/mcp"),
        ("https://h.example/mcp/", "https://h.example/mcp/"),
        ("https://h.example/MCP", "https://h.example/MCP"),
        ("https://h.example/mcp?a=b", "https://h.example/mcp?a=b"),
        ("http://[::1]:3/x", "http://[::1]:3/x"),
    ],
)
def test_a_resource_has_one_spelling(url: str, canonical: str) -> None:
    assert canonical_resource(url) == canonical


@pytest.mark.requirement("C-09")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "mcp",
        "/mcp",
        "h.example/mcp",
        "https://h.example/mcp#f",
        "https://h.example/mcp#",
        "https://u@h.example/mcp",
        "urn:example:mcp",
        "https://h.example\\@evil/mcp",
        "https://h.example/mcp\n",
    ],
)
def test_what_is_no_web_url_is_no_resource(url: str) -> None:
    assert canonical_resource(url) is None


@given(
    st.from_regex(
        r"[hH]ttps://[a-zA-Z]{1,9}(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9./]{0,20})?(\?[a-z=&]{0,9})?",
        fullmatch=True,
    )
)
def test_the_one_spelling_is_its_own(url: str) -> None:
    canonical = canonical_resource(url)
    assert canonical is not None
    assert canonical_resource(canonical) == canonical


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    canonical_resource(text)


@pytest.mark.requirement("G-06")
@pytest.mark.parametrize(
    ("resource", "url", "covered"),
    [
        ("https://h/mcp", "https://h/mcp", True),
        ("https://h/mcp", "https://h/mcp/", True),
        ("https://h/mcp", "https://h/mcp/x", True),
        ("https://h/mcp/", "https://h/mcp/x", True),
        ("https://h/mcp", "https://h/mcp?session=1", True),
        ("https://h/mcp", "HTTPS://H:443/mcp", True),
        ("https://h", "https://h/anything", True),
        ("https://h/", "https://h", True),
        ("https://h/a%62", "https://h/ab", True),
        ("https://h/mcp?a", "https://h/mcp?a", True),
        ("https://h/mcp?a", "https://h/mcp?b", False),
        ("https://h/mcp?a", "https://h/mcp", False),
        ("https://h/mcp", "https://h/mcp-other", False),
        ("https://h/mcp", "https://h/mc", False),
        ("https://h/mcp", "https://h/", False),
        ("https://h/mcp", "https://h/MCP", False),
        ("https://h/mcp", "https://h//mcp", False),
        ("https://h/mcp", "http://h/mcp", False),
        ("https://h/mcp", "https://h:8443/mcp", False),
        ("https://h/mcp", "https://evil/mcp", False),
        ("https://h/mcp", "https://h.evil/mcp", False),
        ("https://h/mcp", "https://h/mcp/../admin", False),
        ("https://h/mcp", "https://h/mcp/%2e%2e/admin", False),
        ("https://h/mcp", "https://h/mcp/x%2f..%2f..%2fadmin", False),
        ("https://h/mcp", "https://h/mcp/..", False),
        ("https://h/mcp", "https://h/x/../mcp/./y", True),
        ("https://h/mcp", "https://h/../../mcp", True),
        ("https://h/mcp", "https://h/mcp\\..\\admin", False),
        # How far these climb depends on who reads them: nginx, Tomcat, IIS, Express.
        ("https://h/mcp", "https://h/mcp//../admin", False),
        ("https://h/mcp", "https://h/mcp/%2f../admin", False),
        ("https://h/mcp", "https://h/mcp/..;/admin", False),
        ("https://h/mcp", "https://h/mcp/..%3Bx/admin", False),
        ("https://h/mcp", "https://h/mcp/..%5Cadmin", False),
        ("https://h/mcp", "https://h/mcp/%252e%252e/admin", False),
        ("https://h/mcp", "https://h/mcp/..%00/admin", False),
        # As one of them reads it, it comes back to where it began.
        ("https://h/mcp", "https://h/mcp//../admin/..;/mcp", False),
        ("https://h/mcp", "https://h/admin/..%2Fmcp", False),
        # Dots that nobody climbs by.
        ("https://h/mcp", "https://h/mcp//main...dev;a%20b", True),
        ("https://h/mcp", "https://h/mcp/a%252e%252e;/.../x", True),
        ("https://h/mcp", "https://h/mcp//x;y", True),
        ("https://h/mcp", "https://u@h/mcp", False),
        ("nonsense", "https://h/mcp", False),
        ("https://h/mcp", "nonsense", False),
        ("", "", False),
    ],
)
def test_a_resource_covers_its_path_and_what_lies_below(
    resource: str, url: str, covered: bool
) -> None:
    assert covers(resource, url) is covered


@given(st.text(), st.text())
def test_asking_what_is_covered_never_raises(resource: str, url: str) -> None:
    covers(resource, url)


@pytest.mark.requirement("C-09")
def test_an_omitted_resource_is_the_only_one() -> None:
    assert find_resource((), ONE) is MCP
    assert find_resource((), TWO) is None


@pytest.mark.requirement("C-09")
def test_an_omitted_resource_is_the_default_one_where_there_are_several() -> None:
    policy = replace(TWO, default_resource="https://API.example/")
    assert find_resource((), policy) is API
    assert find_resource(("https://h.example/mcp",), policy) is MCP
    assert find_resource(("nonsense",), policy) is None


@pytest.mark.requirement("C-09")
@pytest.mark.parametrize(
    ("requested", "found"),
    [
        (["https://h.example/mcp"], MCP),
        (["HTTPS://h.example:443/mcp"], MCP),
        (["https://api.example"], API),
        (["https://api.example/"], API),
        (["https://api.example", "https://API.example/"], API),
        (["https://h.example/mcp", "https://api.example"], None),
        (["https://h.example/mcp/"], None),
        (["https://h.example/mcp/x"], None),
        (["https://h.example"], None),
        (["https://evil.example/mcp"], None),
        (["https://h.example/mcp#f"], None),
        (["https://h.example/mcp", "nonsense"], None),
        (["nonsense"], None),
    ],
)
def test_a_requested_resource_must_be_exactly_one_of_ours(
    requested: list[str], found: ResourcePolicy | None
) -> None:
    assert find_resource(requested, TWO) is found


@pytest.mark.requirement("A-09")
def test_the_known_scopes_are_those_of_all_resources_and_offline_access() -> None:
    assert known_scopes(TWO) == Scope(("mcp", "read", "offline_access"))
