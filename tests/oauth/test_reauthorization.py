"""What becomes of earlier grants when a client asks again."""

from dataclasses import replace

import pytest

from actor_oauth.oauth.consent_policy import ConsentPolicy, ReplacesGrants
from actor_oauth.oauth.policy import Policy
from actor_oauth.oauth.reauthorization import (
    kept_scope,
    may_refresh,
    replaces_earlier,
)
from actor_oauth.oauth.scopes import Scope
from tests.support.grants import CLIENT, NO_REFRESH_CLIENT, POLICY, RESOURCE

VETTED = replace(CLIENT, origin="pre-registered", scope=Scope(("read", "write")))


def policy_that(replaces_grants: ReplacesGrants) -> Policy:
    return replace(POLICY, consent=ConsentPolicy(replaces_grants=replaces_grants))


@pytest.mark.requirement("B-20", "C-21")
@pytest.mark.parametrize(
    ("redirect_uri", "hosted"),
    [
        ("https://app.example/callback", True),
        ("http://127.0.0.1:8765/callback", False),
        ("http://localhost/callback", False),
        ("https://localhost/callback", False),
        ("cursor://anysphere.cursor/callback", False),
        ("not a uri", False),
    ],
)
def test_only_a_hosted_redirect_uri_takes_the_place_of_older_grants(
    redirect_uri: str, *, hosted: bool
) -> None:
    assert replaces_earlier(redirect_uri, POLICY) is hosted
    assert replaces_earlier(redirect_uri, policy_that("hosted")) is hosted
    assert replaces_earlier(redirect_uri, policy_that("always"))
    assert not replaces_earlier(redirect_uri, policy_that("never"))


@pytest.mark.parametrize(
    ("earlier", "client", "kept"),
    [
        ([], CLIENT, ""),
        (["read", "write admin"], CLIENT, "read write admin"),
        (["read offline_access"], CLIENT, "read offline_access"),
        (["read offline_access"], NO_REFRESH_CLIENT, "read"),
        # What the resource no longer has, and what an operator has taken away.
        (["read gone"], CLIENT, "read"),
        (["read admin"], VETTED, "read"),
    ],
)
def test_what_is_kept_may_still_be_granted(
    earlier: list[str], client: object, kept: str
) -> None:
    scopes = [Scope(tuple(text.split())) for text in earlier]
    assert str(kept_scope(scopes, client, RESOURCE, POLICY)) == kept  # type: ignore[arg-type]  # from the table


def test_nothing_is_kept_for_a_resource_that_is_gone() -> None:
    kept = kept_scope([Scope(("read",))], CLIENT, "https://gone.example/", POLICY)
    assert not kept


@pytest.mark.parametrize(
    ("offered", "allowed", "always", "on_request"),
    [
        ("read", "read", True, False),
        ("read offline_access", "read offline_access", True, True),
        ("read offline_access", "read", False, False),
    ],
)
def test_a_refusal_of_offline_access_means_no_refresh_token(
    offered: str, allowed: str, *, always: bool, on_request: bool
) -> None:
    scopes = Scope(tuple(offered.split())), Scope(tuple(allowed.split()))
    assert may_refresh(*scopes, POLICY) is always
    wanting = replace(POLICY, consent=ConsentPolicy(refresh_tokens="offline_access"))
    assert may_refresh(*scopes, wanting) is on_request
