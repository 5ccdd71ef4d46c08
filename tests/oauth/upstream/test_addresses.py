"""Which URLs of others may be used, and where their documents are."""

import pytest

from actor_oauth.oauth.upstream.addresses import (
    host_label,
    origin_of,
    read_url,
    resource_metadata_urls,
    server_metadata_urls,
)
from actor_oauth.oauth.uris import Uri, parse_web_url


def uri(url: str) -> Uri:
    found = parse_web_url(url)
    assert found is not None
    return found


@pytest.mark.requirement("I-09")
@pytest.mark.parametrize(
    ("url", "in_production", "in_development"),
    [
        ("https://a.example/x", True, True),
        ("http://a.example/x", False, False),
        ("http://127.0.0.1:8000/x", False, True),
        ("http://localhost/x", False, True),
        ("javascript:alert(1)", False, False),
        ("data:text/html,x", False, False),
        ("https://a.example/x#y", False, False),
        ("https://u@a.example/", False, False),
        ("https://a.example/\nx", False, False),
    ],
)
def test_only_web_addresses_are_used(
    url: str, in_production: bool, in_development: bool
) -> None:
    assert (read_url(url, loopback=False) is not None) is in_production
    assert (read_url(url, loopback=True) is not None) is in_development


@pytest.mark.parametrize(
    ("url", "origin", "label"),
    [
        ("https://A.example/x", "https://a.example", "a.example"),
        ("https://a.example:443/x", "https://a.example", "a.example"),
        ("https://a.example:8443/", "https://a.example:8443", "a.example:8443"),
        ("http://[::1]:80/", "http://[::1]", "::1"),
    ],
)
def test_hosts_are_named_one_way(url: str, origin: str, label: str) -> None:
    assert origin_of(uri(url)) == origin
    assert host_label(uri(url)) == label


@pytest.mark.requirement("I-04")
@pytest.mark.parametrize(
    ("url", "places"),
    [
        (
            "https://a.example/x/mcp?v=1",
            [
                "https://a.example/.well-known/oauth-protected-resource/x/mcp?v=1",
                "https://a.example/.well-known/oauth-protected-resource",
            ],
        ),
        (
            "https://a.example/",
            ["https://a.example/.well-known/oauth-protected-resource"],
        ),
    ],
)
def test_a_resource_is_asked_at_its_path_and_then_at_the_root(
    url: str, places: list[str]
) -> None:
    assert list(resource_metadata_urls(uri(url))) == places


@pytest.mark.requirement("I-06")
@pytest.mark.parametrize(
    ("issuer", "places"),
    [
        (
            "https://a.example/t/1/",
            [
                "https://a.example/.well-known/oauth-authorization-server/t/1",
                "https://a.example/.well-known/openid-configuration/t/1",
                "https://a.example/t/1/.well-known/openid-configuration",
            ],
        ),
        (
            "https://a.example",
            [
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_an_issuer_with_a_path_is_never_asked_at_the_root(
    issuer: str, places: list[str]
) -> None:
    assert list(server_metadata_urls(uri(issuer))) == places
