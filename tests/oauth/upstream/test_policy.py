"""Where the vault's own addresses are."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.upstream.failures import UpstreamFault
from actor_oauth.oauth.upstream.policy import (
    ConfiguredClient,
    ConfiguredResource,
    VaultPolicy,
)

POLICY = VaultPolicy(
    base_url="https://us.example/oauth",
    client_name="Us",
    client_uri="https://us.example",
    clients=(ConfiguredClient(issuer="https://as.example", client_id="c", secret="s"),),
)


def test_addresses_are_below_the_prefix() -> None:
    label = "as.example:8443"

    assert POLICY.redirect_uri(label) == f"https://us.example/oauth/callback/{label}"
    assert (
        POLICY.document_url(label, "none") == f"https://us.example/oauth/client/{label}"
    )
    assert POLICY.document_url(label, "private_key_jwt") == (
        f"https://us.example/oauth/signing-client/{label}"
    )
    assert POLICY.jwks_uri == "https://us.example/oauth/jwks"
    assert POLICY.login_url("https://r.example/a?b=c&d") == (
        "https://us.example/oauth/login?url=https%3A%2F%2Fr.example%2Fa%3Fb%3Dc%26d"
    )


def test_credentials_are_found_by_their_issuer_only() -> None:
    assert POLICY.client_at("https://as.example") == POLICY.clients[0]
    assert POLICY.client_at("https://as.example/") is None
    assert "'s'" not in repr(POLICY)


@pytest.mark.requirement("I-12")
@pytest.mark.parametrize(
    ("resource", "is_for_it"),
    [
        ("https://api.example", True),
        ("https://api.example/user", True),
        ("https://evil.example/mcp", False),
        ("https://api.example.evil.example", False),
    ],
)
def test_credentials_are_for_the_named_resources_where_some_are_named(
    resource: str, is_for_it: bool
) -> None:
    """Else a stranger's resource gets a token of a client that the user knows."""
    issuer = "https://as.example"
    known = ConfiguredResource(resource="https://api.example", issuer=issuer)
    policy = replace(POLICY, resources=(known,))
    assert (policy.client_for(resource, issuer) is not None) is is_for_it
    elsewhere = replace(known, issuer="https://other.example")
    apart = replace(POLICY, resources=(elsewhere,))
    assert apart.client_for(resource, issuer) == POLICY.clients[0]


def test_every_fault_has_words_of_its_own_for_people() -> None:
    assert all(fault.text.endswith(".") for fault in UpstreamFault)
    assert {fault for fault in UpstreamFault if fault.is_passing} == {
        UpstreamFault.UNREACHABLE,
        UpstreamFault.ANSWER_LOST,
        UpstreamFault.BUSY,
    }
